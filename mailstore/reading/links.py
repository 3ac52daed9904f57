"""Where the links of foreign mail really lead, said where their words say something else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html import escape, unescape
from urllib.parse import urlsplit

import idna
from django.utils.translation import gettext

from accounts.spf import is_registered, organisation
from mailstore.markup import RawText, Tag, tokens

MAX_WORDS = 300
# Alphabets in which whole words look like Latin ones.
_ALIKE = {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
_NAMED = re.compile(
    r"\s*(?:https?://|mailto:)?(?:[^\s/@]{1,100}@)?((?:[^\W_][\w-]{0,62}\.)+[^\W\d_]{2,30})"
    r"(?:[:/?#]\S{0,200})?\s*",
    re.IGNORECASE,
)


def dressed(markup: str) -> str:
    """Return the markup with each link's target as its title, and a mark behind misleading ones."""
    return "".join(_dressed(markup))


def _dressed(markup: str) -> Iterator[str]:
    link, words = "", ""
    for token in tokens(markup):
        if isinstance(token, Tag) and token.name == "a":
            if token.is_closing:
                yield "</a>" + _mark(link, words)
                link = ""
            else:
                attributes = token.attributes()
                link, words = attributes.get("href", "").strip(), ""
                yield _tag(attributes | {"title": link})
        elif isinstance(token, str):
            words = (words + token)[:MAX_WORDS] if link else ""
            yield token
        else:
            yield _as_written(token)


def _as_written(token: Tag | RawText) -> str:
    return f"<{'/' * token.is_closing}{token.name}{token.inside}>" if isinstance(token, Tag) else ""


def _tag(attributes: dict[str, str]) -> str:
    inside = "".join(
        f' {name}="{escape(value)}"' for name, value in attributes.items() if name.isalpha()
    )
    return f"<a{inside}>"


def _mark(link: str, words: str) -> str:
    host = host_of(link)
    if not host:
        return ""
    if is_look_alike(host):
        said = gettext("leads to %(host)s, written with letters that look like others")
        return f"<mark>⚠ {escape(said % {'host': in_ascii(host)})}</mark>"
    if hides_host(link) or names_another(unescape(words), host):
        said = gettext("leads to %(host)s")
        return f"<mark>{escape(said % {'host': host})}</mark>"
    return ""


def host_of(link: str) -> str:
    """Return the host that a web address leads to, in lower case; "" for any other."""
    try:
        parts = urlsplit(link.strip())
        return (parts.hostname or "") if parts.scheme.lower() in {"http", "https"} else ""
    except ValueError:
        return ""


def hides_host(link: str) -> bool:
    """Tell whether something that may be taken for the host stands before it: https://bank@evil."""
    return "@" in urlsplit(link.strip()).netloc


def names_another(words: str, host: str) -> bool:
    """Tell whether the words of a link are themselves an address, of somebody else than its host.

    Hosts of one owner (www.example.org, mail.example.org) are the same here.
    """
    named = _NAMED.fullmatch(words)
    if not named:
        return False
    name, host = in_ascii(named[1].lower()), in_ascii(host)
    # A file's name looks like a host's too, but seldom ends like this one.
    is_host = is_registered(name) or name.rpartition(".")[2] == host.rpartition(".")[2]
    return is_host and organisation(name) != organisation(host)


def is_look_alike(host: str) -> bool:
    """Tell whether a part of a host mixes alphabets, or is written in one that looks like Latin.

    Under a top-level domain of its own alphabet such a name is at home.
    """
    *labels, top = in_letters(host).split(".")
    return any(_deceives(label, _alphabets(top)) for label in labels)


def _deceives(label: str, at_home: set[str]) -> bool:
    found = _alphabets(label)
    if "LATIN" in found:
        return bool(found & _ALIKE)
    return bool(found & _ALIKE) and not found & at_home


def _alphabets(label: str) -> set[str]:
    return {unicodedata.name(letter, "?").split()[0] for letter in label if letter.isalpha()}


def in_letters(host: str) -> str:
    """Return a host with its punycode read (RFC 5891); parts that cannot be read stay."""
    return ".".join(_label_in_letters(label) for label in host.split("."))


def _label_in_letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def in_ascii(host: str) -> str:
    """Return a host as DNS writes it; one that cannot be written so stays."""
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        return host
