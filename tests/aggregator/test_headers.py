"""What every answer carries: policy, frame rules, no caching, and cookies that stay at home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from tests.builders import make_account, make_user

PAGES = ["/auth/login/", "/auth/signup/", "/auth/password/reset/", "/healthz", "/nothing/here/"]
OWN_PAGES = [
    *("/settings/general/", "/settings/mail-accounts/", "/settings/mail-accounts/add/"),
    *("/mail/all/inbox/", "/mail/search/?q=x", "/auth/2fa/", "/auth/sessions/", "/auth/email/"),
    "/admin/",
]
POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    "form-action": ["'self'"],
}


def _policy(header: str) -> dict[str, list[str]]:
    rules = (rule.split() for rule in header.split(";") if rule.strip())
    return {name: values for name, *values in rules}


@pytest.mark.django_db
@pytest.mark.parametrize("address", [*PAGES, *OWN_PAGES])
def test_every_page_is_guarded_and_never_cached(client: Client, address: str) -> None:
    owner = make_user(is_staff=True, is_superuser=True)
    make_account(owner)
    if address in OWN_PAGES:
        client.force_login(owner)
    answer = client.get(address)
    policy = _policy(answer["Content-Security-Policy"])
    assert {name: policy.get(name) for name in POLICY} == POLICY
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.django_db
def test_the_icon_of_every_page_is_found_under_its_old_name_too(client: Client) -> None:
    icon = client.get("/favicon.ico")["Location"]
    assert f'<link rel="icon" href="{icon}"' in client.get("/auth/login/").content.decode()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    assert f'<link rel="icon" href="{icon}"' in client.get("/admin/").content.decode()


@pytest.mark.django_db
def test_a_forged_form_is_refused() -> None:
    visitor = Client(enforce_csrf_checks=True)
    visitor.force_login(make_user())
    assert visitor.post("/settings/general/", {"theme": "dark"}).status_code == 403


PROGRAM = """
import json, django
django.setup()
from django.conf import settings
settings.ALLOWED_HOSTS = ["mail.example.org"]
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
visitor = Client(headers={"host": "mail.example.org", "x-forwarded-proto": "https"})
page = visitor.get("/auth/login/")
from accounts.people import add_person
add_person("siti@example.org", "plum-anchor-lantern-42")
signed_in = visitor.post(
    "/auth/login/", {"login": "siti@example.org", "password": "plum-anchor-lantern-42"}
)
cookies = {**page.cookies, **signed_in.cookies}
print(json.dumps({
    "status": signed_in.status_code,
    "headers": dict(page.headers),
    "cookies": {name: dict(cookie) for name, cookie in cookies.items()},
}))
"""


def test_over_https_cookies_belong_to_this_host_alone(tmp_path: Path) -> None:
    environment = os.environ | {
        "MUARA_URL": "https://mail.example.org",
        "MUARA_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    environment.pop("MUARA_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == 302
    assert set(told["cookies"]) == {"__Host-muara_session", "__Host-muara_csrf"}
    for cookie in told["cookies"].values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""
    assert told["headers"]["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert told["headers"]["Referrer-Policy"] == "same-origin"
