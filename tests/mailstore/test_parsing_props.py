"""Whatever bytes come, reading them raises nothing and yields what a database takes."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailstore import mime, parsing
from mailstore.markup import words, words_by_token

LINES = rb"""
From: a <a@b>|To: a@b, c: d@e;|Subject: =?utf-8?q?x=00=C3?=|Date: 1 Jan 2026|Message-ID: <a@b>
Content-Type: multipart/mixed; boundary=b|Content-Type: multipart/alternative|--b|--b--||
Content-Type: multipart/digest; boundary="b|Content-Type: message/rfc822|References: <a@b> x
Content-Type: text/html; charset=utf-7|Content-Type: text/plain; charset=idna|<p>x<style>| x|=ZZ
Content-Transfer-Encoding: base64|Content-Transfer-Encoding: quoted-printable|Z29v|#86)C
Content-Transfer-Encoding: x-uuencode|begin 644 x|Content-Disposition: attachment; filename=a
"""
PIECES = LINES.replace(b"\n", b"|").split(b"|")
MAIL = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=25).flatmap(
    lambda lines: st.sampled_from([b"\n", b"\r\n", b"\r"]).map(lambda end: end.join(lines))
)
ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@given(MAIL | st.binary(max_size=300))
@settings(max_examples=500)
def test_any_bytes_are_read(raw: bytes) -> None:
    parsed, body = parsing.parse(raw), parsing.read_body(raw)
    assert "internal" not in parsed.defects
    lines = [parsed.subject, parsed.preview, parsed.text, parsed.message_id, *parsed.references]
    lines += [text for person in (parsed.sender, *parsed.to, *parsed.cc) for text in person]
    lines += [
        text for part in parsed.parts for text in (part.number, part.filename, part.content_id)
    ]
    assert not any(ODD.search(line) for line in lines)
    assert not any(set("\x00\ud800").intersection(piece.content) for piece in body.pieces)
    assert len(parsed.preview) <= parsing.MAX_PREVIEW
    assert len(parsing.fingerprint(raw)) == 64


@given(MAIL)
def test_every_listed_part_can_be_read_and_has_the_size_that_was_told(raw: bytes) -> None:
    for part in parsing.parse(raw).parts:
        content = parsing.read_part(raw, part.number)
        assert content is not None
        assert len(content.data) == part.size
        assert len(part.number) <= 60
        assert len(part.content_type) <= 120
        assert len(part.filename) <= 255


# What HTML is made of, and what breaks it.
MARKUP = st.sampled_from(
    [
        *"<>/=-!?&x'\" \n",
        "<p",
        "<b>",
        "</b>",
        "<br/>",
        "</",
        "<!--",
        "-->",
        "--!>",
        "&lt;",
        "<![",
        "é",
        "<style>",
        "</style",
        "</STYLE >",
        "<Title ",
        "</title>",
        "<textarea>",
        "<svg",
        "<ſpan>",
    ]
)


@given(st.lists(MARKUP, max_size=20).map("".join))
def test_the_fast_way_to_the_words_of_html_reads_as_the_careful_one(markup: str) -> None:
    assert words(markup) == words_by_token(markup)


@given(st.binary(max_size=300), st.sampled_from([b"\n", b"\r\n"]), st.integers(0, 3))
def test_the_size_of_base64_is_counted_as_it_would_be_decoded(
    data: bytes, line_end: bytes, blank: int
) -> None:
    letters = base64.encodebytes(data).replace(b"\n", line_end) + line_end * blank
    raw = b"Subject: s\nContent-Transfer-Encoding: base64\n\n" + letters
    root, _ = mime.read_structure(raw)
    with pytest.MonkeyPatch.context() as always:
        always.setattr(mime, "COUNTED_BYTES", 0)
        assert root.size() == len(data)
