"""Rows that bring every page into each of its states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.urls import reverse
from django.utils import timezone

from accounts import notices, roster, setups
from accounts.findings import Finding, Source
from accounts.models import Batch, ExternalAccount, Probe, Quota, Setup, State, User
from accounts.models.probe import ProbeKind, ProbeState, Step
from accounts.models.setup import LookUp
from accounts.providers import Server
from fetcher.models import DayCount, FetchRun, RemoteFolder, RemoteUid, SetAside
from mailstore.models import Message
from mailstore.queries import list_messages
from mailstore.transfers.models import Phase, Transfer
from mailstore.transfers.words import WORDS
from tests.builders import make_account
from tests.journeys.arranged import arrange
from tests.journeys.people import make_person, session_of
from tests.mailstore.rows import letter, make_message
from wire.endpoint import Protocol, Security

# More than a page of the list holds.
MANY = 52
STRANGER, NEWCOMER, READER, GUARDED, KEYED = "", "newcomer", "reader", "guarded", "keyed"
HTML = (
    '<h1>Kabar sungai</h1><p>Air sudah <b>surut</b>.</p><img src="https://gambar.example/a.png">'
    '<table width="900"><tr><td>Lebar sekali</td></tr></table>'
)
INVITATION = (
    b"From: Ketua RT <rt@contoh.example>\r\nSubject: Kerja bakti\r\n"
    b"Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
)
EVENT = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
SUMMARY:Kerja bakti di tepi sungai
DTSTART;TZID=Asia/Jakarta:20261206T070000
DTEND;TZID=Asia/Jakarta:20261206T110000
LOCATION:Balai RW
ORGANIZER;CN=Ketua RT:mailto:rt@contoh.example
ATTENDEE;PARTSTAT=ACCEPTED:mailto:budi@contoh.example
RRULE:FREQ=MONTHLY
DESCRIPTION:Bawa sapu.
END:VEVENT
END:VCALENDAR
"""
BOUNCE = (
    b"From: Kurir <mailer-daemon@contoh.example>\r\nSubject: Kembali\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\n\r\nMaaf.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Final-Recipient: rfc822; made@contoh.example\r\nAction: failed\r\nStatus: 5.2.2\r\n"
    b"Diagnostic-Code: smtp; 552 penuh\r\n--b--\r\n"
)
# What the server of the account wrote about the sender, above its line of arrival.
REFUSED = (
    b"Authentication-Results: mx.example.org; dmarc=fail header.from=example.org\r\n"
    b"Received: from x (x [192.0.2.1]) by mx.example.org with ESMTP; now\r\n"
)


@dataclass(frozen=True, slots=True)
class World:
    """The rows that the pages show: sessions by kind of person, and addresses of what they own."""

    sessions: dict[str, str]
    paths: dict[str, str]


def make_world() -> World:
    """Make one person of each kind, signed in, and what they have."""
    people = {
        NEWCOMER: make_person("baru.datang@contoh.example"),
        READER: make_person("pembaca@contoh.example"),
        GUARDED: make_person("terjaga@contoh.example"),
        KEYED: make_person("berkunci@contoh.example"),
    }
    sessions = {kind: session_of(person) for kind, person in people.items()}
    TOTP.activate(people[GUARDED], generate_totp_secret())
    RecoveryCodes.activate(people[GUARDED])
    key = {"name": "Ponsel", "credential": {}}
    Authenticator.objects.create(user=people[KEYED], type="webauthn", data=key)
    full = {"last_code": "quota.full", "last_facts": {"waiting": 1204, "needs": 60_000}}
    make_account(people[GUARDED], name="Rumah", last_checked_at=timezone.now(), **full)
    limits = {"used_bytes": 966_000_000, "allowed_bytes": 966_010_000}
    Quota.objects.filter(owner=people[GUARDED]).update(**limits)
    accounts = _accounts(people[READER])
    _journal(accounts[0])
    _transfers(people[READER])
    roster.add_kept(people[READER], "lama@contoh.example", "Impor lama")
    notices.review(timezone.now())
    notices.review_storage(timezone.now())
    paths = _mail_paths(accounts[0]) | _settings_paths(*accounts[:2])
    _at_the_provider(accounts[0])
    return World(sessions, paths)


def _accounts(owner: Any) -> list[ExternalAccount]:
    now = timezone.now()
    later, soon = now + timedelta(minutes=5), now + timedelta(hours=1)
    shut = {"next_fetch_at": None, "last_checked_at": now}
    refused = {"last_code": "auth.failed", "last_facts": {"host": "pop.example.org"}}
    kinds: dict[str, dict[str, Any]] = {
        "Rumah": {"next_fetch_at": later, "last_checked_at": now, "color": "teal"},
        "Kantor": {"dispatched_until": soon, **_progress(1240, 18402)}
        | {"progress_rate": 1_200_000, "progress_ends_at": now + timedelta(hours=2)},
        "Kampus": {"state": State.NEEDS_SIGN_IN, "color": "amber", **shut, **refused},
        "Arsip": {"state": State.PAUSED, "color": "slate", **shut, **_progress(300, 900)},
        "Toko": {"next_fetch_at": later, "last_code": "conn.timeout", "color": "red"},
    }
    return [
        make_account(owner, name=name, address=f"{name.lower()}@contoh.example", **fields)
        for name, fields in kinds.items()
    ]


