"""What a reply says itself is parted from what it quotes; nothing is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailstore.reading.quotes import is_forwarding, split_html, split_text
from tests.mailstore.reading import letters

OWN = "Baik, pukul 11 saja.\n\nBudi\n\n"
QUOTED = "> Bisa digeser?\n>\n> Made\n"
ATTRIBUTIONS = [
    "Pada Rab, 4 Nov 2026 pukul 09.00 Made Wirawan <made@sungai.example> menulis:",
    "Pada Rab, 4 Nov 2026 pukul 09.00 Made Wirawan\n<made@sungai.example> menulis:",
    "On Wed, 4 Nov 2026 at 09:00, Made Wirawan\n<made@sungai.example> wrote:",
    "Made Wirawan menulis pada 4 November 2026:",
    "Made Wirawan <made@sungai.example> wrote:",
    "Am 02.03.21 um 22:41 schrieb Made:",
    "Le mer. 4 nov. 2026 à 09:00, Made a écrit :",
    "2026年11月4日 Made <made@sungai.example> 写道：",
]
GMAIL = (
    '<div class="gmail_quote"><div>Pada Rab Made menulis:</div><blockquote>Lama</blockquote></div>'
)


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_a_quotation_at_the_end_goes_with_the_line_above_it(attribution: str) -> None:
    quoted = f"{attribution}\n\n{QUOTED}"
    assert split_text(OWN + quoted) == (OWN, quoted)


@pytest.mark.parametrize("line", ["-----Original Message-----", "----- Pesan Asli -----"])
def test_everything_below_an_original_message_is_quoted(line: str) -> None:
    quoted = f"{line}\nFrom: Made\nSent: Wednesday\n\nBisa digeser?\n"
    assert split_text(OWN + quoted) == (OWN, quoted)


def test_the_head_that_outlook_writes_out_begins_a_quotation() -> None:
    quoted = "Dari: Made <made@sungai.example>\nDikirim: Rabu\nKepada: Budi\n\nBisa digeser?\n"
    assert split_text(OWN + quoted) == (OWN, quoted)


@pytest.mark.parametrize(
    "text",
    [
        QUOTED,
        f"{QUOTED}\nJawaban di bawah.\n",
        "> satu\nYa.\n> dua\nTidak.\n",
        "---------- Forwarded message ---------\nFrom: Made\nDate: Rabu\n\nIsi\n",
        "Tidak ada kutipan.\n",
        "",
    ],
)
def test_answers_between_the_lines_and_what_is_handed_on_stay_in_sight(text: str) -> None:
    assert split_text(text) == (text, "")


@given(st.lists(st.sampled_from([*OWN.split("\n"), *QUOTED.split("\n"), *ATTRIBUTIONS, "\x0c"])))
def test_no_line_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert "".join(split_text(text)) == text


@pytest.mark.parametrize(
    "quote",
    [
        GMAIL,
        '<div class="moz-cite-prefix">Made wrote:</div><blockquote type="cite">Lama</blockquote>',
        '<div id="divRplyFwdMsg">From: Made</div><div>Lama</div>',
        '<div class="yahoo_quoted">Lama</div>',
        '<blockquote type="cite"><p>Lama</p></blockquote>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><b>Dari:</b> M</div><p>Lama</p>',
    ],
)
def test_html_is_parted_where_mail_programs_begin_to_quote(quote: str) -> None:
    own, quoted = split_html(f"<div><p>Baru</p>{quote}</div>")
    assert letters(own) == "Baru"
    assert letters(quoted).endswith(("Lama", "M", "</div>"))
    assert own.count("<div") == own.count("</div")
    assert quoted.count("<div") == quoted.count("</div")


@pytest.mark.parametrize(
    "markup",
    [
        GMAIL,
        f"<p>Baru</p>{GMAIL}<p>Dan lagi</p>",
        '<p>a</p><blockquote type="cite">x</blockquote><p>b</p>',
        '<p>Baru</p><div class="gmail_quote">---------- Pesan yang diteruskan</div>',
        "<p>Baru</p><blockquote>Peribahasa</blockquote>",
    ],
)
def test_html_with_something_after_the_quotation_is_not_folded(markup: str) -> None:
    assert split_html(markup) == (markup, "")


def test_what_outlook_hands_on_is_not_folded() -> None:
    markup = '<p>Untuk Anda</p><div id="divRplyFwdMsg">From: Made</div><div>Isi</div>'
    assert split_html(markup, forwarding=True) == (markup, "")
    assert is_forwarding("Fwd: Isi")
    assert not is_forwarding("Re: Fwd: Isi")
