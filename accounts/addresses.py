"""Which email addresses and display names may stand in a header, and in which one form.

Both are kept so that nothing in them can end a header, hide in an encoded word or turn the
direction of the text around it.
"""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

LONGEST_ADDRESS, LONGEST_LOCAL_PART = 254, 64
# RFC 5322 section 3.2.3: what needs no quotes; whatever needs them is not taken at all.
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# Controls, directions and other unseen marks, lone surrogates, line and paragraph separators.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# These two join and part letters, in emoji and in many scripts.
JOINERS = {"\u200c", "\u200d"}
# What looks like an encoded word would be decoded once more by whoever reads it (RFC 2047), and
# quotes within quotes are folded and read in more than one way.
HARMLESS = {"=?": "= ?", '"': "'", "\\": "/"}


def tidy_address(typed: str) -> str:
    """Return an address in the form that is kept: the domain in lower case and ASCII (RFC 5891).

    Raise ValidationError for what is no address, needs quotes, or has no public domain.
    """
    local, at, domain = typed.strip().rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode().lower().rstrip(".")
        address = f"{local}@{ascii_domain}"
        validate_email(address)
    except (idna.IDNAError, UnicodeError, ValidationError) as error:
        raise ValidationError(_("This is no email address.")) from error
    is_short = len(local) <= LONGEST_LOCAL_PART and len(address) <= LONGEST_ADDRESS
    is_plain = LOCAL_PART.fullmatch(local) and "=?" not in local
    if not (at and is_plain and is_short and "." in ascii_domain):
        raise ValidationError(_("This is no email address."))
    return address


def mailbox_of(address: str) -> str:
    """Return what is the same for all spellings that lead to one mailbox: no case, no +detail."""
    local, _at, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def same_for_all_spellings(address: str) -> str:
    """Return what two addresses have in common if they are the same but for case and script."""
    try:
        return tidy_address(address).lower()
    except ValidationError:
        return address.lower()


def domain_of(address: str) -> str:
    """Return the part after the @ in lower case."""
    return address.rpartition("@")[2].lower()


def header_name(text: str) -> str:
    """Return a display name as it may stand in a header: one line, nothing unseen, no encoding."""
    seen = "".join(" " if _is_unseen(one) else one for one in unicodedata.normalize("NFC", text))
    for told, harmless in HARMLESS.items():
        seen = seen.replace(told, harmless)
    return " ".join(seen.split())


def tidy_name(typed: str) -> str:
    """Return a display name in the form that is kept. Raise ValidationError for unseen marks."""
    if any(map(_is_unseen, typed)) or "=?" in typed:
        raise ValidationError(_("Line breaks and control characters are not allowed."))
    return " ".join(unicodedata.normalize("NFC", typed).split())


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN and character not in JOINERS


def header_address(name: str, address: str) -> Address:
    """Return what stands in a From or Reply-To (RFC 5322 section 3.4).

    Raise ValidationError for an address that may stand in no header.
    """
    return Address(display_name=header_name(name), addr_spec=tidy_address(address))
