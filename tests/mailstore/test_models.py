"""Each promise of the message store's tables holds against an attempt to break it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import ExternalAccount, User
from mailstore.models import (
    Blob,
    Folder,
    ImageSender,
    Label,
    Message,
    Pack,
    Part,
    SavedSearch,
    Thread,
    ThreadLink,
    Unsubscription,
)
from mailstore.transfers.models import Transfer
from tests.builders import make_account, make_user
from tests.constraints import Attempt, named_constraints, refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _owner() -> User:
    return User.objects.get()


def _account() -> ExternalAccount:
    return ExternalAccount.objects.get()


def _transfer(**fields: Any) -> Transfer:
    return Transfer.objects.create(owner=_owner(), name="x", **fields)


def _pack() -> Pack:
    return Pack.objects.create(owner=_owner(), name=uuid.uuid4(), size=100)


def _blob(pack: Pack, digest: str, **fields: Any) -> Blob:
    place = {"offset": 0, "size": 10}
    return Blob.objects.create(owner=_owner(), pack=pack, sha256=digest, **(place | fields))


def _folder(**fields: Any) -> Folder:
    return Folder.objects.create(owner=_owner(), account=_account(), **fields)


def _message(**fields: Any) -> Message:
    defaults = {
        "owner": _owner(),
        "account": _account(),
        "folder": _folder(role="inbox"),
        "thread": Thread.objects.create(owner=_owner()),
        "blob": _blob(_pack(), "0" * 64),
        "size": 10,
        "sent_at": NOW,
        "received_at": NOW,
    }
    return Message.objects.create(**(defaults | fields))


def _link() -> object:
    thread = Thread.objects.create(owner=_owner())
    return ThreadLink.objects.create(owner=_owner(), digest="0" * 64, thread=thread)


def _label(name: str, **fields: Any) -> Label:
    return Label.objects.create(owner=_owner(), name=name, **fields)


def _saved(name: str, text: str = "rapat") -> SavedSearch:
    return SavedSearch.objects.create(owner=_owner(), name=name, text=text)


def _image_sender() -> ImageSender:
    return ImageSender.objects.create(owner=_owner(), address="berita@contoh.example")


def _one_part_twice() -> None:
    message = _message()
    for _ in range(2):
        Part.objects.create(message=message, number="1.2", content_type="text/plain")


def _one_letter_twice() -> None:
    first = _message(same_as=1)
    common = {name: getattr(first, name) for name in ("folder", "thread", "blob")}
    _message(same_as=1, **common)


def _two_blobs_at_one_place() -> None:
    pack = _pack()
    for digest in ("0" * 64, "1" * 64):
        _blob(pack, digest)


ATTEMPTS: dict[str, Attempt] = {
    "one_blob_per_owner_and_digest": lambda: [_blob(_pack(), "0" * 64) for _ in range(2)],
    "one_blob_per_place": _two_blobs_at_one_place,
    "blob_digest_is_sha256": lambda: _blob(_pack(), "0" * 63),
    "one_folder_per_role": lambda: [_folder(role="inbox") for _ in range(2)],
    "folder_name_is_unique_in_its_parent": lambda: [_folder(name=n) for n in ("Work", "work")],
    "folder_role_known": lambda: _folder(role="attic"),
    "own_folder_has_a_name": lambda: _folder(name=""),
    "unread_is_part_of_total": lambda: _folder(role="inbox", total=1, unread=2),
    "folder_depth_is_that_of_its_place": lambda: _folder(name="Work", depth=1),
    "one_copy_per_letter_and_account": _one_letter_twice,
    "label_color_known": lambda: _label("Work", color="beige"),
    "unread_is_part_of_labelled": lambda: _label("Work", total=1, unread=2),
    "one_label_per_owner_and_name": lambda: [_label(name) for name in ("Bills", "bills")],
    "transfer_phase_known": lambda: _transfer(form="mbox", phase="asleep"),
    "export_has_a_form": _transfer,
    "one_running_transfer_per_owner": lambda: [
        _transfer(form="mbox", phase="running") for _ in range(2)
    ],
    "one_thread_per_owner_and_message_id": lambda: [_link() for _ in range(2)],
    "one_part_per_message_and_number": _one_part_twice,
    "one_saved_search_per_owner_and_name": lambda: [_saved(n) for n in ("Bills", "bills")],
    "saved_search_says_something": lambda: _saved("Bills", text=""),
    "one_image_sender_per_owner_and_address": lambda: [_image_sender() for _ in range(2)],
    "unsubscription_state_known": lambda: Unsubscription.objects.create(
        owner=_owner(), message=_message(), asked_at=NOW, state="asleep"
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", named_constraints("mailstore"))
def test_the_database_keeps_its_promise(name: str) -> None:
    make_account(make_user())
    refused("mailstore", name, ATTEMPTS)


@pytest.mark.django_db
def test_a_folder_name_may_return_below_another_parent() -> None:
    make_account(make_user())
    work = _folder(name="Work")
    assert _folder(name="Work", parent=work, depth=1).pk
