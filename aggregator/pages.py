"""The few pages that belong to no app: errors and the choice of language."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.templatetags.static import static
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language as django_set_language


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in the cookie and, for a signed-in person, with the account."""
    response: HttpResponse = django_set_language(request)
    language = request.POST.get("language")
    if request.user.is_authenticated and language in dict(settings.LANGUAGES):
        request.user.language = language
        request.user.save(update_fields=["language"])
    return response


@require_GET
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Lead to the icon whoever asks for it by its old name, as browsers do beside raw files."""
    return redirect(static("img/favicon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a request cannot be taken and, where something was too large, what."""
    what = _too_large(exception)
    language = getattr(request, "LANGUAGE_CODE", "") or get_language_from_request(request)
    with override(language):  # A host name that is not ours is refused before a language is chosen.
        return render(request, "400.html", {"too_large": what}, status=413 if what else 400)


def _too_large(exception: Exception) -> str:
    match exception:
        case RequestDataTooBig():
            limit = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            return _("The form holds more than %(limit)s.") % {"limit": limit}
        case TooManyFieldsSent():
            number = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
            return _("The form has more than %(number)s fields.") % {"number": number}
        case TooManyFilesSent():
            number = settings.DATA_UPLOAD_MAX_NUMBER_FILES
            return _("The form brings more than %(number)s files.") % {"number": number}
        case _:
            return ""


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Say that there is nothing here, in the reader's language."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Apologise plainly; no detail of the fault reaches the page."""
    return render(request, "500.html", status=500)
