"""What is said where an export or an import ended early."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: Final[dict[str, str | Promise]] = {
    "archive.empty": _(
        "No message was found in this file. It must be an mbox file, or a zip or tar of mbox, "
        "Maildir or EML files."
    ),
    "archive.encrypted": _("This archive is locked with a password. Make one without, and try it."),
    "archive.damaged": _(
        "This archive is damaged or was cut off. What could be read of it is here; with a whole "
        "copy the rest comes too."
    ),
    "archive.bomb": _(
        "This archive unpacks to far more than mail ever does, so it was not read any further."
    ),
    "archive.files": _("This zip holds too many files. Pack them as a tar.gz instead."),
    "quota.full": _(
        "The storage is full. What fitted is here; once there is room, the same file brings the "
        "rest."
    ),
    "transfer.disk": _(
        "The file could not be written or read on this server. Try again; if it stays so, whoever "
        "runs the server must look."
    ),
    "transfer.stopped": _(
        "This failed several times. Whoever runs the server finds the reason in its log."
    ),
}


def words_for(code: str) -> str | Promise:
    """Return the sentence for a code, "" for a good end."""
    return WORDS[code] if code else ""
