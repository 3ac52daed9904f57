"""Every code has words, in which every fact finds its place."""

import ast
import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

from accounts.explain import explain, explain_once, explain_stopped
from accounts.quotas import QuotaExceeded
from accounts.refusals import AccountRefused
from accounts.steps import place_of
from accounts.troubles import MENDING, TROUBLES, Step
from tests.builders import make_account, make_user
from tests.servers.shapes import ROOT

# Where codes come from that people are told; checks and commands tell others to operators.
SOURCES = [
    file
    for folder in ("wire", "accounts", "fetcher")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if file.name not in {"troubles.py", "checking.py", "remaking.py"}
    and {"management", "migrations"}.isdisjoint(file.parts)
]
KINDS = "account|auth|code|conn|identity|limit|message|oauth|policy|quota|run|server|smtp|tls"
CODE = re.compile(rf"({KINDS})\.[a-z0-9]+")


def _codes(file: Path) -> set[str]:
    """Find the codes that stand in a file as strings of their own."""
    strings = (node for node in ast.walk(ast.parse(file.read_text())))
    values = (node.value for node in strings if isinstance(node, ast.Constant))
    return {value for value in values if isinstance(value, str) and CODE.fullmatch(value)}


CODES = set().union(*map(_codes, SOURCES))


def test_the_codes_of_all_errors_are_found() -> None:
    assert {"conn.dns", "auth.failed", "server.limit", "run.lost", "account.exists"} <= CODES
    assert AccountRefused.codes | QuotaExceeded.codes <= CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_has_words_of_its_own(code: str) -> None:
    facts = {"host": "pop.example.org", "port": 995, "date": "2026-01-02T03:04:05+00:00"}
    facts |= {"by": "policy", "rule": "Staff", "left": 4, "seconds": 42}
    told = explain(code, facts | {"name": "other.example.org", "limit": 3, "used": 1, "allowed": 2})
    assert code in TROUBLES
    assert told.title
    assert told.advice
    assert told.side in {"yours", "provider", "ours"}
    assert told.side_words
    assert told.step_words
    assert not re.search(r"[{}?]", told.title + told.advice + "".join(told.hints))


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_is_told_in_indonesian_too(code: str) -> None:
    english = explain(code, {})
    words = [english.title, english.advice, str(english.step_words), *english.hints]
    with translation.override("id"):
        told = explain(code, {})
        indonesian = [told.title, told.advice, str(told.step_words), *told.hints]
    assert [pair for pair in zip(words, indonesian, strict=True) if pair[0] == pair[1]] == []


# What a test of a server, or a sign-in at a provider, can end with.
AT_TESTS = {code for code in CODES if re.match("(auth|conn|oauth|server|smtp|tls)", code)}


@pytest.mark.parametrize("code", sorted(AT_TESTS - {"auth.changed"}))
def test_whoever_tests_alone_is_promised_nothing(code: str) -> None:
    told = explain_once(code, {})
    with translation.override("id"):
        assert explain_once(code, {}).advice != told.advice
    for promise in ("by ourselves", "mail is lost", "mail was lost"):
        assert promise not in told.advice


def test_a_name_is_proposed_only_where_a_server_can_be_called_so() -> None:
    facts = {"host": "pop.example.org", "name": "*.example.org, mail.example.org"}
    told = explain("tls.name", facts | {"usable": "mail.example.org"})
    assert told.title.endswith("belongs to *.example.org, mail.example.org.")
    assert told.advice.startswith("Use mail.example.org as the server")
    assert "Use" not in explain("tls.name", facts).advice
    assert explain("tls.name", {"host": "x.example"}).title.endswith("names no mail server.")


def test_a_limit_says_when_the_next_one_is_possible() -> None:
    assert explain("limit.tests", {"limit": 10, "minutes": 42}).advice == (
        "The next one is possible in about 42 minutes."
    )
    assert "about 1 minute." in explain("limit.host", {"minutes": 1}).advice


def test_words_exist_for_no_code_that_nothing_uses() -> None:
    assert set(TROUBLES) == CODES


@pytest.mark.parametrize("code", sorted(TROUBLES))
def test_missing_facts_never_break_a_page(code: str) -> None:
    assert explain(code, {}).title


def test_an_unknown_code_is_our_own_trouble() -> None:
    assert explain("never.heard", {}) == explain("server.ours", {})


def test_facts_are_shown_as_people_write_them() -> None:
    full = explain("quota.full", {"used": 5 * 1024**3, "allowed": 5 * 1024**3})
    assert "5.0\xa0GB" in full.title
    expired = explain("tls.expired", {"host": "pop.example.org", "date": "2025-03-04T00:00:00Z"})
    assert expired.title == "The certificate of pop.example.org expired on March 4, 2025."


def test_the_other_standard_port_is_proposed() -> None:
    told = explain("conn.refused", {"host": "pop.example.org", "port": 110})
    assert told.title == "pop.example.org does not accept connections on port 110."
    assert "995" in told.advice


def test_a_server_that_names_itself_like_a_format_stays_text() -> None:
    told = explain("tls.name", {"host": "{0.__class__}", "name": "%s%n{port}"})
    assert "{0.__class__}" in told.title
    assert "%s%n{port}" in told.title


def test_words_follow_the_readers_language() -> None:
    with translation.override("id"):
        told = explain("tls.expired", {"date": "2025-03-04T00:00:00Z"})
    assert "2025" in told.title


def test_a_stopped_account_leads_to_the_test_that_starts_it_again() -> None:
    assert explain_stopped("auth.failed", {}) == explain("auth.changed", {})
    for code in TROUBLES:
        assert explain_stopped(code, {}).step in MENDING
    assert explain("tls.expired", {}).step is Step.PROVIDER


def test_the_general_checklist_stands_under_every_trouble_with_a_server() -> None:
    assert len(explain("conn.dns", {}).checklist) == 4
    assert not explain("quota.full", {"used": 1, "allowed": 1}).checklist, "no server can help"


@pytest.mark.django_db
def test_a_bad_certificate_is_looked_at_by_the_doctor() -> None:
    account = make_account(make_user())
    doctor = reverse("account_doctor", args=[account.public_id])
    assert place_of(explain("tls.expired", {}).step, account) == doctor
    assert place_of(Step.LOOK, account).endswith(f"#account-{account.public_id}")
