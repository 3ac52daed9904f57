"""What a reader has arranged: folders in folders, labels, put-off and discarded mail, searches."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from accounts.models import ExternalAccount
from mailstore import actions, labels, snoozing
from mailstore.models import Folder, Message, Role
from mailstore.models.saved_search import SavedSearch
from tests.mailstore.rows import letter, make_message

LONG_NAME = "Perlu dibalas sebelum akhir pekan"
ENCRYPTED = (
    b"From: Rahma <rahma@contoh.example>\r\nSubject: Rahasia\r\nContent-Type: multipart/encrypted; "
    b'protocol="application/pgp-encrypted"; boundary=b\r\n\r\n'
    b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    b"--b\r\nContent-Type: application/octet-stream; name=rahasia.asc\r\n\r\nabc\r\n--b--\r\n"
)


def arrange(account: ExternalAccount, labelled: Message) -> dict[str, str]:
    """Make it all in one account, and return the addresses where it shows."""
    owner = account.owner
    outer = Folder.objects.create(owner=owner, account=account, name="Proyek sungai")
    within = {"owner": owner, "account": account, "parent": outer, "depth": 1}
    Folder.objects.create(**within, name="Rapat warga dan kerja bakti")
    for name, color in ((LONG_NAME, "violet"), ("Keluarga", "green")):
        label = labels.make(owner, name, color)
        labels.turn(owner.pk, [labelled.pk], off=0, on=label.pk)
    later, gone = (make_message(account, letter(name)) for name in ("Nanti", "Basi"))
    tomorrow = timezone.now() + timedelta(days=1)
    snoozing.snooze(owner, Message.objects.filter(pk=later.pk), tomorrow)
    actions.move(owner, Message.objects.filter(pk=gone.pk), Role.TRASH)
    SavedSearch.objects.create(owner=owner, name="Tagihan tahun ini", text="tagihan")
    encrypted = make_message(account, ENCRYPTED)
    return {
        "encrypted": reverse("mail_message", args=[account.public_id, encrypted.public_id]),
        "new folder": reverse("folder_add", args=[account.public_id]),
        "remove folder": reverse("folder_remove", args=[outer.public_id]),
        "labelled": reverse("mail_labelled", args=[label.public_id]),
        "change label": reverse("label_edit", args=[label.public_id]),
        "remove label": reverse("label_remove", args=[label.public_id]),
    }
