"""Pages that tell of trouble: in our frame, in the reader's language, with the honest status."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from aggregator import urls
from tests.builders import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
FRAME = '<main class="page" id="main"'
SIGN_UP = "/auth/signup/"


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [*urls.urlpatterns, path("forbidden/", forbidden), path("broken/", broken)]
handler400, handler404, handler500 = urls.handler400, urls.handler404, urls.handler500


def post_too_much(client: Client) -> Any:
    return client.post(SIGN_UP, {"email": "a" * 3_000_000})


def post_too_many_fields(client: Client) -> Any:
    return client.post(SIGN_UP, {f"field{number}": "" for number in range(1001)})


def post_without_token(client: Client) -> Any:
    client.handler.enforce_csrf_checks = True
    return client.post(SIGN_UP, {})


def sign_up_too_often(client: Client) -> Any:
    client.post(SIGN_UP, {})
    return client.post(SIGN_UP, {})


@pytest.fixture(autouse=True)
def _one_sign_up(settings: Settings) -> Iterator[None]:
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "person"])
@pytest.mark.parametrize(
    ("ask", "status", "english", "indonesian"),
    [
        (lambda c: c.get("/nowhere/"), 404, "There is nothing here", "Tidak ada apa-apa di sini"),
        (lambda c: c.get("/forbidden/"), 403, "This is not open to you", ""),
        (lambda c: c.get("/broken/"), 500, "Something broke on our side", ""),
        (lambda c: c.get("/", headers={"host": "evil.example"}), 400, "make sense of this", ""),
        (post_without_token, 403, "The form was open for too long", ""),
        (post_too_much, 413, "The form holds more than 2.0\xa0MB.", "lebih dari 2,0\xa0MB."),
        (post_too_many_fields, 413, "more than 1000 fields", "lebih dari 1000 isian"),
        (sign_up_too_often, 429, "Too many tries", "Terlalu banyak percobaan"),
    ],
    ids=["404", "403", "500", "400", "token", "large", "fields", "429"],
)
def test_each_trouble_has_a_page_in_both_languages(
    ask: Callable[[Client], Any],
    status: int,
    english: str,
    indonesian: str,
    signed_in: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pages = {}
    for language in ("en", "id"):
        client = Client(headers={"accept-language": language}, raise_request_exception=False)
        if signed_in and status != 429:
            client.force_login(make_user(f"{language}@example.org", language=language))
        answer = ask(client)
        assert answer.status_code == status
        pages[language] = answer.content.decode()
        assert FRAME in pages[language]
        assert f'<html lang="{language}"' in pages[language]
        cache.clear()
    heading = re.compile(r"<h1>(.+?)</h1>")
    assert heading.findall(pages["en"]) != heading.findall(pages["id"])
    assert english in html.unescape(pages["en"])
    assert indonesian in html.unescape(pages["id"])
    if status != 500:
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
