"""django-mailbox, in an environment of its own: one mailbox into rows of SQLite.

    python -m bench.peers.django_mailbox_run PORT USER PASSWORD FOLDER

It deletes at the server what it has fetched.
"""

from __future__ import annotations

import json
import poplib
import sys
import time
from pathlib import Path
from urllib.parse import quote

import django
from django.conf import settings
from django.core.management import call_command

poplib._MAXLINE = 1_000_000  # type: ignore[attr-defined]  # noqa: SLF001


def main(port: str, user: str, password: str, folder: str) -> None:
    """Fetch a mailbox and tell how long that took, the start of Django apart."""
    place = Path(folder)
    settings.configure(
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(place / "rows.sqlite3")}
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django_mailbox"],
        MEDIA_ROOT=folder,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
    )
    django.setup()
    from django_mailbox.models import Mailbox  # noqa: PLC0415 - needs the line above

    call_command("migrate", verbosity=0)
    uri = f"pop3+ssl://{quote(user)}:{quote(password)}@127.0.0.1:{port}"
    mailbox = Mailbox.objects.create(name="box", uri=uri)
    began = time.perf_counter()
    came = sum(1 for _ in mailbox.get_new_mail())
    told = {"messages": came, "seconds": time.perf_counter() - began}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