def _transfers(owner: User) -> None:
    """Make an export and an import in each state."""
    common = {"owner": owner, "total": 1204, "size": 9_200_000}
    states: list[dict[str, Any]] = [
        {"phase": Phase.RUNNING, "done": 300},
        {"phase": Phase.DONE, "done": 1200, "left": 4},
        {"phase": Phase.WAITING, "total": 0},
    ]
    for state in states:
        Transfer.objects.create(form="mbox", name="muara-pembaca.zip", **(common | state))
    taken = {"is_import": True, "name": "arsip.tar.gz", **common}
    Transfer.objects.create(phase=Phase.DONE, added=1200, known=3, left=1, **taken)
    for code in WORDS:
        Transfer.objects.create(phase=Phase.FAILED, code=code, **taken)


def _progress(done: int, total: int) -> dict[str, Any]:
    sizes = {"progress_octets": done * 120_000, "progress_octets_total": total * 120_000}
    return {"progress_done": done, "progress_total": total, **sizes}


def _mail_paths(account: ExternalAccount) -> dict[str, str]:
    html = letter("Kabar sungai dengan gambar", "Air sudah surut.")
    html.add_alternative(HTML, subtype="html")
    file = letter("Laporan sungai", "Terlampir.", Cc="Budi <budi@contoh.example>")
    file.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="peta sungai.png")
    news = letter("Warta sungai", "Air surut.", List_Unsubscribe="<https://warta.example/keluar>")
    event = letter("Kerja bakti", "Mari datang.")
    event.add_attachment(EVENT, subtype="calendar", filename="acara.ics")
    reply = "Di http://xn--80ak6aa92e.com\n\nPada Rab, 4 Nov 2026 Budi menulis:\n> Di mana?\n"
    mails: dict[str, EmailMessage | bytes] = {
        "list": news,
        "event": event,
        "bounce": BOUNCE,
        "forged": REFUSED + letter("Hadiah", "Klik segera.").as_bytes(),
        "text": letter("Air sungai naik", "Tolong kabari > semua.\n\n> Baik.\nhttps://a.example"),
        "html": html,
        "attachment": file,
        "damaged": letter("Rusak", "Tidak terbaca lagi."),
        "calendar": INVITATION,
    }
    now = timezone.now()
    for number in range(MANY):
        sent = now - timedelta(days=1, minutes=number)
        make_message(account, letter("Catatan harian"), seen=number % 3 == 0, sent_at=sent)
    made = {name: make_message(account, mail) for name, mail in mails.items()}
    made["conversation"] = make_message(
        account, letter("Re: Air sungai naik", reply), thread=made["text"].thread
    )
    _damage(made["damaged"])
    Message.objects.filter(pk=made["text"].pk).update(flagged=True, answered=True)
    within = {"folder": "inbox", "junk": "junk"}
    folders = {
        name: reverse("mail_folder", args=[account.public_id, x]) for name, x in within.items()
    }
    paths = {
        name: reverse("mail_message", args=[account.public_id, one.public_id])
        for name, one in made.items()
    }
    paths |= arrange(account, made["text"])
    return paths | folders | {"older": _older(account)}


def _damage(message: Message) -> None:
    message.blob.sha256 = "0" * 64
    message.blob.save()


def _older(account: ExternalAccount) -> str:
    key = list_messages(account.owner, view="inbox").next_key
    return f"{reverse('mail_all', args=['inbox'])}?before={key}"


def _journal(account: ExternalAccount) -> None:
    """Write down visits of every kind, on more than one page."""
    now = timezone.now()
    failed = {"host": "pop.example.org", "port": 995, "detail": "-ERR coba lagi nanti"}
    kinds: list[dict[str, Any]] = [
        {"messages": 3, "octets": 31_000, "planned": 3},
        {"code": "conn.timeout", "facts": failed},
        {"messages": 150, "octets": 9_100_000, "planned": 400, "deleted": 12},
        {"messages": 1, "octets": 900, "facts": {"too_large": 1, "skipped": 2, "later": 800}},
    ]
    for days in range(40):
        day = timezone.localdate() - timedelta(days=days)
        counts = {"visits": 288, "idle": 288 - days % 4, "timely": 286, "missed": days % 3}
        DayCount.objects.create(account=account, day=day, **counts)
    for number in range(MANY):
        began = now - timedelta(hours=7 * number)
        times = {
            "opened_at": began,
            "lease_until": began,
            "closed_at": began + timedelta(minutes=1),
        }
        FetchRun.objects.create(account=account, **times, **kinds[number % len(kinds)])


