"""What people choose for themselves: kept without scripts and with them, and nothing else taken."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User

GENERAL = {
    "name": "Siti",
    "language": "id",
    "time_zone": "Asia/Jakarta",
    "theme": "dark",
    "density": "compact",
    "reading_pane": "off",
    "duplicates": "both",
    "undo_seconds": "20",
    "purge_days": "",
}
FROM_SCRIPT = {"Accept": "application/json"}


def test_choices_are_kept_with_the_person_and_the_theme_in_a_cookie(
    client: Client, alice: User
) -> None:
    answer = client.post("/settings/general/", GENERAL)
    assert answer.status_code == 302
    cookie = answer.cookies["muara_theme"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("dark", True, "Lax")
    alice.refresh_from_db()
    kept = {name: getattr(alice, name) for name in GENERAL if name != "theme"}
    expected: dict[str, Any] = GENERAL | {"undo_seconds": 20, "purge_days": None}
    assert kept == {name: value for name, value in expected.items() if name != "theme"}
    assert (alice.conversations, alice.shortcuts) == (False, False), "boxes that were not ticked"
    page = client.get("/settings/general/")
    assert page["Content-Language"] == "id"
    for mark in ('data-theme="dark"', 'data-density="compact"', 'data-reading_pane="off"'):
        assert mark in page.content.decode()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("language", "xx"), ("time_zone", "Mars/Base"), ("theme", '"><b>'), ("name", "x" * 200)),
        *(("undo_seconds", "7"), ("purge_days", "1"), ("density", "loose"), ("duplicates", "")),
    ],
)
def test_choices_that_do_not_exist_are_refused(client: Client, field: str, value: str) -> None:
    assert client.post("/settings/general/", GENERAL | {field: value}).status_code == 422
    wrong = client.post("/settings/general/", GENERAL | {field: value}, headers=FROM_SCRIPT)
    assert (wrong.status_code, [*wrong.json()["errors"]]) == (422, [field])


def test_a_script_is_answered_in_the_language_just_chosen(client: Client, alice: User) -> None:
    answer = client.post("/settings/general/", GENERAL, headers=FROM_SCRIPT)
    assert answer.json() == {"said": "Tersimpan."}
    assert answer.cookies["muara_theme"].value == "dark"


@pytest.mark.parametrize(
    ("page", "choice"),
    [
        ("notifications", {"notify": "default"}),
        ("notifications", {"notify": "nothing", "mails_notices": "on"}),
        ("privacy", {"remote_images": "never"}),
    ],
)
def test_each_page_keeps_its_own_choices_and_no_others(
    client: Client, alice: User, page: str, choice: dict[str, str]
) -> None:
    before: dict[str, Any] = {**User.objects.filter(pk=alice.pk).values().get()}
    others = {"density": "compact", "is_staff": "on", "email": "x@example.org"}
    assert client.post(f"/settings/{page}/", choice | others).status_code == 302
    after: dict[str, Any] = {**User.objects.filter(pk=alice.pk).values().get()}
    changed = {name for name, value in after.items() if before[name] != value}
    assert changed <= {"notify", "mails_notices", "remote_images", "seen_language", "seen_zone"}
    assert all(str(after[name]) in {value, "True"} for name, value in choice.items())
