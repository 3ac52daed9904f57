"""``python -m demo``: Muara with a provider of its own, a demo user and two mailboxes to read."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from demo.certificates import make_certificates
from demo.keepsake import Keepsake, NotADemo, remember
from demo.mailboxes import BOXES, make_mailboxes
from demo.provider import Provider

ROOT = Path(__file__).resolve().parent.parent
USER = "demo@muara.example"
STOP_SECONDS = 9
# What an operator may have set for the real thing must not reach the demo.
NOT_FOR_US = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "CREDENTIAL_KEYS")

say = partial(print, flush=True)


def main() -> int:
    """Start everything, wait for Ctrl-C or SIGTERM, and end everything."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    os.umask(0o077)
    data = Path(os.environ.get("MUARA_DATA", ROOT / "var" / "demo")).resolve()
    try:
        keepsake = remember(data, now=datetime.now(UTC))
    except NotADemo as reason:
        sys.exit(f"muara demo: {reason}")
    letters = make_mailboxes(password=keepsake.mailbox_password, born=keepsake.born_at)
    with TemporaryDirectory(prefix="muara-demo-") as folder, ExitStack() as ending:
        certificates = make_certificates(Path(folder), [box.host for box in BOXES])
        provider = ending.enter_context(running(Provider(letters, certificates.chain)))
        os.environ.update(environment(data, certificates.trusted, provider.port))
        prepare(keepsake)
        if somebody_listens():
            sys.exit(f"muara demo: port {os.environ['MUARA_PORT']} is taken. Set MUARA_PORT.")
        return serve(keepsake)


def stop(_number: int, _frame: FrameType | None) -> None:
    """Leave by the way that cleans up; a second signal changes nothing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """Serve the mailboxes for as long as the block lasts."""
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


def environment(data: Path, trusted: Path, provider_port: int) -> dict[str, str]:
    """Return the variables that turn Muara into the demo's."""
    port = os.environ.get("MUARA_PORT", "8000")
    blank = [f"MUARA_{name}{ending}" for name in NOT_FOR_US for ending in ("", "_FILE")]
    return dict.fromkeys(blank, "") | {
        "MUARA_ENV_FILE": os.devnull,
        "MUARA_DATA": str(data),
        "MUARA_BIND": os.environ.get("MUARA_BIND", "127.0.0.1"),
        "MUARA_PORT": port,
        "MUARA_URL": f"http://localhost:{port}",
        "MUARA_CONNECT_TO": ",".join(f"{box.host}:995=127.0.0.1:{provider_port}" for box in BOXES),
        "SSL_CERT_FILE": str(trusted),
        "DJANGO_SETTINGS_MODULE": "aggregator.settings",
    }


def prepare(keepsake: Keepsake) -> None:
    """Bring the database up to date, and add the user and the accounts that are not there yet."""
    import django  # noqa: PLC0415 - reads the environment made above
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    django.setup()
    from accounts.models import ExternalAccount, User  # noqa: PLC0415 - needs the line above

    call_command("migrate", interactive=False, verbosity=0)
    if not User.objects.filter(email=USER).exists():
        say("Making the demo user and its two accounts ...")
        command("adduser", USER, "--password-stdin", secret=keepsake.password)
    trust_address()
    known = set(ExternalAccount.objects.values_list("address", flat=True))
    for box in BOXES:
        if box.address not in known:
            sign_in = ("--host", box.host, "--port", "995", "--username", box.address)
            kind = ("--protocol", "pop3", "--security", "tls", "--name", box.name)
            whose = ("--owner", USER, "--address", box.address)
            secret = keepsake.mailbox_password
            command("addaccount", *whose, *kind, *sign_in, "--password-stdin", secret=secret)
    connection.close()


def trust_address() -> None:
    """Mark the demo user's address as proved, since nobody can read a code mailed to it."""
    from allauth.account.models import EmailAddress  # noqa: PLC0415 - needs Django set up

    from accounts.models import User  # noqa: PLC0415

    EmailAddress.objects.update_or_create(
        user=User.objects.get(email=USER),
        email=USER,
        defaults={"verified": True, "primary": True},
    )


def command(*words: str, secret: str) -> None:
    """Run one of Muara's commands as a person would, the secret on its standard input."""
    arguments = [sys.executable, str(ROOT / "manage.py"), *words]
    done = subprocess.run(  # noqa: S603 - our own words
        arguments, input=secret + "\n", text=True, check=False, stdout=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"muara demo: {words[0]} did not succeed; what it said stands above.")


def serve(keepsake: Keepsake) -> int:
    """Run the program beside the provider, in a group of its own: Ctrl-C reaches it through us."""
    arguments = [sys.executable, str(ROOT / "manage.py"), "serve"]
    lifeline, ours = os.pipe()  # Ours closes with us, however we end.
    program = subprocess.Popen(  # noqa: S603 - our own words
        arguments,
        process_group=0,
        pass_fds=[lifeline],
        env=os.environ | {"MUARA_LIFELINE": str(lifeline)},
    )
    os.close(lifeline)
    try:
        if answers(program):
            say(where_to_look(keepsake))
        return program.wait()
    finally:
        program.terminate()
        try:
            program.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
        os.close(ours)


def answers(program: subprocess.Popen[bytes]) -> bool:
    """Wait until the web server listens; False if the program ended instead."""
    while program.poll() is None:
        if somebody_listens():
            return True
        time.sleep(0.2)
    return False


def somebody_listens() -> bool:
    """Tell whether the web server's port answers."""
    place = (os.environ["MUARA_BIND"], int(os.environ["MUARA_PORT"]))
    try:
        socket.create_connection(place, timeout=1).close()
    except OSError:
        return False
    return True


def where_to_look(keepsake: Keepsake) -> str:
    """Say where the demo is and how to sign in."""
    return f"""
  The demo is ready:  {os.environ["MUARA_URL"]}
  Email address       {USER}
  Password            {keepsake.password}

  Two mailboxes are being fetched: {" and ".join(box.address for box in BOXES)}.
  A few letters arrive within the first minutes. Ctrl-C ends the demo; its data stays in
  {os.environ["MUARA_DATA"]} (remove the folder to start anew).
"""


if __name__ == "__main__":
    sys.exit(main())
