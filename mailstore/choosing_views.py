"""Asks until when messages are to wait, and which labels they are to carry; then does it."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.models import Color
from accounts.views import SignedInRequest, back_from, uuids
from mailstore import actions, labels, snoozing
from mailstore.act_views import KEPT, UNDO
from mailstore.acting import meant
from mailstore.actions import Done
from mailstore.folder_forms import LabelForm
from mailstore.labels import NameTaken
from mailstore.models import Label, Message, MessageQuerySet
from mailstore.waiting import moments, read_moment


@require_POST
@login_required
def snooze(request: SignedInRequest) -> HttpResponse:
    """Put messages away until a time; ask until when where the form does not say it."""
    chosen, now = _chosen(request), timezone.now()
    wish = request.POST.get("until") or request.POST.get("typed", "")
    until = read_moment(wish, now)
    if until is None:
        context = {
            **_asked(request, chosen),
            "moments": moments(now),
            "now": timezone.localtime(now),
            "is_wrong": "typed" in request.POST,
            "typed": wish,
        }
        status = 422 if context["is_wrong"] else 200
        return render(request, "mailstore/ask_snooze.html", context, status=status)
    done = snoozing.snooze(request.user, chosen, until)
    when = date_format(timezone.localtime(until), "l, j F, H:i")
    words = ngettext(
        "%(number)d message comes back on %(when)s.",
        "%(number)d messages come back on %(when)s.",
        done.count,
    )
    _tell(request, words % {"number": done.count, "when": when}, [done])
    return redirect(back_from(request, "mail_home"))


@require_POST
@login_required
def label(request: SignedInRequest) -> HttpResponse:
    """Put labels on messages and take them off; ask which where the form does not say it."""
    chosen = _chosen(request)
    form = LabelForm({"name": request.POST.get("new", "").strip(), "color": Color.BLUE})
    is_new = bool(form.data["name"])
    if "apply" not in request.POST or (is_new and not form.is_valid()):
        context = _asked(request, chosen) | {"labels": _carried(request, chosen), "form": form}
        return render(request, "mailstore/ask_label.html", context)
    on = set(uuids(request.POST.getlist("on")))
    if is_new:
        on.add(_made(request, form.cleaned_data["name"]).public_id)
    was = set(uuids(request.POST.getlist("was")))
    done = [
        actions.set_label(request.user, chosen, one, one.public_id in on)
        for one in Label.objects.for_user(request.user).filter(public_id__in=on ^ was)
    ]
    _tell(request, _("The labels were changed."), done)
    return redirect(back_from(request, "mail_home"))


def _chosen(request: SignedInRequest) -> MessageQuerySet:
    ids = uuids(request.POST.getlist("ids"))
    # By their keys, since a list may look different once some of it is done.
    keys = meant(request.user, request.POST, ids).values_list("pk", flat=True)
    return Message.objects.filter(pk__in=list(keys))


def _asked(request: SignedInRequest, chosen: MessageQuerySet) -> dict[str, object]:
    kept = [(name, value) for name in KEPT for value in request.POST.getlist(name)]
    return {"kept": kept, "count": chosen.count(), "back": back_from(request, "mail_home")}


def _carried(request: SignedInRequest, chosen: MessageQuerySet) -> list[tuple[Label, bool, int]]:
    """Return each label with whether all messages carry it, and how many do."""
    number = chosen.count()
    carried = dict(chosen.values_list("labels").annotate(Count("pk")).order_by())
    return [
        (one, bool(number) and carried.get(one.pk, 0) == number, carried.get(one.pk, 0))
        for one in Label.objects.for_user(request.user)
    ]


def _made(request: SignedInRequest, name: str) -> Label:
    try:
        return labels.make(request.user, name, Color.BLUE)
    except NameTaken:
        known = Label.objects.for_user(request.user)
        return next(one for one in known if one.name.lower() == name.lower())


def _tell(request: SignedInRequest, words: str, done: Iterable[Done]) -> None:
    """Say what was done, with the way back where one step takes all of it back."""
    changed = [one.undo for one in done if one.undo]
    if changed:
        tag = f"{UNDO}{changed[0]}" if len(changed) == 1 else ""
        messages.success(request, words, extra_tags=tag)
