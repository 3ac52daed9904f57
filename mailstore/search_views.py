"""Searches that a person keeps under a name: saved and forgotten."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.views import SignedInRequest, uuids
from mailstore.models import SavedSearch


class SavedSearchForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A name for a search."""

    class Meta:
        model = SavedSearch
        fields = ("name", "text")


@require_POST
@login_required
def save(request: SignedInRequest) -> HttpResponse:
    """Keep a search under a name, in place of an older one of that name."""
    form = SavedSearchForm(request.POST)
    if form.is_valid():
        name, text = form.cleaned_data["name"], form.cleaned_data["text"]
        known = SavedSearch.objects.for_user(request.user).filter(name__iexact=name).first()
        one = known or SavedSearch(owner=request.user)
        one.name, one.text = name, text
        one.save()
    return redirect(_page(request.POST.get("text", "")))


@require_POST
@login_required
def forget(request: SignedInRequest) -> HttpResponse:
    """Forget a saved search."""
    ids = uuids(request.POST.getlist("search"))
    SavedSearch.objects.for_user(request.user).filter(public_id__in=ids).delete()
    return redirect(_page(request.POST.get("text", "")))


def _page(text: str) -> str:
    page = reverse("mail_search")
    return f"{page}?{urlencode({'q': text})}" if text else page
