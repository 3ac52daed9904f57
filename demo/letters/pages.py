"""The HTML of newsletters and notices: responsive, with remote pictures as real ones have."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

STYLE = """
  body { margin: 0; background: #f3f4f1; font-family: Georgia, serif; color: #22302c; }
  .sheet { max-width: 600px; margin: 0 auto; background: #ffffff; }
  .inner { padding: 24px 32px; line-height: 1.55; }
  .story td { vertical-align: top; padding: 12px 0; }
  .button { display: inline-block; padding: 12px 22px; border-radius: 6px; color: #ffffff;
            text-decoration: none; font-family: Helvetica, Arial, sans-serif; font-weight: bold; }
  .small { font-size: 12px; color: #64706b; font-family: Helvetica, Arial, sans-serif; }
  @media (max-width: 520px) {
    .inner { padding: 18px 16px; }
    .story td { display: block; width: 100%; }
    .story img { width: 100%; height: auto; }
  }
"""


class Brand(NamedTuple):
    """How a newsletter looks; its stories' pictures and its counting pixel lie at ``domain``."""

    domain: str
    color: str
    button: str
    foot: str


def newsletter(
    brand: Brand, title: str, intro: str, stories: Sequence[tuple[str, str]], *, picture: str = ""
) -> str:
    """Write a newsletter; ``picture`` is the file name of an inline picture on top."""
    top = f'<img src="cid:{picture}" alt="" width="600" style="width:100%;display:block">'
    body = "".join(
        _story(number, head, words, brand.domain) for number, (head, words) in enumerate(stories, 1)
    )
    site, color = f"https://{brand.domain}", brand.color
    return _sheet(
        title,
        f"""{top if picture else ""}
<div class="inner">
  <h1 style="color:{color};font-size:26px">{escape(title)}</h1>
  <p>{escape(intro)}</p>
  <table class="story" role="presentation" width="100%" cellspacing="0">{body}</table>
  <p><a class="button" style="background:{color}" href="{site}/baca">{escape(brand.button)}</a></p>
  <p class="small">{escape(brand.foot)} ·
    <a href="{site}/berhenti">unsubscribe / berhenti berlangganan</a></p>
</div>
<img src="{site}/hitung.gif?r=88421" width="1" height="1" alt="">""",
    )


def _story(number: int, head: str, words: str, domain: str) -> str:
    return f"""
<tr><td width="140"><img src="https://{domain}/gambar/{number}.jpg" width="124" height="93"
  alt="{escape(head)}" style="border-radius:6px"></td>
  <td><strong>{escape(head)}</strong><br>{escape(words)}</td></tr>"""


def receipt(
    title: str, intro: str, rows: Sequence[tuple[str, str]], *, color: str, foot: str
) -> str:
    """Write a notice with a table of facts, the last row being the one that counts."""
    cells = "".join(
        f'<tr><td style="padding:6px 0;border-top:1px solid #dfe3df">{escape(name)}</td>'
        f'<td align="right" style="border-top:1px solid #dfe3df">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return _sheet(
        title,
        f"""<div style="background:{color};height:8px"></div>
<div class="inner">
  <h1 style="font-size:22px">{escape(title)}</h1>
  <p>{escape(intro)}</p>
  <table role="presentation" width="100%" cellspacing="0">{cells}</table>
  <p class="small">{escape(foot)}</p>
</div>""",
    )


def right_to_left(paragraphs: Sequence[str]) -> str:
    """Write a page whose lines run from right to left."""
    body = "".join(f"<p>{escape(words)}</p>" for words in paragraphs)
    return f'<html lang="ar" dir="rtl"><body><div dir="rtl">{body}</div></body></html>'


def _sheet(title: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{STYLE}</style></head>
<body><div class="sheet">
{body}
</div></body></html>"""
