"""Real and odd mails through the whole program: a real server, the fetcher, the list, the pages.

It runs where ``MUARA_CORPUS`` names a folder that holds mails and an ``index.jsonl`` of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import ExternalAccount
from fetcher.runs import run_fetch
from mailstore.models import Message
from mailstore.packs import read_raw
from tests.builders import make_account, make_user
from tests.servers.dovecot import Dovecot
from wire.guard import Guard

CORPUS = os.environ.get("MUARA_CORPUS", "")
BARE_LF = re.compile(rb"(?<!\r)\n")
TAGS = re.compile(r"<style.*?</style>|<[^>]*>", re.DOTALL)
pytestmark = [
    pytest.mark.skipif(not CORPUS, reason="MUARA_CORPUS names no folder of mails"),
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1200),
]


def mails() -> Iterator[bytes]:
    folder = Path(CORPUS)
    for line in (folder / "index.jsonl").read_text().splitlines():
        yield (folder / json.loads(line)["path"]).read_bytes()


def as_offered(raw: bytes) -> bytes:
    """Return what POP3 makes of a delivered file: CRLF at the end of every line (RFC 1939 §3)."""
    lines = BARE_LF.sub(b"\r\n", raw)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


@pytest.fixture
def account(
    dovecot: Dovecot, authority_file: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> ExternalAccount:
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)
    settings.GUARD = Guard(
        (ip_network("127.0.0.0/8"),),
        {("pop.example.org", 995): ("127.0.0.1", dovecot.ports["pop3s"])},
    )
    dovecot.add_user("corpus@example.org", "secret")
    dovecot.deliver("corpus@example.org", *mails())
    owner = make_user(conversations=False)
    return make_account(owner, address="corpus@example.org")


def listed(client: Client) -> list[str]:
    """Walk the merged list to its end, page by page; return the addresses of the messages."""
    url, found = reverse("mail_all", args=["inbox"]), []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200
        page = answer.context["page"]
        found += [
            reverse("mail_message", args=[row.account.public_id, row.public_id])
            for row in page.messages
        ]
        url = answer.context["older_url"]
    return found


def test_every_mail_is_stored_listed_and_opened(account: ExternalAccount, client: Client) -> None:
    offered = Counter(hashlib.sha256(as_offered(raw)).hexdigest() for raw in mails())
    run = run_fetch(account.pk)
    assert run is not None
    assert run.code == "", run.facts
    messages = list(Message.objects.select_related("blob__pack"))
    stored = Counter(hashlib.sha256(read_raw(one.blob)).hexdigest() for one in messages)
    exact = (stored & offered).total()

    client.force_login(account.owner)
    opened: Counter[str] = Counter()
    urls = listed(client)
    for url in urls:
        page, body = client.get(url), client.get(f"{url}body/")
        assert (page.status_code, body.status_code) == (200, 200), url
        notice = page.context["letters"][-1].contents.notice
        has_words = bool(TAGS.sub("", body.content.decode()).strip()) or b"<img" in body.content
        opened[notice or ("text" if has_words else "blank")] += 1
        assert client.get(f"{url}raw/").status_code == 200

    total = offered.total()
    summary = (
        f"offered {total}, stored {len(messages)}, exact {exact}, listed {len(urls)}, {opened}"
    )
    assert len(messages) == len(urls) == total, summary
    assert exact == total, summary
    assert opened["blank"] + opened["damaged"] <= total * 0.005, summary
    (Path(os.environ.get("MUARA_REPORT", os.devnull))).write_text(summary + "\n")
