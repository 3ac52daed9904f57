"""Template tags of the mail pages: the rail, dates as a list shows them, initials, the theme."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from django import template
from django.template.context import Context
from django.utils import timezone as django_timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ExternalAccount
from accounts.themes import SYSTEM, theme_of
from mailstore.keys import combos_by_name
from mailstore.marking import Marks
from mailstore.models import Message, Part
from mailstore.queries import newest_in_inbox, space_taken
from mailstore.rail import Rail, build_rail
from mailstore.senders import is_disguised

register = template.Library()
SHOWN_PEOPLE = 3
# In steps, since only a style sheet may say them; written by static/js/edge.js.
LIST_WIDTHS = {str(pixels) for pixels in range(320, 641, 40)}


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """Return the colour theme of the reader's browser."""
    request = context.get("request")
    return theme_of(request) if request else SYSTEM


@register.simple_tag(takes_context=True)
def rail_of_reader(context: Context) -> Rail:
    """Return the rail that the view has made, or make it."""
    return context.get("rail") or build_rail(context["request"].user)


@register.simple_tag(takes_context=True)
def list_width(context: Context) -> str:
    """Return the pixels that the reader gave the list in this browser, or "" for the usual."""
    kept = context["request"].COOKIES.get("muara_list", "")
    return kept if kept in LIST_WIDTHS else ""


@register.simple_tag
def keys() -> dict[str, tuple[str, ...]]:
    """Return what each key does, as the handler reads it."""
    return combos_by_name()


@register.inclusion_tag("mailstore/_tool.html")
def tool(  # noqa: PLR0913 - what tells one button from another
    title: str,
    icon: str,
    value: object,
    *,
    name: str = "do",
    key: str = "",
    page: str = "",
    dialog: str = "",
    place: str = "",
) -> dict[str, object]:
    """Show a button of the bars above the list and the open message.

    It does ``value``, or leads to a page that asks; the list has dialogs that do instead.
    """
    return {
        "title": title,
        "icon": icon,
        "value": value,
        "name": name,
        "key": key,
        "page": page,
        "dialog": dialog,
        "place": place,
    }


@register.simple_tag
def newest_mail(account: ExternalAccount) -> datetime | None:
    """Return when the newest message in an account's inbox was sent, or None without any."""
    return newest_in_inbox(account)


@register.simple_tag
def space_used(account: ExternalAccount) -> int:
    """Return how many bytes the messages of an account take."""
    return space_taken(account)


@register.filter
def when(moment: datetime) -> str:
    """Return the time of a moment of today, the day of this year, or the whole date."""
    local, today = django_timezone.localtime(moment), django_timezone.localdate()
    if local.date() == today:
        return date_format(local, "H:i")
    return date_format(local, "j M" if local.year == today.year else "j M Y")


@register.filter
def when_back(moment: datetime) -> str:
    """Return the time of a moment of today, else the weekday, day and time."""
    local, today = django_timezone.localtime(moment), django_timezone.localdate()
    if local.date() == today:
        return date_format(local, "H:i")
    return date_format(local, "D j M, H:i" if local.year == today.year else "j M Y")


@register.filter
def whole_date(moment: datetime) -> str:
    """Return weekday, day and time in the reader's own time zone."""
    return date_format(django_timezone.localtime(moment), "l, j F Y, H:i")


@register.filter
def at_sender(moment: datetime, offset_minutes: int) -> str:
    """Return the moment as the sender's clock showed it, with its distance from UTC."""
    zone = timezone(timedelta(minutes=offset_minutes))
    return date_format(moment.astimezone(zone), "l, j F Y, H:i O")


@register.filter
def initials(name: str) -> str:
    """Return one or two letters for a name or an address."""
    words = [word for word in name.replace(".", " ").split("@")[0].split() if word[0].isalnum()]
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "") if words else name[:1]
    return letters.upper()


@register.filter
def sender(message: Message) -> str:
    """Return what a list calls the sender: the name, unless it is somebody else's address."""
    if is_sender_disguised(message):
        return message.sender_address
    return message.sender_name or message.sender_address


@register.filter
def is_sender_disguised(message: Message) -> bool:
    """Tell whether the sender's name is another address than the one the message came from."""
    address = message.sender_address
    return bool(address) and is_disguised(message.sender_name, address)


@register.filter
def subject_marked(text: str, marks: Marks) -> str:
    """Return a subject with what a search looked for marked."""
    return marks.subject(text)


@register.filter
def sender_marked(text: str, marks: Marks) -> str:
    """Return a sender with what a search looked for marked."""
    return marks.sender(text)


@register.filter
def snippet_marked(text: str, marks: Marks) -> str:
    """Return a piece of a text with what a search looked for marked."""
    return marks.snippet(text)


@register.filter
def recipients(message: Message) -> str:
    """Return the first few people a message went to, the reader's own account as "me"."""
    own = message.account.address.lower()
    names = [_("me") if address.lower() == own else name or address for name, address in message.to]
    shown = ", ".join(names[:SHOWN_PEOPLE])
    rest = len(names) - SHOWN_PEOPLE
    if rest <= 0:
        return shown
    return ngettext("%(shown)s and %(rest)d more", "%(shown)s and %(rest)d more", rest) % {
        "shown": shown,
        "rest": rest,
    }


@register.filter
def file_icon(content_type: str) -> str:
    """Return the name of the icon for a kind of file."""
    family, _slash, kind = content_type.partition("/")
    if family in {"image", "audio", "video"}:
        return f"file-{family}" if family != "audio" else "file-music"
    if "zip" in kind or "compressed" in kind:
        return "file-archive"
    return "file-spreadsheet" if "sheet" in kind or kind == "csv" else "file-text"


@register.filter
def file_name(part: Part) -> str:
    """Return the name of an attachment, or what it is where it has none."""
    kinds = {
        "text/calendar": _("Calendar file"),
        "message/rfc822": _("Attached message"),
        "text/rfc822-headers": _("Attached message"),
        "message/delivery-status": _("Delivery report"),
    }
    return part.filename or kinds.get(part.content_type, _("Unnamed part"))


@register.filter
def begins_with(path: str, prefix: str) -> bool:
    """Tell whether an address lies at or under another."""
    return bool(prefix) and path.startswith(prefix)
