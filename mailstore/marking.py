"""Where in a text the words of a search stand, and the piece of a long text that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from mailstore import packs, parsing
from mailstore.models import Blob, Message
from mailstore.search import TERM_WITH_MARKS, terms
from mailstore.searchnames import Resolved
from mailstore.searchquery import Field, Words
from mailstore.searchterms import Phrase, phrase

BEFORE, LENGTH = 60, 200
# Octets of one message, and of all on a page, that are read again to show where the words stand.
MOST_OF_ONE, MOST_OF_ALL = 200_000, 1_000_000
_WORD = re.compile(TERM_WITH_MARKS)


class Marks:
    """What to mark in subjects, senders and texts."""

    def __init__(self, wanted: Resolved) -> None:
        """Gather the words that were asked for; the contrary of a wish is not to be seen."""
        wishes = [term.wish for group in wanted.query.groups for term in group if not term.is_not]
        phrases = [
            found
            for wish in wishes
            if isinstance(wish, Words)
            and (found := phrase(wish.field, wish.text, is_prefix=wish.is_prefix))
        ]
        self._by_field = {
            field: [one for one in phrases if one.field in {field, Field.ANY}]
            for field in (Field.SUBJECT, Field.FROM, Field.ANY)
        }

    def subject(self, text: str) -> SafeString:
        """Return a subject with its hits marked."""
        return marked(text, self._by_field[Field.SUBJECT])

    def sender(self, text: str) -> SafeString:
        """Return a sender with the hits marked."""
        return marked(text, self._by_field[Field.FROM])

    def snippet(self, text: str) -> SafeString:
        """Return a piece of the text with its hits marked."""
        return marked(text, self._by_field[Field.ANY])

    def show_hits(self, messages: Sequence[Message]) -> None:
        """Let each preview be the piece where the words stand, where nothing else shows them."""
        wanted = self._by_field[Field.ANY]
        hidden = [one for one in messages if wanted and not self._is_seen(one)]
        blobs = Blob.objects.filter(message__in=hidden, size__lte=MOST_OF_ONE)
        of_message = {
            pk: blob
            for blob in blobs.select_related("pack").prefetch_related("message_set")
            for pk in [one.pk for one in blob.message_set.all()]
        }
        room = MOST_OF_ALL
        for message in hidden:
            blob = of_message.get(message.pk)
            if blob and (room := room - blob.size) >= 0:
                message.preview = _piece(blob, wanted) or message.preview

    def _is_seen(self, message: Message) -> bool:
        wanted = self._by_field[Field.ANY]
        shown = f"{message.subject} {message.sender_name} {message.preview}"
        return any(True for _ in hits(shown, wanted))


def _piece(blob: Blob, phrases: Sequence[Phrase]) -> str:
    try:
        text = parsing.parse(packs.read_raw(blob)).text
    except packs.BlobDamaged:
        return ""
    for start, _end in hits(text, phrases):
        begin = text.rfind(" ", 0, max(start - BEFORE, 0)) + 1 if start > BEFORE else 0
        return "…" * bool(begin) + text[begin : begin + LENGTH]
    return ""


def marked(text: str, phrases: Sequence[Phrase]) -> SafeString:
    """Return a text for a page, with the hits in mark elements."""
    pieces, done = [], 0
    for start, end in hits(text, phrases):
        if start < done:
            continue
        pieces += [escape(text[done:start]), "<mark>", escape(text[start:end]), "</mark>"]
        done = end
    pieces.append(escape(text[done:]))
    # Every piece of what came from outside is escaped.
    return mark_safe("".join(pieces))  # noqa: S308


def hits(text: str, phrases: Sequence[Phrase]) -> Iterator[tuple[int, int]]:
    """Yield where any of the phrases stands in a text, from left to right."""
    if not phrases:
        return
    words = [
        (match.span(), folded) for match in _WORD.finditer(text) if (folded := terms(match[0]))
    ]
    for number, (span, folded) in enumerate(words):
        for one in phrases:
            length = len(one.terms)
            if folded[0] != one.terms[0] and not (one.is_prefix and length == 1):
                continue
            these = words[number : number + length]
            flat = [term for _, its_terms in these for term in its_terms][:length]
            if _is_hit(flat, one):
                yield span[0], these[-1][0][1]
                break


def _is_hit(flat: Sequence[str], one: Phrase) -> bool:
    *others, last = one.terms
    if len(flat) != len(one.terms) or flat[:-1] != others:
        return False
    return flat[-1].startswith(last) if one.is_prefix else flat[-1] == last
