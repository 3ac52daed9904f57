"""The body as a document: what must never be in it, and what must stay."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailstore import css, rendering, tidy
from mailstore.bodies import Body, Piece
from mailstore.rendering import clean_html
from tests.mailstore.reading import letters, wrongs

PICTURE = "/mail/a/m/b/parts/2/?inline=1"
PIXEL = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


def clean(markup: str) -> str:
    return clean_html(markup, {})


def page(mail: EmailMessage | bytes) -> str:
    raw = mail if isinstance(mail, bytes) else mail.as_bytes()
    return rendering.safe_body(raw, inline_url=lambda number: f"/parts/{number}/")


def loads(markup: str) -> int:
    return rendering.remote_loads(Body((Piece("1", is_html=True, content=markup),)))


def html_mail(markup: str) -> EmailMessage:
    mail = EmailMessage()
    mail.set_content(markup, subtype="html")
    return mail


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><use href='data:image/svg+xml,<svg onload=alert(1)>'></svg>",
        "<svg><animate attributeName=' href' values='javascript:alert(1)'/></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<form action=/mail/act/ method=post><button name=delete>x</button></form>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='/mail/all/inbox/'>x</a>",
        "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
        "<p style='position:fixed;top:0'>x</p>",
        "<p style='background:u\\72l(http://leak.test/)'>x</p>",
        "<p style='width:expression(alert(1))'>x</p>",
        "<div id=csrf name=body class=modal hx-get=/ x-data=1>x</div>",
        "<style>@import 'http://leak.test/a.css'; p{background:url(http://leak.test)}</style><p>x",
        "<link rel=stylesheet href=http://leak.test/a.css><base href=http://leak.test/>",
        "<meta http-equiv=refresh content='0;url=http://leak.test/'>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<template><img src=x onerror=alert(1)></template>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<table background=http://leak.test/><tr><td background=//leak.test/>x</table>",
    ],
)
def test_nothing_that_runs_or_loads_is_left(markup: str) -> None:
    cleaned = clean(markup)
    assert wrongs(cleaned) == []
    assert clean(cleaned) == cleaned


def test_links_open_elsewhere_and_say_nothing_of_where_they_came_from() -> None:
    cleaned = clean("<a href='https://example.org/?a=1&amp;b' target=_top rel=opener>x</a>")
    assert 'href="https://example.org/?a=1&amp;b"' in cleaned
    assert 'target="_blank"' in cleaned
    assert 'rel="noopener noreferrer nofollow"' in cleaned


def test_the_look_of_a_newsletter_is_kept() -> None:
    cleaned = clean(
        "<style>.big{font-size:20px;position:fixed}</style><body bgcolor=#eee>"
        "<table width=600 cellpadding=4><tr><td class=big align=center>Sale</td></tr></table>"
    )
    assert '<td align="center" style="font-size: 20px">Sale</td>' in cleaned
    assert '<table width="600" cellpadding="4">' in cleaned
    assert '<div bgcolor="#eee">' in cleaned


def test_rules_are_inlined_without_fetching_any() -> None:
    markup = "<style>@import url(http://leak.test/); p{color:red}</style><p>x</p>"
    assert clean(markup) == '<p style="color: red">x</p>'
    assert loads(markup) == 1


@pytest.mark.parametrize(
    ("markup", "count"),
    [
        ("<img src=http://leak.test/1.gif><img src=//leak.test/2.gif><img src=cid:a>", 2),
        ("<img src='data:image/gif;base64,R0lG'>", 0),
        ("<p style='background:url(http://leak.test)'>x<td background=http://leak.test>", 2),
        ("<link rel=stylesheet href=http://leak.test><video poster=http://leak.test src=x>", 3),
        ("<a href=http://example.org>x</a>", 0),
        ("<img srcset='http://leak.test/a 1x'>", 1),
    ],
)
def test_what_would_have_been_loaded_is_counted(markup: str, count: int) -> None:
    assert loads(markup) == count


def test_a_picture_of_the_message_is_shown_from_its_part() -> None:
    mail = html_mail('<p>Hi <img src="cid:pic%40x" alt=me><img src="cid:unknown"></p>')
    mail.get_payload()
    mail.add_related(PIXEL, maintype="image", subtype="gif", cid="<pic@x>")
    body = page(mail)
    assert '<img src="/parts/2/" alt="me">' in body
    assert body.count("src=") == 1


def test_a_text_body_is_escaped_and_its_addresses_become_links() -> None:
    mail = EmailMessage()
    mail.set_content("<b>See</b> https://example.org/a?b=1&c (or bob@example.org).\n> quoted\n")
    html = page(mail)
    assert "&lt;b&gt;See&lt;/b&gt;" in html
    assert '<a href="https://example.org/a?b=1&amp;c" target="_blank"' in html
    assert '<a href="mailto:bob@example.org" target="_blank"' in html
    assert '<span class="quote">&gt; quoted</span>' in html


def test_a_link_ends_before_the_full_stop() -> None:
    assert ">https://example.org/</a>." in rendering.text_html("Go to https://example.org/.")
    assert ">https://example.org/a_(b)</a>" in rendering.text_html("https://example.org/a_(b)")
    assert ">https://example.org</a>)" in rendering.text_html("(https://example.org)")


def test_the_document_is_utf_8_and_whole() -> None:
    html = page(html_mail("<p>Grüße</p>"))
    assert html.startswith('<!doctype html>\n<html><head><meta charset="utf-8">')
    assert "<section><p>Grüße</p>\n</section>" in html
    assert html.endswith("</body></html>\n")


def test_html_parts_are_cleaned_one_by_one() -> None:
    mail = EmailMessage()
    mail.make_mixed()
    for markup in ('<img src="http://leak.test/', "secret", '">after'):
        part = EmailMessage()
        part.set_content(markup, subtype="html")
        mail.attach(part)
    html = page(mail)
    assert "leak.test" not in html
    assert html.count("<section>") == 3


def test_a_text_too_long_to_show_says_so() -> None:
    mail = EmailMessage()
    mail.set_content("word " * 500_000)
    assert "too long to show" in page(mail)


def test_a_mail_without_words_gives_an_empty_document() -> None:
    assert "<section>" not in page(b"Subject: x\nContent-Type: image/gif\n\nGIF89a").replace(
        "<section></section>", ""
    )


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 200_000,
        "".join(f"<font color={n}><p>" for n in range(30_000)),
        "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x",
        "<div><table></div></table>" * 40_000,
        "<style>" + ".a b{color:red}" * 8000 + "</style>" + "<p class=a>x" * 20_000,
        "<table><tr><td>" * 30_000,
        '<p style="' + "rgb(" * 2000 + '">x',
        "<" * 300_000,
        "<!--" * 200_000,
    ],
    ids=[
        "deep",
        "formatting",
        "attributes",
        "misnested",
        "rules",
        "tables",
        "css",
        "lt",
        "comment",
    ],
)
@pytest.mark.timeout(20)
def test_markup_made_to_cost_time_costs_little(markup: str) -> None:
    assert wrongs(clean(markup)) == []


PIECES = """
<p> </p> <b> </b> <a> </a> <a_href=http://x> <table> <tr> <td> </table> </td> <div> </div> <li> <ul>
</ul> <svg> </svg> <style> </style> <!-- --> <img_src=x_onerror=y> <math> <select> </select> </p_>
<script> </script> <body> </body> <br> </br> <pre> <font_color=red> </font> <h1> </h1> & &lt; < > "
' text <template> <textarea> </textarea> <form> <caption> <th> <dd> <dt> <tbody> <i> </i>
</template> <p_style=color:red> <svg/> <title> </title> <noscript> <nobr> <center> x=y _ <col>
<colgroup> <ruby> <rt> <hr> <details> <summary>
"""
MARKUP = st.lists(
    st.sampled_from([piece.replace("_", " ") for piece in PIECES.split()]), max_size=15
).map("".join)


@given(MARKUP)
@settings(max_examples=500)
def test_whatever_comes_is_clean_and_cleaning_twice_changes_nothing(markup: str) -> None:
    cleaned = clean(markup)
    assert wrongs(cleaned) == []
    assert clean(cleaned) == cleaned


@given(st.text(max_size=200))
def test_any_style_comes_out_harmless_and_unchanged_the_second_time(style: str) -> None:
    safe, _ = css.safe_style(style)
    assert css.safe_style(safe)[0] == safe
    assert not set("<>{}@\\&").intersection(safe)
    assert "url" not in safe.lower().split("(")[:-1]


@given(st.text(max_size=200))
def test_any_text_is_kept_letter_by_letter(text: str) -> None:
    shown = letters(rendering.text_html(text))
    assert shown == "".join(text.replace("\r", "\n").split())


@pytest.mark.parametrize(
    ("style", "safe"),
    [
        ("color:red; position:absolute", "color: red"),
        ("margin:-5px 3px; padding: 2px", "padding: 2px"),
        ("font:12px/1.5 'Open Sans',sans-serif", 'font: 12px/1.5 "Open Sans",sans-serif'),
        ("color: rgb(1,2,3) !important", "color: rgb(1,2,3)"),
        ("background:url(http://x/y)", ""),
        ("width:12px\\9", ""),
        ("font-family: 宋体", "font-family: 宋体"),
        ("color: var(--x)", ""),
        ("color:red" * 2000, ""),
    ],
)
def test_styles_are_judged_value_by_value(style: str, safe: str) -> None:
    assert css.safe_style(style)[0] == safe


def test_lists_and_cells_that_were_never_closed_stay_side_by_side() -> None:
    assert tidy.tidy("<ul><li>a<li>b</ul>").markup == "<ul><li>a</li><li>b</li></ul>"
    assert tidy.tidy("<table><tr><td><b>a<td>b").markup == (
        "<table><tr><td><b>a</b></td><td>b</td></tr></table>"
    )
