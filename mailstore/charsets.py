"""Bytes of unknown origin made into text: charset names as mail writes them, guesses, clean-up."""

from __future__ import annotations

import re
from encodings.aliases import aliases
from functools import lru_cache

from charset_normalizer import from_bytes

# Only codecs that mail uses for text. Python also knows "base64", "rot13", "idna" or "utf-7" by
# name: no text, or, for UTF-7, a way to hide markup.
_TEXT_CODEC = re.compile(
    r"utf_(8|8_sig|16|16_[bl]e|32|32_[bl]e)|ascii|latin_1|iso8859_\d+|iso2022_\w+|cp\d+|koi8_[rut]"
    r"|gb2312|gbk|gb18030|hz|big5|big5hkscs|euc_\w+|shift_jis\w*|johab|mac_\w+|ptcp154|tis_620|kz1048"
)
# What the names mean in the wild is larger than what they say (https://encoding.spec.whatwg.org).
_WIDER = {
    "ascii": "utf_8",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "tis_620": "cp874",
    "iso8859_11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "cp950",
    "iso2022_jp": "iso2022_jp_ext",
}
_NICKNAMES = {
    "ks_c_5601": "euc_kr",
    "x_sjis": "shift_jis",
    "windows_31j": "cp932",
    "x_gbk": "gbk",
    "x_euc_jp": "euc_jp",
    "x_big5": "big5",
    "utf8mb4": "utf_8",
    "x_mac_roman": "mac_roman",
    "x_mac_cyrillic": "mac_cyrillic",
    "windows_874": "cp874",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "ansi_x3_4_1968": "ascii",
    "unicode_1_1_utf_8": "utf_8",
}
_ISO_2022_JP = re.compile(rb"\x1b(?:\$[@B]|\([JI])")
_LIKELY = [
    *("cp1252", "cp1251", "koi8_r", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp874"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
LONGEST_NAME = 100
# Fewer foreign bytes than this say too little: the guess is worse than the commonest code page.
_ENOUGH_TO_GUESS = 40
_SAMPLE = 8192
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def _known_codecs() -> dict[str, str]:
    """Map every spelling of a text codec, normalised, to the codec to use for it."""
    names = {
        name: codec for alias, codec in aliases.items() for name in (alias, codec)
    } | _NICKNAMES
    found = {}
    for name, codec in names.items():
        if _TEXT_CODEC.fullmatch(codec):
            found[name] = _WIDER.get(codec, codec)
    return found


_CODECS = _known_codecs()


def codec_for(declared: str) -> str:
    """Return the Python codec for a charset as declared in mail, or "" if it is none for text."""
    return _codec_for(declared[:LONGEST_NAME]) if declared else ""


@lru_cache(maxsize=500)
def _codec_for(declared: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", declared.lower()).strip("_")
    for candidate in (name, name.removeprefix("x_"), re.sub(r"_\d{4}$", "", name)):
        if candidate in _CODECS:
            return _CODECS[candidate]
    page = re.fullmatch(r"(?:cp|windows|ms|ibm|win)_?(\d{3,5})", name)
    return _CODECS.get(f"cp{page[1]}", "") if page else ""


def decode(data: bytes, declared: str = "") -> str:
    """Return the text of some bytes; never raises, keeps no NUL and no lone surrogate.

    The declared charset is believed as long as it fits; then come UTF-8, a guess, Windows-1252.
    """
    return storable(_decode(data, codec_for(declared)))


def _decode(data: bytes, codec: str) -> str:
    if data.isascii() and codec not in {"hz", "utf_16", "utf_16_be", "utf_16_le"}:
        return _decode_ascii(data, codec)
    for candidate in (codec, "utf_8"):
        text = _try(data, candidate)
        if text is not None:
            return text
    return _nearly(data, codec) or _nearly(data, "utf_8") or _guess(data)


def _decode_ascii(data: bytes, codec: str) -> str:
    """Decode seven-bit bytes, which may still shift to Japanese and back (RFC 1468)."""
    if b"\x1b" in data and _ISO_2022_JP.search(data) and not codec.startswith("iso2022"):
        codec = "iso2022_jp_ext"
    if codec.startswith(("iso2022", "utf_32")):
        return data.decode(codec, "replace")
    return data.decode("ascii")


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec) if codec else None
    except UnicodeError:
        return None


def _nearly(data: bytes, codec: str) -> str:
    """Decode although a few bytes do not fit, as after a cut in the middle of a character."""
    if not codec:
        return ""
    text = data.decode(codec, "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return text if good and bad * 10 <= good + 10 else ""


def _guess(data: bytes) -> str:
    sample = data[:_SAMPLE]
    if len(sample) - len(sample.translate(None, bytes(range(128, 256)))) >= _ENOUGH_TO_GUESS:
        best = from_bytes(sample, cp_isolation=_LIKELY, steps=4, chunk_size=512).best()
        if best is not None:
            return data.decode(best.encoding, "replace")
    return data.decode("cp1252", "replace")


def storable(text: str) -> str:
    """Drop what a database's text column refuses: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub("", text)


def one_line(text: str, limit: int) -> str:
    """Return text for one line of a page: no control or direction characters, at most ``limit``."""
    text = " ".join(text[: limit * 4].split())
    if not text.isprintable():
        text = " ".join(_INVISIBLE.sub(" ", storable(text)).split())
    return text[:limit].rstrip()
