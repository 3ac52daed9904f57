"""What the page Send Mail As shows of each address: how it sends, and what is proved of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.addresses import domain_of, same_for_all_spellings
from accounts.alignment import WARNINGS
from accounts.alignment_checks import server_of
from accounts.cards import sending_trouble
from accounts.explain import Explanation, explain
from accounts.identities import identities_of, is_own, proved_uses, unproved
from accounts.models import ExternalAccount, Identity, Use, User, VerificationCode
from accounts.models.identity import MAX_CODE_ATTEMPTS
from accounts.policy import RELAY, policy_of
from accounts.troubles import Words
from accounts.verification import Proof, Standing, resend_wait, standing, tries_left

VERIFIED: tuple[str, Words] = ("ok", _("Verified"))
STATES: dict[Standing, tuple[str, Words]] = {
    Standing.NONE: ("warn", _("Not verified")),
    Standing.COMING: ("busy", _("Waiting for code")),
    Standing.WAITING: ("busy", _("Waiting for code")),
    Standing.OVER: ("danger", _("Code no longer valid")),
    Standing.LOST: ("danger", _("Mail with the code failed")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An address in one use: ``tone`` and ``word`` of its state, and whether a code is open."""

    signs: ClassVar = {"ok": "circle-check", "busy": "clock", "warn": "circle-alert"}

    use: Use
    address: str
    tone: str
    word: Words
    needs_code: bool
    has_code: bool = False

    @property
    def sign(self) -> str:
        """Name the icon that says the same as the word."""
        return self.signs.get(self.tone, "circle-x")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What recipients may make of mail from an address, and what helps."""

    trouble: str
    fix: str


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """One address to send as, with the Reply-To where there is one."""

    identity: Identity
    is_own: bool
    sender: Line
    reply_to: Line | None
    relay_refusal: Explanation | None = None

    @property
    def server(self) -> str:
        """Name the outgoing server of its account, if it has one."""
        server = getattr(self.identity.account, "outgoing", None)
        return str(server) if server else ""

    @property
    def trouble(self) -> Explanation | None:
        """Say what its outgoing server refused when it was tried last."""
        return sending_trouble(self.identity.account)

    @property
    def doubt(self) -> Doubt | None:
        """Say what recipients may make of mail that is sent in this way, unless it is fine."""
        identity = self.identity
        if identity.alignment_server != server_of(identity):
            return None
        words = WARNINGS.get(identity.alignment)
        facts = {"domain": domain_of(identity.address), "server": identity.alignment_server}
        return Doubt(*(str(one).format(**facts) for one in words)) if words else None

    @property
    def has_way(self) -> bool:
        """Tell whether there is a server to send through, its own or ours."""
        is_relayed = settings.EMAIL_URL and self.relay_refusal is None
        return bool(self.server or is_relayed)

    @property
    def can_be_default(self) -> bool:
        """Tell whether the button to make it the default is shown."""
        return not (self.identity.is_default or self.sender.needs_code)


def cards_of(owner: User, *, now: datetime) -> list[IdentityCard]:
    """Return a person's addresses, with a fixed number of questions to the database."""
    proved, codes, refusal = proved_uses(owner.pk), _last_codes(owner), relay_refusal(owner)
    cards = (_card(identity, proved, codes, now) for identity in identities_of(owner))
    return [replace(card, relay_refusal=refusal) for card in cards]


def relay_refusal(owner: User) -> Explanation | None:
    """Say which rule keeps a person from sending through this service's own server, if one does."""
    objection = policy_of(owner).against(RELAY)
    return explain(objection.code, objection.facts) if objection else None


def unproved_lines(owner: User, account: ExternalAccount, *, now: datetime) -> list[Line]:
    """Return the addresses of one account that a code is still to prove, each once."""
    cards = [card for card in cards_of(owner, now=now) if card.identity.account_id == account.pk]
    lines = [line for card in cards for line in (card.sender, card.reply_to) if line]
    return list({(line.use, line.address): line for line in lines if line.needs_code}.values())


Codes = dict[tuple[str, str], VerificationCode]


def _last_codes(owner: User) -> Codes:
    asked = VerificationCode.objects.filter(owner=owner).order_by("asked_at", "id")
    return {(code.address.lower(), code.use): code for code in asked}


def _card(
    identity: Identity, proved: set[tuple[str, str]], codes: Codes, now: datetime
) -> IdentityCard:
    missing = unproved(identity, proved)

    def line(use: Use, address: str) -> Line:
        if use not in missing:
            return Line(use, address, *VERIFIED, needs_code=False)
        state = standing(codes.get((same_for_all_spellings(address), use)), now=now)
        is_open = state in {Standing.COMING, Standing.WAITING}
        return Line(use, address, *STATES[state], needs_code=True, has_code=is_open)

    sender = line(Use.SEND_AS, identity.address)
    reply_to = line(Use.REPLY_TO, identity.reply_to) if identity.reply_to else None
    return IdentityCard(identity, is_own(identity), sender, reply_to)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the page for a code says: where it went, how it stands, and when a new one may go."""

    address: str
    use: Use
    state: Standing
    left: int
    wait: int

    @property
    def left_now(self) -> int:
        """Return the tries that are left; a code on its way has all of them."""
        return self.left if self.state is Standing.WAITING else MAX_CODE_ATTEMPTS

    @property
    def is_open(self) -> bool:
        """Tell whether there is a code to type."""
        return self.state in {Standing.COMING, Standing.WAITING}


def waiting_for(proof: Proof, code: VerificationCode | None, *, now: datetime) -> Waiting:
    """Put together what is said about the last code."""
    left = tries_left(code, now=now) if code else 0
    state = standing(code, now=now)
    return Waiting(proof.address, proof.use, state, left, resend_wait(proof, now=now))
