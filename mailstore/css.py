"""The style rules of foreign mail: an allow-list of properties and of the values they may take."""

from __future__ import annotations

import re
from functools import lru_cache

import tinycss2
from tinycss2.ast import (
    Declaration,
    DimensionToken,
    FunctionBlock,
    HashToken,
    IdentToken,
    LiteralToken,
    Node,
    NumberToken,
    PercentageToken,
    StringToken,
    WhitespaceToken,
)

MAX_STYLE = 8192

# What moves things about the page (position, z-index, transform), takes part in scripting or can
# load something is not here.
_NAMES = """
background background-color border border-bottom border-bottom-color border-bottom-left-radius
border-bottom-right-radius border-bottom-style border-bottom-width border-collapse border-color
border-left border-left-color border-left-style border-left-width border-radius border-right
border-right-color border-right-style border-right-width border-spacing border-style border-top
border-top-color border-top-left-radius border-top-right-radius border-top-style border-top-width
border-width box-sizing caption-side clear color direction display empty-cells float font
font-family font-size font-stretch font-style font-variant font-weight height hyphens
letter-spacing line-height list-style list-style-position list-style-type margin margin-bottom
margin-left margin-right margin-top max-height max-width min-height min-width opacity overflow
overflow-wrap padding padding-bottom padding-left padding-right padding-top quotes table-layout
text-align text-decoration text-decoration-color text-decoration-line text-decoration-style
text-indent text-overflow text-transform unicode-bidi vertical-align visibility white-space width
word-break word-spacing word-wrap
"""
PROPERTIES = frozenset(_NAMES.split())
# Pulled over its neighbours, a block could cover them.
_NEVER_NEGATIVE = ("margin", "text-indent")
_COLORS = {"rgb", "rgba", "hsl", "hsla"}
_WORD = re.compile(r"-?[^\W\d][\w-]{0,60}")
_STRING = re.compile(r"[\w .,+-]{0,100}")
_UNIT = re.compile(r"[a-zA-Z]{1,4}")
_HEX = re.compile(r"[0-9a-fA-F]{3,8}")
_LOADS = re.compile(r"url\(\s*[\"']?(?!data:|cid:|#)|image-set\(|@import(?!\s*url)", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)


@lru_cache(maxsize=4096)
def safe_style(style: str) -> tuple[str, int]:
    """Return the declarations that may stay and how many of the others would have loaded something.

    Filtering the result once more changes nothing.
    """
    if len(style) > MAX_STYLE:
        return "", loads_of(style)
    declarations = [
        node
        for node in tinycss2.parse_declaration_list(style, skip_comments=True, skip_whitespace=True)
        if isinstance(node, Declaration)
    ]
    kept = [text for node in declarations if (text := _safe_declaration(node))]
    return "; ".join(kept), loads_of(style)


def loads_of(css: str) -> int:
    """Count what a piece of CSS would load from elsewhere."""
    return len(_LOADS.findall(_COMMENT.sub("", css)))


def _safe_declaration(node: Declaration) -> str:
    name = node.lower_name
    may_be_negative = not name.startswith(_NEVER_NEGATIVE)
    if name not in PROPERTIES or not all(_is_safe(each, may_be_negative) for each in node.value):
        return ""
    value = tinycss2.serialize(node.value).strip()
    return f"{name}: {value}" if value else ""


def _is_safe(node: Node, may_be_negative: bool = True) -> bool:  # noqa: FBT001, FBT002 - private
    if isinstance(node, NumberToken | PercentageToken | DimensionToken):
        has_unit = not isinstance(node, DimensionToken) or _UNIT.fullmatch(node.unit)
        return bool(has_unit) and (may_be_negative or node.value >= 0)
    if isinstance(node, FunctionBlock):
        # Colours hold no functions, so this never goes deeper than one level.
        flat = not any(isinstance(each, FunctionBlock) for each in node.arguments)
        return flat and node.lower_name in _COLORS and all(map(_is_safe, node.arguments))
    if isinstance(node, LiteralToken):
        return node.value in {",", "/"}
    if isinstance(node, IdentToken | StringToken | HashToken):
        form = _WORD if isinstance(node, IdentToken) else _HEX
        form = _STRING if isinstance(node, StringToken) else form
        return bool(form.fullmatch(node.value))
    return isinstance(node, WhitespaceToken)