def _at_the_provider(account: ExternalAccount) -> None:
    """Let mail be there still, and some that cannot be had."""
    now = timezone.now()
    inbox = RemoteFolder.objects.create(account=account, name="INBOX")
    here = {"account": account, "remote_folder": inbox}
    RemoteUid.objects.bulk_create(
        RemoteUid(**here, uid=f"{one.pk:016x}", message=one, stored_at=one.received_at)
        for one in Message.objects.filter(account=account)
    )
    for tries, code in ((1, "message.toolarge"), (3, "conn.lost"), (5, "message.vanished")):
        times = {"first_at": now, "last_at": now}
        SetAside.objects.create(
            **here,
            **times,
            uid=f"{tries:016x}",
            code=code,
            size=60_000_000,
            tries=tries,
            said="tidak bisa dibuka",
            number=tries,
        )


def _settings_paths(account: ExternalAccount, other: ExternalAccount) -> dict[str, str]:
    names = {
        "added": "account_added",
        "outgoing": "account_outgoing",
        "account": "account_settings",
        "connection": "account_connection",
    }
    names |= {"remove": "account_remove", "journal": "journal", "fetching": "account_fetching"}
    names |= {"storage": "account_storage", "doctor": "account_doctor"}
    names |= {"deletion": "account_deletion"}
    own = {name: reverse(view, args=[account.public_id]) for name, view in names.items()}
    own["outgoing, adding"] = f"{own['outgoing']}?adding"
    own["deletion planned"] = f"{own['deletion']}?when=later&days=14"
    own["no journal"] = reverse("journal", args=[other.public_id])
    probes: dict[str, dict[str, Any]] = {
        "waiting": {},
        "running": {"state": ProbeState.RUNNING, "step": Step.TLS},
        "failed": {
            "state": ProbeState.FAILED,
            "step": Step.SIGN_IN,
            "code": "auth.failed",
            "facts": {"host": "pop.example.org", "port": 995},
            "detail": "-ERR [AUTH] salah",
        },
        "passed": {
            "state": ProbeState.PASSED,
            "account": account,
            "facts": {"messages": 18402, "octets": 2 * 1024**3},
        },
    }
    broken = {"state": ProbeState.FAILED, "step": Step.TLS, "code": "tls.expired"}
    certificate = {
        "subject": "pop.example.org",
        "issuer": "Penerbit Contoh",
        "names": ["pop.example.org"],
        "not_before": "2024-01-01T00:00:00+00:00",
        "not_after": "2025-01-01T00:00:00+00:00",
        "fingerprint": "0123456789abcdef" * 4,
    }
    shown = {"chain": [certificate], "timings": {"resolve": 12, "connect": 34, "tls": 56}}
    dated = {"host": "pop.example.org", "port": 995, "date": certificate["not_after"]}
    probes["certificate"] = broken | shown | {"facts": dated}
    own |= {name: _probe(owner=account.owner, **fields) for name, fields in probes.items()}
    _probe(owner=account.owner, account=account, kind=ProbeKind.DOCTOR, **probes["certificate"])
    batch = Batch.objects.create(owner=account.owner, created_at=timezone.now())
    batch.refused = [{"row": 3, "address": "dapur@contoh.example", "problems": [["Port", "1234"]]}]
    batch.save()
    for row, name in enumerate(("passed", "failed"), start=1):
        _probe(owner=account.owner, batch=batch, row=row, **probes[name])
    own["verdicts"] = reverse("import_verdicts", args=[batch.public_id])
    return own | _setup_paths(account.owner)


def _setup_paths(owner: User) -> dict[str, str]:
    """Begin accounts of every kind: known, looked up, nothing found, and being looked up."""
    now, unknown = timezone.now(), "warung@contoh.example"
    known = setups.begin(owner, "warung@gmail.com", now=now)
    by_hand = setups.begin(owner, unknown, now=now, by_hand=True)
    searched, empty, searching = (setups.begin(owner, unknown, now=now) for _ in range(3))
    told = Server(Protocol.POP3, "mail.contoh.example", Security.TLS, unknown)
    searched.found = [
        Finding(source, "autoconfig.contoh.example", (told,)).as_json()
        for source in (Source.AUTOCONFIG, Source.GUESS)
    ]
    for setup in (searched, empty):
        setup.state = LookUp.DONE
        setup.save()
    # A search that no worker takes up ends only by patience.
    Setup.objects.filter(pk=searching.pk).update(created_at=now + timedelta(hours=1))
    for setup, provider in ((known, "google"), (searched, "found"), (by_hand, "other")):
        setups.remember(setup, {"protocol": "pop3", "provider": provider})
    types = {"type": known, "type, found": searched, "type, nothing": empty, "searching": searching}
    forms = {"incoming": known, "incoming, found": searched, "incoming by hand": by_hand}
    return {
        name: reverse(page, args=[setup.public_id])
        for page, those in (("account_add_type", types), ("account_add_incoming", forms))
        for name, setup in those.items()
    }


def _probe(**fields: Any) -> str:
    probe = Probe.objects.create(
        address="warung@contoh.example",
        name="Warung",
        protocol="pop3",
        host="pop.example.org",
        port=995,
        security="tls",
        username="warung",
        expires_at=timezone.now() + timedelta(minutes=15),
        **fields,
    )
    return reverse("probe", args=[probe.public_id])
