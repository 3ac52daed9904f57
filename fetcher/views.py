"""What a person may ask of the fetcher: a visit now, and what earlier ones did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import ExternalAccount
from accounts.views import SignedInRequest, back_from
from fetcher import exports, journal, schedule, setaside

PAGE = 50
EXPORTS = {
    "csv": ("text/csv; charset=utf-8", exports.as_csv),
    "jsonl": ("application/jsonl", exports.as_json_lines),
}


@login_required
@require_POST
def fetch_now(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Make one account due; a worker notices within a second."""
    chosen = _own(request, account)
    one = ExternalAccount.objects.filter(pk=chosen.pk)
    if schedule.ask_for_visits(one, now=timezone.now()):
        _say(request, _("Checking %(name)s now.") % {"name": chosen.name})
    return redirect(back_from(request, "mail_accounts"))


@login_required
@require_POST
def fetch_all(request: SignedInRequest) -> HttpResponse:
    """Make all of a person's accounts due."""
    owned = ExternalAccount.objects.for_user(request.user)
    if schedule.ask_for_visits(owned, now=timezone.now()):
        _say(request, _("Checking all accounts now."))
    return redirect(back_from(request, "mail_accounts"))


@login_required
@require_safe
def read_journal(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Show what was set aside, and what the visits of the last 90 days did, newest first."""
    chosen, before = _own(request, account), request.GET.get("before", "")
    context: dict[str, Any] = {"account": chosen}
    context["journal"] = journal.read(chosen, before=before, now=timezone.now())
    if not before:
        aside = Paginator(setaside.rows_of(chosen), PAGE).get_page(request.GET.get("page"))
        context |= {"page": aside, "lefts": setaside.told(aside.object_list, chosen)}
        context["waiting"] = chosen.last_facts.get("waiting", 0)
    return render(request, "fetcher/journal.html", context)


@login_required
@require_POST
def try_again(request: SignedInRequest, account: UUID) -> HttpResponse:
    """Ask once more for messages that were set aside."""
    chosen, ids = _own(request, account), request.POST.getlist("id")
    known = [int(key) for key in ids if key.isascii() and key.isdigit()]
    if setaside.try_again(chosen, known, now=timezone.now()):
        _say(request, _("Checking %(name)s now.") % {"name": chosen.name})
    return redirect(f"{reverse('journal', args=[chosen.public_id])}#left")


@login_required
@require_safe
def export_journal(request: SignedInRequest, account: UUID, kind: str) -> StreamingHttpResponse:
    """Send the whole journal as a file."""
    content_type, lines = EXPORTS[kind]
    chosen = _own(request, account)
    answer = StreamingHttpResponse(lines(chosen, now=timezone.now()), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="muara-journal.{kind}"'
    return answer


def _own(request: SignedInRequest, account: UUID) -> ExternalAccount:
    owned = ExternalAccount.objects.for_user(request.user).select_related("incoming")
    return get_object_or_404(owned, public_id=account)


def _say(request: SignedInRequest, words: str) -> None:
    """Leave words for the next page; where only a part is renewed, its button tells."""
    if not request.htmx:
        messages.info(request, words)
