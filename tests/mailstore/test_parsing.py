"""What is read out of messages: well-formed, odd, and made to do harm."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import pytest

from mailstore import charsets, headers, mime, parsing
from mailstore.markup import words

SAMPLES = sorted((Path(__file__).parent.parent / "messages").glob("*.eml"))


def read(raw: bytes) -> dict[str, Any]:
    """Return all that is read of a message, as it would look in a file."""
    parsed, body = parsing.parse(raw), parsing.read_body(raw)
    found = dataclasses.asdict(parsed) | {"parts": [part._asdict() for part in parsed.parts]}
    found["sent_at"] = parsed.sent_at.isoformat() if parsed.sent_at else None
    found["body"] = [[piece.number, piece.is_html, piece.content] for piece in body.pieces]
    found["notice"] = body.notice
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def with_header(name: str, value: str | bytes, body: bytes = b"x") -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return name.encode() + b": " + value + b"\nSubject: s\n\n" + body


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_read_as_written_beside_it(sample: Path) -> None:
    assert read(sample.read_bytes()) == json.loads(sample.with_suffix(".json").read_text())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_line_ends_make_no_difference(sample: Path) -> None:
    raw = sample.read_bytes().replace(b"\r\n", b"\n")
    crlf = read(raw.replace(b"\n", b"\r\n"))
    bare_cr = read(raw.replace(b"\n", b"\r"))
    for found in (crlf, bare_cr):
        for key in (
            "subject",
            "sender",
            "to",
            "message_id",
            "sent_at",
            "preview",
            "text",
            "notice",
        ):
            assert found[key] == read(raw)[key]


def test_the_fingerprint_of_a_header_block_is_that_of_the_message() -> None:
    for sample in SAMPLES:
        raw = sample.read_bytes()
        head = raw.partition(b"\n\n")[0]
        assert parsing.fingerprint(raw) == parsing.fingerprint(head + b"\n\n")
        assert parsing.fingerprint(raw) == parsing.fingerprint(head.replace(b"\n", b"\r\n"))
    assert len({parsing.fingerprint(sample.read_bytes()) for sample in SAMPLES}) == len(SAMPLES)


def test_two_deliveries_of_one_letter_have_two_fingerprints() -> None:
    first = b"Received: by a; Mon\nSubject: x\n\n"
    assert parsing.fingerprint(first) != parsing.fingerprint(first.replace(b"Mon", b"Tue"))


def test_a_part_is_found_by_its_number() -> None:
    raw = (SAMPLES[0].parent / "attachment.eml").read_bytes()
    part = parsing.read_part(raw, "2")
    assert part == parsing.PartContent("application/pdf", "Laporan €.pdf", "", b"%PDF-1.4\n")
    assert parsing.read_part(raw, "3") is None
    assert parsing.read_part(raw, "../2") is None


@pytest.mark.parametrize(
    ("subject", "decoded"),
    [
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?B?Y2Fmw6k=?= and =?iso-8859-1?q?th=E9?=", "café and thé"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=\n =?utf-8?q?c?=", "abc"),
        (b"=?utf-8?B?4pg=?= =?utf-8?B?lQ==?=", "☕"),
        (b"=?utf-8?B?Y2Fmw6k?=", "café"),
        (b"=?x-none?q?caf=E9?=", "café"),
        (b"=?utf-7?q?+ADw-b+AD4-?=", "+ADw-b+AD4-"),
        (b"=?base64?q?abc?=", "abc"),
        (b"=?utf-8*en?q?hello?=", "hello"),
        (b"=?utf-8?q?Are you there??=", "Are you there?"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"a\x00b\x07c\x1b[31m", "ab c [31m"),
        ("a\u202eb\u2028c".encode(), "a b c"),
        (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"\xed\xa0\x80 x", "í € x"),
        (b"=?utf-8?q?broken", "=?utf-8?q?broken"),
        (b"", ""),
    ],
)
def test_subjects_are_decoded(subject: bytes, decoded: str) -> None:
    assert parsing.parse(b"Subject: " + subject + b"\nFrom: a@b\n\nx").subject == decoded


def test_raw_bytes_of_a_header_follow_the_charset_of_the_body() -> None:
    raw = "Subject: 会議\nContent-Type: text/plain; charset=shift_jis\n\n".encode("cp932")
    assert parsing.parse(raw).subject == "会議"


@pytest.mark.parametrize(
    ("sender", "person"),
    [
        ("Bob <bob@example.org>", ("Bob", "bob@example.org")),
        ('"Doe, Jane" <jane@example.org>', ("Doe, Jane", "jane@example.org")),
        ("bob@example.org (Bob B.)", ("Bob B.", "bob@example.org")),
        ("bob@example.org", ("", "bob@example.org")),
        ('"boss@bank.example" <evil@example.org>', ("boss@bank.example", "evil@example.org")),
        ("=?utf-8?q?Doe=2C_Jane?= <jane@example.org>", ("Doe, Jane", "jane@example.org")),
        ("=?utf-8?Q?smile_:)?= <a@b>", ("smile :)", "a@b")),
        ("Team: a@b, c@d;", ("", "a@b")),
        ("<@relay,@other:bob@example.org>", ("", "bob@example.org")),
        ("Bob <bob@[IPv6:::1]>", ("Bob", "bob@[IPv6:::1]")),
        ("Pete(a comment) <pete(work)@example.org>", ("Pete", "pete@example.org")),
        ('Bob "The\\" B" <b@c', ('Bob The" B', "b@c")),
        ("Mailer Daemon <>", ("Mailer Daemon", "")),
        ("root", ("root", "")),
        ("Mail Delivery <MAILER-DAEMON>", ("Mail Delivery", "MAILER-DAEMON")),
        ('"Eve <eve@example.org>', ("Eve", "eve@example.org")),
        ('Eve" <eve@example.org>', ("Eve", "eve@example.org")),
        ('"a b"@example.org', ("", '"a b"@example.org')),
        ("Bob < bob @ example.org >", ("Bob", "bob@example.org")),
        ("a@b <script>", ("", "a@b")),
        ("<script>alert(1)</script>", ("<script>alert(1)</script>", "")),
        ('"><script>alert(1)</script> <eve@a.b>', ("><script>alert(1)</script>", "eve@a.b")),
        ("Bob <bob at example.org>", ("Bob <bob at example.org>", "")),
        ("undisclosed-recipients:;", ("", "")),
        ("", ("", "")),
    ],
)
def test_senders_are_read(sender: str, person: tuple[str, str]) -> None:
    assert parsing.parse(with_header("From", sender)).sender == person


def test_the_sender_field_stands_in_for_a_missing_from() -> None:
    assert parsing.parse(with_header("Sender", "a@b")).sender.address == "a@b"


@pytest.mark.parametrize(
    ("date", "moment", "offset"),
    [
        ("Mon, 02 Mar 2026 08:15:00 +0700", "2026-03-02T01:15:00+00:00", 420),
        ("2 Mar 2026 08:15 EST", "2026-03-02T13:15:00+00:00", -300),
        ("Mon, 02 Mar 2026 08:15:00", "2026-03-02T08:15:00+00:00", 0),
        ("2026-03-02T08:15:00+07:00", "2026-03-02T01:15:00+00:00", 420),
        ("Mon, 02 Mar 2026 08:15:00 +9900", "2026-03-02T08:15:00+00:00", 0),
    ],
)
def test_dates_are_read(date: str, moment: str, offset: int) -> None:
    parsed = parsing.parse(with_header("Date", date))
    assert parsed.sent_at is not None
    assert (parsed.sent_at.isoformat(), parsed.sent_offset) == (moment, offset)


@pytest.mark.parametrize(
    "date", ["yesterday", "Mon, 99 Foo 2026", "1 Jan 10000 00:00:00 -2359", "9" * 5000, "\xff"]
)
def test_a_date_that_is_none_is_a_defect(date: str) -> None:
    parsed = parsing.parse(with_header("Date", date))
    assert parsed.sent_at is None
    assert "date_unreadable" in parsed.defects


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (b"<a@b> <c@d>", ["a@b", "c@d"]),
        (b"a@b", ["a@b"]),
        (b"<a @ b>", ["a@b"]),
        (b"<102.1>", ["102.1"]),
        (b"", []),
    ],
)
def test_message_ids_are_read(value: bytes, ids: list[str]) -> None:
    assert headers.message_ids(value) == ids


def test_of_many_references_the_first_and_the_last_stay() -> None:
    ids = " ".join(f"<{number}@x>" for number in range(3000))
    parsed = parsing.parse(f"References: {ids}\nIn-Reply-To: <2999@x>\nSubject: s\n\n".encode())
    assert len(parsed.references) == headers.MAX_IDS
    assert parsed.references[0] == "0@x"


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.exe", "a.exe"),
        (".htaccess", "htaccess"),
        ("a\r\nX: y.txt", "a X_ y.txt"),
        ("photo\u202egpj.exe", "photo gpj.exe"),
        ("<b>.html", "_b_.html"),
        ("x" * 400 + ".pdf", "x" * 251 + ".pdf"),
        ("é" * 300, "é" * 127),
        ("...", ""),
    ],
)
def test_file_names_are_only_names(given: str, safe: str) -> None:
    assert mime.safe_filename(given) == safe


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/plain", ("text/plain", {})),
        (b'TEXT/HTML; Charset="UTF-8";', ("text/html", {"charset": "UTF-8"})),
        (b"a/b; n*0=on; n*1=e", ("a/b", {"n": "one"})),
        (b"a/b; n*=utf-8'en'caf%C3%A9", ("a/b", {"n": "café"})),
        (b"a/b; n*1*=%A9; n*0*=utf-8''caf%C3", ("a/b", {"n": "café"})),
        (b"a/b; n==?utf-8?q?caf=C3=A9?=", ("a/b", {"n": "café"})),
        (b'a/b; n="a;b\\"c"; n=second', ("a/b", {"n": 'a;b"c'})),
        (b'application/pdf name="x.pdf"', ("application/pdf", {"name": "x.pdf"})),
        (b"", ("", {})),
    ],
)
def test_parameters_are_read(value: bytes, expected: tuple[str, dict[str, str]]) -> None:
    assert headers.parameters(value) == expected


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("“quoted”".encode("cp1252"), "iso-8859-1", "“quoted”"),
        ("한국어".encode("cp949"), "ks_c_5601-1987", "한국어"),
        ("繁體".encode("big5"), "big5", "繁體"),
        ("简体".encode("gb18030"), "gb2312", "简体"),
        ("会議".encode("iso2022_jp"), "", "会議"),
        ("caf\u00e9\u00e9\u00e9 \u20ac".encode()[:-1], "utf-8", "cafééé \ufffd"),
        (b"\xff\xfeh\x00i\x00", "utf-16", "hi"),
        (b"plain", "zlib", "plain"),
        (b"abc", "unicode_escape", "abc"),
        (b"\\u003cb", "unicode_escape", "\\u003cb"),
        (b"\x81\x8d", "windows-1252", "\ufffd\ufffd"),
        (b"nul\x00", "utf-8", "nul"),
    ],
)
def test_bytes_become_text(data: bytes, declared: str, text: str) -> None:
    assert charsets.decode(data, declared) == text


def test_a_long_text_without_a_charset_is_guessed() -> None:
    text = (
        "Привет! Завтра встреча в десять часов, пожалуйста, не опаздывайте и возьмите доклад. " * 3
    )
    assert charsets.decode(text.encode("koi8_r")) == text


@pytest.mark.parametrize(
    "name",
    ["utf-7", "base64", "rot13", "idna", "punycode", "unicode_escape", "undefined", "hex", ""],
)
def test_codecs_that_are_none_for_text_are_refused(name: str) -> None:
    assert charsets.codec_for(name) == ""


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("<p>one</p><p>two <b>th</b>ree", "one two three"),
        ("a<!-->b<!-- c -->d</ e>f<?g>h<!i>j", "abdfhj"),
        ("a<b title='>'>b</b>&lt;c 1 < 2", "ab<c 1 < 2"),
        ("<style>x</style><script>y</script><title>z</title>w", "w"),
        ("<textarea><i>shown</i></textarea>", "<i>shown</i>"),
        ("<template>a<template>b</template>c</template>d<video>e</video>", "d"),
        ("cut <img src='x", "cut"),
        ("cut <!-- off", "cut"),
    ],
)
def test_the_words_of_html_are_those_a_browser_shows(markup: str, seen: str) -> None:
    assert " ".join(words(markup).split()) == seen


MIXED = b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n"


def test_several_texts_are_shown_in_a_row() -> None:
    body = parsing.read_body(MIXED + b"--b\n\none\n--b\nContent-Type: text/html\n\n<p>two\n--b--\n")
    assert [(piece.is_html, piece.content) for piece in body.pieces] == [
        (False, "one"),
        (True, "<p>two"),
    ]
    assert (body.text, body.html) == ("one", "<p>two")


def test_an_empty_html_alternative_gives_way_to_the_text() -> None:
    raw = MIXED.replace(b"mixed", b"alternative")
    body = parsing.read_body(raw + b"--b\n\nwords\n--b\nContent-Type: text/html\n\n \n--b--\n")
    assert body.text == "words"


def test_a_search_covers_every_alternative() -> None:
    raw = MIXED.replace(b"mixed", b"alternative")
    parsed = parsing.parse(raw + b"--b\n\nleft\n--b\nContent-Type: text/html\n\n<p>right\n--b--\n")
    assert parsed.text == "left right"


def test_a_file_that_is_a_text_is_shown_where_there_is_no_other() -> None:
    raw = with_header("Content-Disposition", "attachment; filename=a.txt", b"words\n")
    assert parsing.read_body(raw).text == "words\n"
    assert parsing.parse(raw).parts[0].is_attachment


@pytest.mark.parametrize(
    ("content_type", "notice"),
    [
        ("multipart/encrypted; boundary=b", "encrypted"),
        ("application/pkcs7-mime; name=smime.p7m", "encrypted"),
        ("text/calendar", "calendar"),
        ("image/png", "attachments"),
        ("text/plain", "empty"),
    ],
)
def test_a_message_without_words_says_why(content_type: str, notice: str) -> None:
    inner = (
        b"--b\nContent-Type: application/octet-stream\n\nx\n--b--"
        if "multi" in content_type
        else b" "
    )
    assert parsing.read_body(with_header("Content-Type", content_type, inner)).notice == notice


def test_a_declared_charset_may_stand_in_the_html() -> None:
    markup = '<meta charset="koi8-r"><p>Привет'.encode("koi8_r")
    assert "Привет" in (
        parsing.read_body(with_header("Content-Type", "text/html", markup)).html or ""
    )


@pytest.mark.parametrize(
    ("encoding", "data", "content"),
    [
        ("base64", b"aGVs\nbG8=", b"hello"),
        ("base64", b"aGVsbG8", b"hello"),
        ("base64", b"!!aGVs*bG8=!!", b"hello"),
        ("quoted-printable", b"a=3Db=\nc", b"a=bc"),
        ("x-uuencode", b"begin 644 a\n%:&5L;&\\\n`\nend\n", b"hello"),
        ("x-uuencode", b"nothing", b""),
        ("x-uuencode", b"begin 644 a\n#\xff\xff\xff\xff\n%:&5L;&\\\nend\n", b"hello"),
        ("BASE64 (sure)", b"aGVsbG8=", b"hello"),
        ("x-unknown", b"as it is", b"as it is"),
    ],
)
def test_transfer_encodings_are_undone(encoding: str, data: bytes, content: bytes) -> None:
    root, _ = mime.read_structure(with_header("Content-Transfer-Encoding", encoding, data))
    assert root.content() == content


def test_an_outer_boundary_that_begins_like_the_inner_one_is_not_confused() -> None:
    raw = (
        MIXED + b"--b\nContent-Type: multipart/alternative; boundary=b-in\n\n"
        b"--b-in\n\none\n--b-in--\n--b\n\ntwo\n--b--\n"
    )
    root, defects = mime.read_structure(raw)
    assert [(leaf.number, leaf.content()) for leaf in root.leaves()] == [
        ("1.1", b"one"),
        ("2", b"two"),
    ]
    assert defects == []


def test_a_multipart_of_no_known_kind_is_taken_apart() -> None:
    raw = MIXED.replace(b"mixed", b"*") + b"--b\n--b\nContent-Type: */*\n\none\n--b--\n"
    root, _ = mime.read_structure(raw)
    assert [(leaf.number, leaf.content_type) for leaf in root.leaves()] == [("1", "text/plain")]


def test_a_part_that_was_never_closed_goes_to_the_end() -> None:
    parsed = parsing.parse(MIXED + b"--b\n\none\n--b\n\ntwo")
    assert parsed.text == "one two"
    assert "boundary_not_closed" in parsed.defects


def test_a_header_without_the_blank_line_leaves_the_rest_as_body() -> None:
    assert (
        parsing.read_body(b"Subject: s\nthis is no field\nmore\n").text
        == "this is no field\nmore\n"
    )


def test_a_file_that_only_looks_like_a_header_is_shown_whole() -> None:
    raw = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
    assert parsing.read_body(raw).text == raw.decode().replace("\r\n", "\n")
    assert "header_missing" in parsing.parse(raw).defects


def nested(levels: int) -> bytes:
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels)
    )
    return b"Subject: s\n" + opening + b"\ndeep\n"


@pytest.mark.parametrize(
    "raw",
    [
        with_header("Content-Type", "text/plain" + "; a=b" * 20_000),
        with_header("Content-Type", "text/plain; " + "a" * 60_000),
        with_header("Content-Type", 'text/plain; a="' + '\\"' * 30_000),
        MIXED + b"--b\n\nx\n" * 30_000,
        MIXED + b"--b\n" * 300_000,
        MIXED + b"--bx\n" * 300_000,
        with_header("To", ", ".join(f"p{n} <p{n}@example.org>" for n in range(40_000))),
        with_header("To", '"' * 60_000),
        with_header("To", "(" * 60_000),
        with_header("From", "a" * 60_000 + " @"),
        with_header("From", "a@" * 30_000 + '"'),
        with_header("From", "<" + " " * 60_000 + ">"),
        with_header("X", "=?a?q?" * 11_000),
        with_header("Subject", "=?utf-8?q?a?= " * 5000),
        nested(700),
        b"Subject: s\n\n" + b"\n" * 5_000_000,
        b"\n".join(b"X%d: y" % n for n in range(100_000)) + b"\nSubject: s\n\nx",
        b"X: " + b"y" * 3_000_000 + b"\nSubject: s\n\nx",
        b"Subject:" + b"\n x" * 300_000 + b"\n\nx",
        with_header("References", "<" * 60_000),
        with_header("Content-Type", "text/html", b"<a href='" * 300_000),
        with_header("Content-Transfer-Encoding", "base64", b"!" * 3_000_000),
        b"\x00" * 1_000_000,
        b"\r" * 1_000_000,
        b":" * 1_000_000,
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_a_mail_made_to_cost_time_costs_little(raw: bytes) -> None:
    start = time.monotonic()
    parsed = parsing.parse(raw)
    parsing.read_body(raw)
    assert "internal" not in parsed.defects
    assert len(parsed.parts) <= parsing.MAX_LISTED_PARTS
    assert len(parsed.to) <= headers.MAX_PEOPLE
    assert time.monotonic() - start < 5


def test_limits_on_parts_and_levels_are_told() -> None:
    assert "too_many_parts" in parsing.parse(MIXED + b"--b\n\nx\n" * 2000).defects
    deep, defects = mime.read_structure(nested(100))
    assert "too_many_parts" in defects
    assert max(len(part.number) for part in deep.walk()) <= mime.MAX_NUMBER
    assert "header_too_large" in parsing.parse(with_header("X", "y" * 100_000)).defects


def test_what_cannot_be_read_at_all_is_told_and_kept_from_raising() -> None:
    not_even_bytes: Any = None
    assert parsing.parse(not_even_bytes).defects == ("internal",)
    assert parsing.read_body(not_even_bytes).notice == "empty"
    assert parsing.read_part(not_even_bytes, "1") is None
