"""The mail pages: who may see what, what each page says, and how foreign bytes are answered."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import notices, quotas
from accounts.models import ExternalAccount, State, User
from mailstore.models import Folder, Message, Role
from tests.builders import make_account, make_user
from tests.mailstore.rows import letter, make_message

LISTS = ["/mail/all/inbox/", "/mail/all/unread/", "/mail/all/starred/", "/mail/search/?q=hello"]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def address(name: str, message: Message, *more: str) -> str:
    return reverse(name, args=[message.account.public_id, message.public_id, *more])


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def account(owner: User) -> ExternalAccount:
    return make_account(owner, name="Work")


@pytest.fixture
def client(owner: User) -> Client:
    return client_of(owner)


@pytest.mark.parametrize("path", [*LISTS, "/mail/changes/", "/mail/", "/mail/act/"])
def test_nobody_sees_mail_without_signing_in(path: str, db: None) -> None:
    method = Client().post if path.endswith("act/") else Client().get
    answer = method(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/auth/login/")


@pytest.mark.parametrize("staff", [False, True])
def test_a_stranger_and_an_administrator_find_nothing_at_another_persons_addresses(
    account: ExternalAccount, staff: bool
) -> None:
    mail = letter("secret subject")
    mail.add_attachment(b"GIF89a", "image", "gif", filename="a.gif")
    message = make_message(account, mail)
    own = make_folder(account)
    stranger = client_of(make_user("eve@example.org", is_staff=staff, is_superuser=staff))
    paths = [
        address("mail_message", message),
        address("mail_body", message),
        address("mail_raw", message),
        address("mail_raw", message) + "?download=1",
        address("mail_part", message, "2"),
        address("mail_part", message, "2") + "?inline=1",
        reverse("mail_folder", args=[account.public_id, "inbox"]),
        reverse("mail_folder", args=[account.public_id, own.public_id]),
    ]
    assert [stranger.get(path).status_code for path in paths] == [404] * len(paths)
    stranger.post("/mail/act/", {"do": "seen", "ids": [str(message.public_id)]})
    stranger.post("/mail/act/", {"flag": str(message.public_id)})
    message.refresh_from_db()
    assert (message.seen, message.flagged) == (False, False)
    for path in LISTS:
        assert "secret subject" not in stranger.get(path).content.decode()


def make_folder(account: ExternalAccount) -> Folder:
    return Folder.objects.create(owner=account.owner, account=account, name="Invoices")


def test_a_message_is_found_only_under_its_own_account(client: Client, owner: User) -> None:
    message = make_message(make_account(owner))
    elsewhere = make_account(owner, address="second@example.org")
    path = reverse("mail_message", args=[elsewhere.public_id, message.public_id])
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/mail/all/everything/", f"/mail/{uuid4()}/inbox/", f"/mail/{uuid4()}/m/{uuid4()}/"]
)
def test_there_is_nothing_at_addresses_that_nobody_made(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("slug", ["nonsense", str(uuid4())])
def test_an_unknown_folder_is_not_there(
    client: Client, account: ExternalAccount, slug: str
) -> None:
    assert client.get(reverse("mail_folder", args=[account.public_id, slug])).status_code == 404


def test_the_first_page_is_the_default_account_or_else_all_inboxes(
    client: Client, account: ExternalAccount
) -> None:
    assert client.get("/mail/")["Location"] == "/mail/all/inbox/"
    ExternalAccount.objects.filter(pk=account.pk).update(is_default=True)
    assert client.get("/mail/")["Location"] == f"/mail/{account.public_id}/inbox/"


def test_a_list_names_sender_subject_account_and_what_is_unread(
    client: Client, account: ExternalAccount
) -> None:
    make_message(account, letter("Meeting on <Wednesday>"))
    page = client.get("/mail/all/inbox/").content.decode()
    assert "Meeting on &lt;Wednesday&gt;" in page
    assert "Bob" in page
    assert '<span class="visually-hidden">Unread</span>' in page
    assert f'title="{account.name}">{account.badge}<' in page


def test_a_long_subject_stands_whole_in_the_details(
    client: Client, account: ExternalAccount
) -> None:
    subject = "long " * 380 + "end"
    page = client.get(address("mail_message", make_message(account, letter(subject))))
    details = page.content.decode().partition('<details class="people">')[2]
    assert f'<dt>Subject</dt><dd dir="auto">{subject}</dd>' in details.partition("</details>")[0]


def test_a_sender_under_another_address_is_shown_by_the_real_one_with_a_warning(
    client: Client, account: ExternalAccount
) -> None:
    mail = letter()
    mail.replace_header("From", '"ceo@bank.example" <x@evil.example>')
    message = make_message(account, mail)
    row = client.get("/mail/all/inbox/").content.decode()
    assert '<span class="from">x@evil.example</span>' in row
    page = client.get(address("mail_message", message)).content.decode()
    assert "<strong><bdi>x@evil.example</bdi></strong>" in page
    assert "written as “ceo@bank.example”, but this message came from x@evil.example" in page


def test_older_pages_are_linked_by_key_and_say_where_the_newest_are(
    client: Client, account: ExternalAccount
) -> None:
    for number in range(51):
        make_message(account, letter(f"number {number}"))
    first = client.get("/mail/all/inbox/")
    older = first.context["older_url"]
    assert older in first.content.decode()
    second = client.get(older).content.decode()
    assert second.count('name="ids"') == 1
    assert 'href="/mail/all/inbox/"' in second
    assert 'rel="next"' not in second


@pytest.mark.parametrize("path", [*LISTS[:3], "message"])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    client: Client, account: ExternalAccount, path: str
) -> None:
    make_message(account, letter("unread"))
    first = make_message(account, seen=True, flagged=True)
    second = make_account(account.owner, address="second@example.org")
    make_message(second, flagged=True)
    path = address("mail_message", first) if path == "message" else path
    client.get(path)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    few = queries()
    for number in range(30):
        make_message(account, letter(f"number {number}"), flagged=True)
        make_message(second, flagged=True)
    make_message(make_account(account.owner, address="third@example.org"), flagged=True)
    assert queries() == few
    assert few <= 20


def test_opening_a_message_marks_it_read(client: Client, account: ExternalAccount) -> None:
    message = make_message(account)
    page = client.get(address("mail_message", message))
    message.refresh_from_db()
    assert message.seen
    assert Folder.objects.get(pk=message.folder_id).unread == 0
    assert f'src="{address("mail_body", message)}"' in page.content.decode()


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Purpose": "prefetch;prerender"}]
)
def test_a_request_that_its_reader_did_not_make_leaves_a_message_unread(
    client: Client, account: ExternalAccount, headers: dict[str, str]
) -> None:
    message = make_message(account)
    assert client.get(address("mail_message", message), headers=headers).status_code == 200
    message.refresh_from_db()
    assert not message.seen


@pytest.mark.parametrize("name", ["mail_body", "mail_raw"])
def test_what_a_message_carries_can_be_fetched_without_marking_it(
    client: Client, account: ExternalAccount, name: str
) -> None:
    message = make_message(account)
    client.get(address(name, message))
    message.refresh_from_db()
    assert not message.seen


def test_a_message_finds_the_list_it_was_opened_from(
    client: Client, account: ExternalAccount
) -> None:
    message = make_message(account)
    for query, expected in (
        ("?in=all-inbox", "/mail/all/inbox/"),
        ("?in=search&q=how", "/mail/search/?q=how"),
        ("", f"/mail/{account.public_id}/inbox/"),
        ("?in=https://evil.example/", f"/mail/{account.public_id}/inbox/"),
    ):
        listing = client.get(address("mail_message", message) + query).context["listing"]
        assert listing.url == expected


def test_htmx_gets_the_part_that_changes_and_history_gets_the_whole_page(
    client: Client, account: ExternalAccount
) -> None:
    path = address("mail_message", make_message(account))
    fragment = client.get(path, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert fragment["HX-Push-Url"] == path
    restored = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(path, headers=restored).content.decode()
    rows = client.get("/mail/all/inbox/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in rows
    assert 'name="ids"' in rows


def test_selected_messages_are_marked_and_the_reader_returns_to_the_list(
    client: Client, account: ExternalAccount
) -> None:
    one, two = make_message(account), make_message(account)
    form = {"do": "seen", "ids": [one.public_id, two.public_id, "no id"], "next": LISTS[0]}
    answer = client.post("/mail/act/", form)
    assert answer["Location"] == LISTS[0]
    assert Message.objects.filter(seen=True).count() == 2
    client.post("/mail/act/", form | {"do": "unseen", "ids": [one.public_id]})
    assert Message.objects.filter(seen=True).count() == 1


def test_a_star_is_turned_on_and_off_by_its_button(
    client: Client, account: ExternalAccount
) -> None:
    message = make_message(account)
    for name, expected in (("flag", True), ("unflag", False)):
        client.post("/mail/act/", {name: str(message.public_id)})
        message.refresh_from_db()
        assert message.flagged is expected


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\thttps://evil.example",
        "",
    ],
)
def test_nobody_is_sent_to_another_site(client: Client, target: str) -> None:
    assert client.post("/mail/act/", {"next": target})["Location"] == "/mail/"


def test_a_change_needs_a_post_with_a_token(owner: User, account: ExternalAccount) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    message = make_message(account)
    form = {"do": "seen", "ids": str(message.public_id)}
    assert strict.get("/mail/act/", form).status_code == 405
    refused = strict.post("/mail/act/", form)
    assert refused.status_code == 403
    assert "nothing was changed" in refused.content.decode()
    message.refresh_from_db()
    assert not message.seen


def test_the_change_number_is_asked_cheaply(client: Client, account: ExternalAccount) -> None:
    number = quotas.change_number(account.owner_id)
    client.get("/mail/changes/")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/mail/changes/?since={number}").status_code == 304
    assert len(captured) <= 8
    make_message(account)
    quotas.touch(account.owner_id)
    answer = client.get(f"/mail/changes/?since={number}")
    assert answer.json() == {"change": number + 1, "unread": 1, "told": 0}
    User.objects.update(notify="all")
    assert client.get("/mail/changes/").json()["told"] == 1
    User.objects.update(notify="default")
    assert client.get("/mail/changes/").json()["told"] == 0
    ExternalAccount.objects.update(is_default=True)
    assert client.get("/mail/changes/").json()["told"] == 1


def test_a_body_stands_under_its_own_policy(client: Client, account: ExternalAccount) -> None:
    message = make_message(account)
    answer = client.get(address("mail_body", message))
    parts = f"http://testserver{address('mail_part', message, '0')}".removesuffix("0/")
    assert answer["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data: {parts}; "
        "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; "
        "frame-ancestors 'self'"
    )
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "How are you?" in answer.content.decode()


def test_remote_images_are_counted_and_pictures_of_the_message_come_from_its_own_address(
    client: Client, account: ExternalAccount
) -> None:
    mail = letter()
    markup = '<p>Hi</p><img src="https://t.example/o.gif"><img src="cid:pic"><img src="cid:no">'
    mail.add_alternative(markup, subtype="html")
    mail.get_payload()[1].add_related(b"GIF89a", "image", "gif", cid="<pic>")  # type: ignore[union-attr, index]
    message = make_message(account, mail)
    inline = address("mail_part", message, "2.2") + "?inline=1"
    shown = client.get(address("mail_body", message)).content.decode()
    assert inline in shown
    assert "t.example" not in shown
    assert "not loaded" in client.get(address("mail_message", message)).content.decode()
    picture = client.get(inline)
    assert (picture["Content-Type"], picture.content) == ("image/gif", b"GIF89a")


def attached(account: ExternalAccount, kind: str, filename: str = "file") -> Message:
    mail = letter()
    family, subtype = kind.split("/")
    mail.add_attachment(b"<script>alert(1)</script>", family, subtype, filename=filename)
    return make_message(account, mail)


@pytest.mark.parametrize(
    "kind", ["application/xhtml+xml", "image/svg+xml", "application/pdf", "text/x-html"]
)
def test_whatever_could_run_is_only_ever_a_download_of_unknown_kind(
    client: Client, account: ExternalAccount, kind: str
) -> None:
    path = address("mail_part", attached(account, kind), "2")
    answer = client.get(path)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"].startswith("default-src 'none'; sandbox")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"{path}?inline=1").status_code == 404


def test_a_filename_in_another_script_is_kept_and_cannot_break_the_header(
    client: Client, account: ExternalAccount
) -> None:
    message = attached(account, "application/pdf", 'résumé "1".pdf')
    disposition = client.get(address("mail_part", message, "2"))["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''r%C3%A9sum%C3%A9")


@pytest.mark.parametrize("number", ["9", "0", "1.1.1", "-1", "x"])
def test_a_part_that_is_not_there_is_not_there(
    client: Client, account: ExternalAccount, number: str
) -> None:
    assert client.get(address("mail_part", make_message(account), number)).status_code == 404


def test_the_original_is_answered_byte_for_byte(client: Client, account: ExternalAccount) -> None:
    raw = b"From: a@example.org\r\nSubject: x\r\n\r\n<script>\xff\xfe</script>\r\n"
    message = make_message(account, raw)
    path = address("mail_raw", message)
    shown, saved = client.get(path), client.get(f"{path}?download=1")
    assert shown.content == saved.content == raw
    assert shown["Content-Type"] == "text/plain; charset=utf-8"
    assert saved["Content-Type"] == "message/rfc822"
    assert saved["Content-Disposition"] == 'attachment; filename="x.eml"'
    for answer in (shown, saved):
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_damaged_message_says_so_and_is_not_shown(
    client: Client, account: ExternalAccount
) -> None:
    message = make_message(account)
    message.blob.sha256 = "0" * 64
    message.blob.save()
    page = client.get(address("mail_message", message))
    assert page.status_code == 200
    assert "no longer match their checksum" in page.content.decode()
    assert "<iframe" not in page.content.decode()
    assert client.get(address("mail_body", message)).status_code == 404


def test_a_message_without_text_offers_its_file(client: Client, account: ExternalAccount) -> None:
    message = make_message(account, b"From: a@example.org\r\n\r\n")
    page = client.get(address("mail_message", message)).content.decode()
    assert "This message has no text." in page
    assert f"{address('mail_raw', message)}?download=1" in page


def test_an_empty_mailbox_says_what_comes_next(client: Client, owner: User) -> None:
    assert "Add your first account" in client.get("/mail/all/inbox/").content.decode()
    make_account(owner, last_checked_at=timezone.now())
    assert "Nothing new" in client.get("/mail/all/inbox/").content.decode()
    assert "Nothing found" in client.get("/mail/search/?q=zebra").content.decode()
    assert "No stars yet" in client.get("/mail/all/starred/").content.decode()


def test_banners_tell_of_a_first_fetch_and_of_an_account_in_trouble(
    client: Client, owner: User
) -> None:
    soon = timezone.now() + timedelta(hours=1)
    make_account(owner, name="Big", dispatched_until=soon, progress_done=12, progress_total=3456)
    broken = make_account(
        owner,
        name="Broken",
        address="broken@example.org",
        state=State.NEEDS_SIGN_IN,
        last_code="auth.failed",
        last_facts={"host": "pop.example.org"},
    )
    notices.review(timezone.now())
    page = client.get("/mail/all/inbox/").content.decode()
    assert "Big: 12 of 3,456 messages" in page
    assert "Broken: sign-in needed" in page
    assert "pop.example.org no longer accepts the password kept here." in page
    mend = reverse("account_connection", args=[broken.public_id])
    assert f'href="{mend}">Update password' in page


def test_one_bad_visit_is_no_banner(client: Client, owner: User) -> None:
    now = timezone.now()
    make_account(owner, last_code="conn.timeout", failing_since=now - timedelta(hours=1))
    notices.review(now)
    assert "cannot be fetched" not in client.get("/mail/all/inbox/").content.decode()


def test_many_accounts_in_trouble_leave_room_for_the_mail(client: Client, owner: User) -> None:
    for number in range(10):
        make_account(owner, address=f"{number}@example.org", state=State.NEEDS_SIGN_IN)
    notices.review(timezone.now())
    page = client.get("/mail/all/inbox/").content.decode()
    assert page.count(": sign-in needed") == 2
    assert "There are 8 more notices." in page


def test_a_server_that_names_itself_like_a_script_stays_text_in_banners(
    client: Client, owner: User
) -> None:
    facts = {"host": "pop.example.org", "name": "<script>x</script>"}
    long_ago = timezone.now() - timedelta(days=1)
    make_account(owner, last_code="tls.name", last_facts=facts, failing_since=long_ago)
    notices.review(timezone.now())
    page = client.get("/mail/all/inbox/").content.decode()
    assert "belongs to &lt;script&gt;" in page
    assert "<script>x" not in page


@pytest.mark.parametrize(
    ("cookie", "expected"), [("dark", "dark"), ('"><script>', "system"), ("", "system")]
)
def test_the_theme_comes_from_the_cookie_and_from_nowhere_else(
    client: Client, cookie: str, expected: str
) -> None:
    client.cookies["muara_theme"] = cookie
    assert f'data-theme="{expected}"' in client.get("/mail/all/inbox/").content.decode()


def test_mail_pages_hold_no_inline_script_or_style(
    client: Client, account: ExternalAccount
) -> None:
    path = address("mail_message", make_message(account))
    answer: Any = client.get(path)
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    inline = re.findall(r"<script(?![^>]* src=)([^>]*)", page)
    assert [kind for kind in inline if 'type="application/json"' not in kind] == []
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_the_page_for_our_own_faults_needs_nothing(settings: Any) -> None:
    settings.STORAGES = {}
    assert "Something broke on our side" in render_to_string("500.html")


def test_a_role_folder_without_mail_is_empty_rather_than_missing(
    client: Client, account: ExternalAccount
) -> None:
    for role in Role:
        path = reverse("mail_folder", args=[account.public_id, role.value])
        assert client.get(path).status_code == 200
