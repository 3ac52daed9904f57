"""Signing up, in and out: codes by mail, reset, second factors, limits, no hints to strangers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.builders import PASSWORD, make_user

STRONG = "plum-anchor-lantern-42"


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    """Rate limits are counted in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


def _sign_up(client: Client, email: str, password: str = STRONG) -> HttpResponseBase:
    return client.post(reverse("account_signup"), {"email": email, "password1": password})


def _code() -> str:
    found = re.search(r"^(\d{6})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found
    return str(found[1])


def _totp(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


@pytest.mark.django_db
def test_a_person_signs_up_with_the_code_from_the_mail(client: Client) -> None:
    answer = client.post(
        reverse("account_signup"), {"email": "new@example.org", "password1": STRONG}
    )
    assert answer["Location"] == reverse("account_email_verification_sent")
    assert mail.outbox[0].to == ["new@example.org"]
    wrong = client.post(reverse("account_email_verification_sent"), {"code": "wrong"})
    assert wrong.status_code == 200
    assert "_auth_user_id" not in client.session
    right = client.post(reverse("account_email_verification_sent"), {"code": _code()})
    assert right["Location"] == "/mail/"
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8940"])
def test_mails_speak_of_muara_whatever_name_was_asked(client: Client, host: str) -> None:
    client.defaults["HTTP_HOST"] = host
    _sign_up(client, "new@example.org")
    body = str(mail.outbox[0].body)
    assert body.startswith("Hello from Muara!")
    assert body.rstrip().endswith("Thank you for using Muara!\nlocalhost:8000")
    assert "8940" not in body + str(mail.outbox[0].subject)


@pytest.mark.django_db
def test_a_code_is_sent_again_but_not_at_once(client: Client) -> None:
    _sign_up(client, "new@example.org")
    page = reverse("account_email_verification_sent")
    assert "Request new code" in client.get(page).content.decode()
    cache.clear()  # A minute goes by.
    client.post(page, {"action": "resend"})
    assert len(mail.outbox) == 2
    client.post(page, {"action": "resend"})
    assert len(mail.outbox) == 2
    # The mail that came last stays good, though another was asked for.
    assert client.post(page, {"code": _code()})["Location"] == "/mail/"


@pytest.mark.django_db
def test_wrong_codes_end_the_try(client: Client) -> None:
    _sign_up(client, "new@example.org")
    code = _code()
    page = reverse("account_email_verification_sent")
    for _ in range(5):
        client.post(page, {"code": "wrong"})
    client.post(page, {"code": code})
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_a_weak_password_is_refused_beside_its_field(client: Client) -> None:
    answer = client.post(
        reverse("account_signup"), {"email": "a@example.org", "password1": "short"}
    )
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_sign_up_tells_a_stranger_nothing_about_who_is_here(client: Client) -> None:
    make_user("here@example.org")
    pages = []
    for address in ("here@example.org", "away@example.org"):
        visitor = Client()
        answer = visitor.post(
            reverse("account_signup"), {"email": address, "password1": STRONG}, follow=True
        )
        pages.append(_body(answer.content.decode(), address))
    assert pages[0] == pages[1]
    assert [message.to for message in mail.outbox] == [["here@example.org"], ["away@example.org"]]


@pytest.mark.django_db
def test_reset_tells_a_stranger_nothing_about_who_is_here() -> None:
    make_user("here@example.org")
    pages = []
    for address in ("here@example.org", "away@example.org"):
        answer = Client().post(reverse("account_reset_password"), {"email": address}, follow=True)
        pages.append(_body(answer.content.decode(), address))
    assert pages[0] == pages[1]


@pytest.mark.django_db
def test_a_wrong_password_and_a_wrong_address_look_the_same() -> None:
    make_user("here@example.org")
    pages = []
    for address in ("here@example.org", "away@example.org"):
        answer = Client().post(reverse("account_login"), {"login": address, "password": "wrong"})
        pages.append(_body(answer.content.decode(), address))
    assert pages[0] == pages[1]


def _body(page: str, address: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page).replace(address, "ADDRESS")


@pytest.mark.django_db
def test_a_forgotten_password_is_replaced_with_the_code_from_the_mail(client: Client) -> None:
    make_user()
    client.post(reverse("account_reset_password"), {"email": "alice@example.org"})
    client.post(reverse("account_confirm_password_reset_code"), {"code": _code()})
    done = client.post(
        reverse("account_complete_password_reset"), {"password1": STRONG, "password2": STRONG}
    )
    assert done.status_code == 302
    assert User.objects.get().check_password(STRONG)


@pytest.mark.django_db
def test_a_second_factor_is_enrolled_sealed_and_asked_for(client: Client) -> None:
    make_user()
    sign_in = {"login": "alice@example.org", "password": PASSWORD}
    _verify_address()
    assert client.post(reverse("account_login"), sign_in)["Location"] == "/mail/"
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert not Authenticator.objects.exists()
    client.post(reverse("mfa_activate_totp"), {"code": _totp(secret)})
    kept = Authenticator.objects.get(type="totp")
    assert secret not in str(kept.data)
    assert secret not in str(dict(client.session))

    cache.clear()  # A code works once; the cache remembers which.
    other = Client()
    assert other.post(reverse("account_login"), sign_in)["Location"] == reverse("mfa_authenticate")
    other.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "_auth_user_id" not in other.session
    other.post(reverse("mfa_authenticate"), {"code": _totp(secret)})
    assert "_auth_user_id" in other.session


@pytest.mark.django_db
@pytest.mark.parametrize(("steps", "lets_in"), [(-2, False), (0, True), (1, True)])
def test_a_clock_may_be_one_step_off(client: Client, steps: int, lets_in: bool) -> None:
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(make_user(), secret)
    _verify_address()
    client.post(reverse("account_login"), {"login": "alice@example.org", "password": PASSWORD})
    now = int(time.time()) // 30
    code = format_hotp_value(hotp_value(secret, now + steps))
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert ("_auth_user_id" in client.session) is lets_in


@pytest.mark.django_db
def test_a_recovery_code_lets_in_once(client: Client) -> None:
    alice = make_user()
    _verify_address()
    codes = RecoveryCodes.activate(alice).get_unused_codes()
    TOTP.activate(alice, "JBSWY3DPEHPK3PXP")
    sign_in = {"login": "alice@example.org", "password": PASSWORD}
    for expected in (True, False):
        visitor = Client()
        visitor.post(reverse("account_login"), sign_in)
        visitor.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert ("_auth_user_id" in visitor.session) is expected


def _verify_address() -> None:
    alice = User.objects.get()
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)


@pytest.mark.django_db
def test_guessing_passwords_is_stopped(client: Client) -> None:
    make_user()
    _verify_address()
    for _ in range(12):
        client.post(reverse("account_login"), {"login": "alice@example.org", "password": "wrong"})
    client.post(reverse("account_login"), {"login": "alice@example.org", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_asking_for_codes_is_stopped(client: Client) -> None:
    make_user()
    for _ in range(30):
        client.post(reverse("account_reset_password"), {"email": "alice@example.org"})
    assert len(mail.outbox) <= 20


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_generate_recovery_codes"])
def test_second_factors_change_only_after_signing_in_again(client: Client, name: str) -> None:
    alice = make_user()
    client.force_login(alice)
    assert reverse("account_reauthenticate") in client.get(reverse(name))["Location"]


@pytest.mark.django_db
def test_signing_out_ends_the_session(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(reverse("settings_general")).status_code == 200
    client.post(reverse("account_logout"))
    assert reverse("account_login") in client.get(reverse("settings_general"))["Location"]


@pytest.mark.django_db
def test_sign_up_in_indonesian_knows_one_word_for_email(client: Client) -> None:
    page = client.get(reverse("account_signup"), headers={"Accept-Language": "id"})
    assert "e-mail" not in page.content.decode().lower()


@pytest.mark.django_db
def test_administration_is_reached_by_the_same_sign_in(client: Client) -> None:
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/auth/login/")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Set up two-factor sign-in"), ("id", "Siapkan autentikasi dua faktor")],
)
def test_administration_offers_a_second_factor_until_there_is_one(
    client: Client, language: str, words: str
) -> None:
    person = make_user(is_staff=True, is_superuser=True, language=language)
    client.force_login(person)
    link = re.compile(rf'<a href="{reverse("mfa_index")}">\s*{words}')
    for path in ("/admin/", "/admin/accounts/plan/", reverse("figures")):
        assert link.search(client.get(path).content.decode()), path
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    assert reverse("mfa_index") not in client.get("/admin/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        *("account_login", "account_signup", "account_reset_password"),
        *("account_email", "account_change_password", "account_logout", "account_reauthenticate"),
        *("mfa_index", "mfa_list_webauthn", "usersessions_list"),
    ],
)
def test_each_page_of_signing_in_is_drawn_in_our_frame(client: Client, name: str) -> None:
    if name not in {"account_login", "account_signup", "account_reset_password"}:
        client.force_login(make_user())
    page = client.get(reverse(name)).content.decode()
    assert '<main class="page" id="main"' in page
    assert page.count("<h1") == 1
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r"\son[a-z]+=", page)
