"""The page on exports and imports: begin one, see how far it is, fetch its file, remove it."""

from __future__ import annotations

import shutil
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from accounts import quotas
from accounts.models import ExternalAccount
from accounts.views import SignedInRequest
from mailstore.transfers import running
from mailstore.transfers.forms import ExportForm, ImportForm
from mailstore.transfers.models import Form, Phase, Transfer

ENDINGS = {Form.MBOX: "zip", Form.MAILDIR: "tar.gz", Form.EML: "tar.gz"}
TYPES = {"zip": "application/zip", "tar.gz": "application/gzip"}
# What waits in all; more of one person's would only fill the disk.
MOST_WAITING = 5


@require_safe
@login_required
def transfers(request: SignedInRequest) -> HttpResponse:
    """Show what can be taken out and put in, and what was."""
    return _page(request)


@require_safe
@login_required
def transfer_list(request: SignedInRequest) -> HttpResponse:
    """Return the list alone, for pages that keep it as it is now."""
    return render(request, "mailstore/transfers/_list.html", _rows(request))


@require_POST
@login_required
def transfer_export(request: SignedInRequest) -> HttpResponse:
    """Begin an export."""
    form = ExportForm(request.POST, user=request.user, auto_id="export_%s")
    if not form.is_valid() or _has_too_many(request):
        return _page(request, export=form)
    account, kind = _account(request, form.cleaned_data["account"]), form.cleaned_data["form"]
    whose = account.address if account else request.user.email
    name = f"muara-{whose}-{kind}.{ENDINGS[Form(kind)]}"[-200:]
    _begin(request, Transfer(account=account, form=kind, name=name))
    return redirect("transfers")


# The file goes to disk as it comes, which is to be said before the form is read; and whatever
# proves where it came from reads the form.
@csrf_exempt
@require_POST
@login_required
def transfer_import(request: SignedInRequest) -> HttpResponse:
    """Take an archive in and begin to import it."""
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    answer: HttpResponse = _transfer_import(request)
    return answer


@csrf_protect
def _transfer_import(request: SignedInRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES, user=request.user)
    if not form.is_valid() or _has_too_many(request):
        return _page(request, taken=form)
    file = form.cleaned_data["archive"]
    transfer = Transfer(
        account=_account(request, form.cleaned_data["account"]),
        role=form.cleaned_data["role"],
        is_import=True,
        name=file.name[:200],
        size=file.size,
    )
    running.folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(file.temporary_file_path(), transfer.path)
    transfer.path.chmod(0o600)
    _begin(request, transfer)
    return redirect("transfers")


@require_safe
@login_required
def transfer_file(request: SignedInRequest, transfer: UUID) -> FileResponse:
    """Send the file of an export, as long as there is one."""
    own = _own(request, transfer)
    if own.is_import or own.phase != Phase.DONE or not own.path.exists():
        raise Http404
    kind = TYPES["zip" if own.name.endswith(".zip") else "tar.gz"]
    answer = FileResponse(
        own.path.open("rb"), as_attachment=True, filename=own.name, content_type=kind
    )
    # It is packed already: so said, nothing packs it once more on the way.
    answer.headers["Content-Encoding"] = "identity"
    return answer


@require_POST
@login_required
def transfer_remove(request: SignedInRequest, transfer: UUID) -> HttpResponse:
    """Stop one that is under way, or forget one with its file."""
    running.remove(_own(request, transfer))
    return redirect("transfers")


def _begin(request: SignedInRequest, transfer: Transfer) -> None:
    transfer.owner = request.user
    transfer.save()
    quotas.touch(request.user.pk)


def _own(request: SignedInRequest, transfer: UUID) -> Transfer:
    return get_object_or_404(Transfer.objects.for_user(request.user), public_id=transfer)


def _account(request: SignedInRequest, public_id: str) -> ExternalAccount | None:
    if not public_id:
        return None
    return get_object_or_404(ExternalAccount.objects.for_user(request.user), public_id=public_id)


def _has_too_many(request: SignedInRequest) -> bool:
    own = Transfer.objects.for_user(request.user)
    return own.filter(phase__in=[Phase.WAITING, Phase.RUNNING]).count() >= MOST_WAITING


def _rows(request: SignedInRequest) -> dict[str, Any]:
    rows = list(Transfer.objects.for_user(request.user).select_related("account")[:50])
    return {
        "transfers": rows,
        "is_busy": any(row.is_under_way for row in rows),
        "keep_days": running.KEEP.days,
    }


def _page(
    request: SignedInRequest,
    export: ExportForm | None = None,
    taken: ImportForm | None = None,
) -> HttpResponse:
    failed = export or taken
    chosen = {"account": request.GET.get("account", "")}
    context = {
        "export": export or ExportForm(user=request.user, initial=chosen, auto_id="export_%s"),
        "taken": taken or ImportForm(user=request.user),
        "form": failed,
        "is_crowded": failed is not None and not failed.errors,
    }
    status = 422 if failed else 200
    return render(
        request, "mailstore/transfers/transfers.html", context | _rows(request), status=status
    )
