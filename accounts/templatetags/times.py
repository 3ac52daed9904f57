"""Template filters for moments near now."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.html import format_html

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    """Return how far away a moment is, marked so that scripts keep it true (``times.js``)."""
    shown = naturaltime(moment)
    return format_html('<time datetime="{}" data-ago>{}</time>', moment.isoformat(), shown)
