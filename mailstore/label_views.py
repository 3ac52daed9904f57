"""Settings → Labels: making, changing and removing them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Color
from accounts.views import SignedInRequest
from mailstore import labels
from mailstore.folder_forms import LabelForm
from mailstore.labels import NameTaken
from mailstore.models import Label


@login_required
@require_http_methods(["GET", "POST"])
def show_labels(request: SignedInRequest) -> HttpResponse:
    """Show all labels, and make one."""
    known = list(Label.objects.for_user(request.user))
    form = LabelForm(request.POST or None, initial={"color": _next_color(known)})
    if request.method == "POST" and form.is_valid():
        try:
            labels.make(request.user, **form.cleaned_data)
        except NameTaken:
            form.add_error("name", _("There is a label with this name already."))
        else:
            return redirect("labels")
    context = {"labels": known, "form": form}
    return render(request, "mailstore/labels.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def label_edit(request: SignedInRequest, label: UUID) -> HttpResponse:
    """Give a label another name or colour."""
    own = get_object_or_404(Label.objects.for_user(request.user), public_id=label)
    form = LabelForm(request.POST or None, initial={"name": own.name, "color": own.color})
    if request.method == "POST" and form.is_valid():
        try:
            labels.change(own, **form.cleaned_data)
        except NameTaken:
            form.add_error("name", _("There is a label with this name already."))
        else:
            messages.success(request, _("Saved."))
            return redirect("labels")
    context = {"label": own, "form": form}
    return render(request, "mailstore/label.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def label_remove(request: SignedInRequest, label: UUID) -> HttpResponse:
    """Remove a label, once that has been confirmed; its messages stay."""
    own = get_object_or_404(Label.objects.for_user(request.user), public_id=label)
    if request.method == "POST":
        labels.remove(own)
        messages.success(request, _("The label “%(name)s” was removed.") % {"name": own})
        return redirect("labels")
    return render(request, "mailstore/label_remove.html", {"label": own})


def _next_color(known: list[Label]) -> str:
    """Return a colour that the fewest labels have."""
    used = [label.color for label in known]
    return min(Color.values, key=used.count)
