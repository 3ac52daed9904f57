"""Where a reply ends and what it quotes begins, so that the quotation can be folded away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailstore.markup import RawText, Tag, tokens
from mailstore.tidy import VOID

# The line over a quotation, as mail programs write it in Indonesian and in other languages.
_ATTRIBUTION = re.compile(
    r"(?:On\b.{3,300}\bwrote|Pada\b.{3,300}\b(?:menulis|menyatakan|berkata)"
    r"|Le\b.{3,300}\ba écrit|Am\b.{3,300}\bschrieb\b.{0,200}|El\b.{3,300}\bescribió"
    r"|Em\b.{3,300}\bescreveu|Il\b.{3,300}\bha scritto|Op\b.{3,300}\bschreef\b.{0,200})"
    r"\s*:\s*",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTION_LINE = re.compile(
    r".{2,300}(?:\b(?:menulis|wrote)(?: pada .{3,100})?|пишет|писал\(?а?\)?|写道|寫道|のメール)"
    r"\s*[:：]\s*",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"[-_ ]{2,40}\s*(?:Original Message|Pesan Asli|Pesan asal|Ursprüngliche Nachricht"
    r"|Message d'origine|Mensaje original|Mensagem original|Messaggio originale"
    r"|Oorspronkelijk bericht)\s*[-_ ]{0,40}",
    re.IGNORECASE,
)
_HEAD = re.compile(r"[>*\s]*(?:From|Dari|Von|De|Da|Van)\s?:.{1,300}", re.IGNORECASE)
_HEAD_GOES_ON = re.compile(
    r"[>*\s]*(?:Sent|Date|Dikirim|Terkirim|Tanggal|Gesendet|Datum|Envoyé|Enviado|Data|Inviato"
    r"|Verzonden)\s?:.{1,200}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[-\s]*(?:Forwarded message|Begin forwarded message|Pesan (?:yang )?(?:di)?terusk?an"
    r"|Weitergeleitete Nachricht|Message transféré|Mensaje reenviado)",
    re.IGNORECASE,
)
_FORWARDING = re.compile(r"\s*(?:fwd?|trs|terusan|wg|tr|rv|enc|i)\s*:", re.IGNORECASE)
_ATTRIBUTION_LINES = 3
# Elements that quote by themselves; after "rest", everything to the end is quoted.
_QUOTING = re.compile(
    r"(?:^|[\s_])(?:gmail_quote|gmail_quote_container|yahoo_quoted|protonmail_quote|zmail_extra"
    r"|moz-cite-prefix|reply-intro|tutanota_quote)(?:$|\s)"
)
_REST = re.compile(r"(?:^|[\s_])(?:divRplyFwdMsg|appendonsend|OutlookMessageHeader)(?:$|\s)")
_OUTLOOK_RULE = re.compile(
    r"border:\s?none;\s?border-top:\s?solid #(?:e1e1e1|b5c4df) 1", re.IGNORECASE
)


def is_forwarding(subject: str) -> bool:
    """Tell whether a subject is that of a message handed on, whose quotation is the news."""
    return bool(_FORWARDING.match(subject))


def split_text(text: str) -> tuple[str, str]:
    """Return what a plain text says itself and the quotation that ends it; joined, they are it."""
    lines = text.splitlines(keepends=True)
    at = _quoted_from(lines)
    own, quoted = "".join(lines[:at]), "".join(lines[at:])
    return (own, quoted) if own.strip() and quoted.strip() else (text, "")


def _quoted_from(lines: Sequence[str]) -> int:
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if end and lines[end - 1].lstrip().startswith(">"):
        return _with_attribution(lines, _first_quoted(lines, end))
    for at, line in enumerate(lines):
        begins = _ORIGINAL.fullmatch(line.strip()) or _is_head(lines, at)
        if begins and not any(_FORWARDED.match(one) for one in lines[max(0, at - 2) : at]):
            return at
    return len(lines)


def _first_quoted(lines: Sequence[str], end: int) -> int:
    """Walk up from the last line while lines are quoted or blank."""
    at = end
    while at and (lines[at - 1].lstrip().startswith(">") or not lines[at - 1].strip()):
        at -= 1
    while not lines[at].strip():
        at += 1
    return at


def _with_attribution(lines: Sequence[str], at: int) -> int:
    end = at
    while end and not lines[end - 1].strip():
        end -= 1
    for count in range(1, min(_ATTRIBUTION_LINES, end) + 1):
        if _ATTRIBUTION.fullmatch("".join(lines[end - count : end]).strip()):
            return end - count
    return end - 1 if end and _ATTRIBUTION_LINE.fullmatch(lines[end - 1].strip()) else at


def _is_head(lines: Sequence[str], at: int) -> bool:
    """Tell whether the head of an earlier message is written out here, as Outlook does."""
    after = lines[at + 1 : at + 4]
    return bool(_HEAD.fullmatch(lines[at].strip())) and any(
        _HEAD_GOES_ON.fullmatch(line.strip()) for line in after
    )


def split_html(markup: str, *, forwarding: bool = False) -> tuple[str, str]:
    """Return two well-nested fragments: what a reply says itself, and the quotation that ends it.

    The second is empty where nothing is quoted, where something follows the quotation, or where
    the quotation is all there is.
    """
    return _Splitter(forwarding).split(markup)


@dataclass(slots=True)
class _Splitter:
    """Reads tokens and keeps where a quotation began: what was written and open just there."""

    forwarding: bool
    written: list[str] = field(default_factory=list)
    stack: list[tuple[str, str]] = field(default_factory=list)
    own: int = 0
    start: int = -1
    around: list[tuple[str, str]] = field(default_factory=list)
    is_rest: bool = False
    is_inside: bool = False
    said: str = ""

    def split(self, markup: str) -> tuple[str, str]:
        for token in tokens(markup):
            if isinstance(token, Tag):
                self._tag(token)
            elif isinstance(token, str):
                self._text(token)
            self.written.append(_as_written(token))
        if self.start < 0 or not self.said or _FORWARDED.match(self.said):
            return markup, ""
        closing = "".join(f"</{name}>" for name, _ in reversed(self.around))
        opening = "".join(tag for _, tag in self.around)
        own, quoted = self.written[: self.start], self.written[self.start :]
        return "".join([*own, closing]), "".join([opening, *quoted])

    def _tag(self, tag: Tag) -> None:
        if tag.is_closing:
            if any(name == tag.name for name, _ in self.stack):
                while self.stack.pop()[0] != tag.name:
                    pass
            self.is_inside = self.is_inside and len(self.stack) > len(self.around)
            return
        if self.start < 0 and self.own:
            self._look(tag)
        if tag.name not in VOID:
            self.stack.append((tag.name, _as_written(tag)))

    def _look(self, tag: Tag) -> None:
        attributes = tag.attributes()
        marks = f"{attributes.get('class', '')} {attributes.get('id', '')}"
        self.is_rest = bool(
            _REST.search(marks) or _OUTLOOK_RULE.search(attributes.get("style", ""))
        )
        quotes = tag.name == "blockquote" and attributes.get("type", "").lower() == "cite"
        if (self.is_rest and not self.forwarding) or quotes or _QUOTING.search(marks):
            self.start, self.around, self.said = len(self.written), list(self.stack), ""
            self.is_inside = True

    def _text(self, text: str) -> None:
        words = text.replace("&nbsp;", " ").strip()
        if self.start < 0:
            self.own += len(words)
        elif words and not self._is_quoted():
            # Something of the writer's own follows: an answer between the lines.
            self.start = -1
        else:
            self.said = self.said[:200] + words

    def _is_quoted(self) -> bool:
        inner = self.stack[len(self.around) :]
        return self.is_rest or self.is_inside or any(name == "blockquote" for name, _ in inner)


def _as_written(token: Tag | RawText | str) -> str:
    if isinstance(token, Tag):
        return f"<{'/' * token.is_closing}{token.name}{token.inside}>"
    return token if isinstance(token, str) else ""
