"""The table of keys: no key does two things, and all that shows keys shows the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from mailstore.keys import KEYS, combos_by_name
from tests.builders import make_account, make_user
from tests.servers.shapes import ROOT

ISLAND = re.compile(r'<script id="keys" type="application/json">(.*?)</script>')
MARK = re.compile(r'data-key="([a-z -]+)"')


@pytest.fixture
def siti(client: Client, db: None) -> User:
    person = make_user()
    client.force_login(person)
    return person


def test_no_key_does_two_things_and_none_begins_another() -> None:
    combos = [combo for combos in combos_by_name().values() for combo in combos]
    assert len(combos) == len(set(combos))
    firsts = {combo.split(" ")[0] for combo in combos if " " in combo}
    assert not firsts & set(combos)


def test_each_mark_on_a_page_is_in_the_table() -> None:
    files = Path(ROOT / "templates").rglob("*.html")
    marks = {mark for file in files for mark in MARK.findall(file.read_text())}
    assert {"search", "star", "read", "more"} <= marks
    assert marks <= set(combos_by_name())


def test_every_page_carries_the_table_until_its_reader_switches_it_off(
    client: Client, siti: User
) -> None:
    for path in ("/mail/all/inbox/", reverse("settings_general")):
        found = ISLAND.search(client.get(path).content.decode())
        assert found
        assert json.loads(found[1]) == {n: list(combos) for n, combos in combos_by_name().items()}
    siti.shortcuts = False
    siti.save()
    page = client.get("/mail/all/inbox/").content.decode()
    assert not ISLAND.search(page)
    assert "js/keys.js" not in page


@pytest.mark.parametrize("path", ["/help/keyboard/", "/mail/palette/"])
def test_the_sheet_says_all_keys_with_and_without_scripts(
    client: Client, siti: User, path: str
) -> None:
    page = client.get(path, headers={"Accept-Language": "id"}).content.decode()
    assert page.count("<dt>") == len(KEYS)
    assert "Pesan berikutnya" in page
    assert "<kbd>Shift I</kbd>" in page


def test_the_palette_leads_to_every_list_and_account(client: Client, siti: User) -> None:
    first, second = make_account(siti), make_account(siti, address="b@example.org", name="Kerja")
    page = client.get("/mail/palette/").content.decode()
    for account in (first, second):
        for slug in ("inbox", "archive", "trash"):
            assert reverse("mail_folder", args=[account.public_id, slug]) in page
    assert all(f'data-press="{name}"' in page for name in ("archive", "undo", "search"))
