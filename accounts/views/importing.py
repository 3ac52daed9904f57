"""Adding many accounts at once: a table is sent in, and each row gets its verdict."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from accounts import importing, sheets
from accounts.models import Batch
from accounts.views import SignedInRequest

MOST_BYTES = 200_000
REASONS = {
    "text": _("This is no CSV file in UTF-8. Save the table as “CSV UTF-8” and try again."),
    "columns": _("The first line must name the columns, among them “address” and “password”."),
    "empty": _("There is no row below the names of the columns."),
    "quote": _(
        'Row %(row)s (line %(line)s of the file) has a quote (") that is not closed or stands '
        "inside a value. Close it, or write it twice there."
    ),
    "rows": _("There are more than 50 rows. Send them in several files."),
}


class ImportForm(forms.Form):
    """The file with the table."""

    table = forms.FileField(
        label=_("Table (CSV)"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=_("At most 50 rows. The file itself is not kept."),
        # One that is far too large does not even get here.
        error_messages={"required": _("Choose a file of at most 200 KB.")},
    )

    def clean_table(self) -> list[dict[str, str]]:
        """Return the rows."""
        file = self.cleaned_data["table"]
        if file.size > MOST_BYTES:
            raise ValidationError(_("This file is too large for 50 rows."))
        try:
            return sheets.read_sheet(file.read())
        except sheets.NoTable as error:
            facts = {"row": error.row, "line": error.line}
            raise ValidationError(REASONS[error.reason], params=facts) from error


# The table holds passwords: it must stay in memory, which is to be said before the form is read,
# and whatever proves where it came from reads the form.
@csrf_exempt
def accounts_import(request: SignedInRequest) -> HttpResponse:
    """Ask for a table of accounts, and begin to test them."""
    request.upload_handlers = [MemoryFileUploadHandler(request)]
    answer: HttpResponse = _accounts_import(request)
    return answer


@login_required
@csrf_protect
@require_http_methods(["GET", "POST"])
def _accounts_import(request: SignedInRequest) -> HttpResponse:
    is_sent = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_sent else ImportForm()
    if is_sent and form.is_valid():
        rows = form.cleaned_data["table"]
        batch = importing.begin_import(request.user, rows, now=timezone.now())
        return redirect("import_verdicts", batch.public_id)
    status = 422 if form.errors else 200
    return render(request, "accounts/accounts_import.html", {"form": form}, status=status)


@login_required
@require_GET
def import_verdicts(request: SignedInRequest, batch: UUID) -> HttpResponse:
    """Show how each row stands; htmx asks for the table alone."""
    own = get_object_or_404(Batch.objects.for_user(request.user), public_id=batch)
    verdicts = importing.verdicts(own)
    tones = [verdict.tone for verdict in verdicts]
    context: dict[str, Any] = {
        "batch": own,
        "verdicts": verdicts,
        "added": tones.count("ok"),
        "failed": tones.count("danger"),
        "open": tones.count("busy"),
    }
    part = request.headers.get("HX-Request") == "true"
    page = "accounts/_verdicts.html" if part else "accounts/import_verdicts.html"
    return render(request, page, context)
