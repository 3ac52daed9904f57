"""Error codes as words for people: what happened, whose side it is on, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.template.defaultfilters import filesizeformat
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise

YOURS, PROVIDER, OURS = "yours", "provider", "ours"
UNKNOWN = "server.ours"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Words in the reader's language; ``side`` is "yours", "provider" or "ours"."""

    title: str
    advice: str
    side: str
    hints: tuple[str, ...] = ()

    @property
    def side_words(self) -> Words:
        """Say on whose side the trouble lies."""
        return SIDES[self.side]


SIDES: dict[str, Words] = {
    YOURS: _("Something to check on your side"),
    PROVIDER: _("On your mail provider's side"),
    OURS: _("On our side"),
}

_ask_provider = _("Ask your provider for the server name and port of incoming mail (POP3).")
_ask_certificate = _(
    "Ask your provider to install a valid certificate from a recognised issuer; "
    "there is no way to continue without one."
)
_check_name = _("Check that the server name is spelled as your provider gives it.")

# Code: side, title, advice, further hints. The names in braces are facts of the error.
WORDS: Final[dict[str, tuple[str, Words, Words, tuple[Words, ...]]]] = {
    "conn.dns": (
        YOURS,
        _("We can't find a server named {host}."),
        _("Check the spelling of the server name."),
        (_ask_provider,),
    ),
    "conn.refused": (
        PROVIDER,
        _("{host} did not answer on port {port}."),
        _("Check the server name and the port, or try port {other_port}."),
        (_ask_provider,),
    ),
    "conn.timeout": (
        PROVIDER,
        _("{host} did not answer on port {port} in time."),
        _("Try again in a few minutes, or try port {other_port}."),
        (_check_name, _ask_provider),
    ),
    "conn.lost": (
        PROVIDER,
        _("{host} ended the connection before we were done."),
        _("Try again in a few minutes."),
        (_("If it happens each time, tell your provider."),),
    ),
    "conn.private": (
        YOURS,
        _("{host} can't be used here."),
        _("Its address belongs to a private network. Use your provider's public server name."),
        (_("Whoever runs this service can allow a private network."),),
    ),
    "conn.port": (
        YOURS,
        _("Only ports 110 and 995 (POP3), 143 and 993 (IMAP) are allowed here."),
        _("Use 995 with SSL/TLS, or 110 with STARTTLS."),
        (_("If your provider uses another port, ask it for a standard one."),),
    ),
    "tls.selfsigned": (
        PROVIDER,
        _("{host} uses a certificate it signed itself, so we can't be sure it is your provider."),
        _ask_certificate,
        (_check_name,),
    ),
    "tls.expired": (
        PROVIDER,
        _("The certificate of {host} expired on {date}."),
        _("Ask your provider to renew it."),
        (),
    ),
    "tls.notyet": (
        PROVIDER,
        _("The certificate of {host} is not valid before {date}."),
        _("Ask your provider to mend it."),
        (),
    ),
    "tls.name": (
        PROVIDER,
        _("The certificate of {host} belongs to {name}."),
        _("Use {name} as the server, if your provider confirms it."),
        (_ask_certificate,),
    ),
    "tls.issuer": (
        PROVIDER,
        _("The certificate of {host} comes from an issuer that is not recognised."),
        _ask_certificate,
        (),
    ),
    "tls.invalid": (
        PROVIDER,
        _("The certificate of {host} is not valid."),
        _ask_certificate,
        (),
    ),
    "tls.missing": (
        PROVIDER,
        _("{host} offers no encryption on port {port}."),
        _("Choose SSL/TLS with port {other_port}."),
        (_ask_provider,),
    ),
    "tls.version": (
        PROVIDER,
        _("{host} only speaks an outdated kind of encryption."),
        _("Ask your provider to offer TLS 1.2 or later."),
        (),
    ),
    "tls.failed": (
        PROVIDER,
        _("No encrypted connection to {host} could be agreed on."),
        _("Check that port and encryption belong together: 995 with SSL/TLS, 110 with STARTTLS."),
        (_ask_provider,),
    ),
    "auth.failed": (
        YOURS,
        _("{host} did not accept this user name and password."),
        _("Type both again. Some servers want the whole address as the user name, some a part."),
        (
            _("If you sign in there with a second step, make an app password and use that."),
            _("Some providers want POP access switched on in their own settings first."),
        ),
    ),
    "auth.apppw": (
        YOURS,
        _("{host} needs an app password."),
        _("Make one in the security settings of your provider and type it here as password."),
        (
            _("Sign in at your provider and open its security settings."),
            _("Switch on two-step verification, then choose app passwords."),
            _("Make one for mail and copy it here without spaces."),
        ),
    ),
    "auth.oauth": (
        PROVIDER,
        _("{host} no longer accepts passwords."),
        _("Signing in at the provider itself is not available here yet."),
        (_("Ask your provider whether it offers app passwords."),),
    ),
    "auth.mechanism": (
        PROVIDER,
        _("{host} does not offer the kind of sign-in that this account uses."),
        _("Check the server name, or sign in with an app password instead."),
        (_ask_provider,),
    ),
    "auth.disabled": (
        YOURS,
        _("POP access is switched off for this mailbox."),
        _("Switch it on in the settings of your provider, then try again."),
        (_("In a company, the mail administrator may have to allow it."),),
    ),
    "auth.changed": (
        YOURS,
        _("{host} no longer accepts the password kept here."),
        _("Fetching has stopped; no mail was lost. Enter the new password."),
        (),
    ),
    "auth.sealed": (
        OURS,
        _("The password kept here can't be opened any more."),
        _("Please enter it once more; no mail was lost."),
        (),
    ),
    "smtp.auth": (
        YOURS,
        _("We can read mail but can't send: {host} refused the sign-in."),
        _("Check user name and password for sending."),
        (),
    ),
    "server.busy": (
        PROVIDER,
        _("{host} is busy or lets nobody in for the moment."),
        _("We try again by ourselves; another mail program may be reading this mailbox."),
        (),
    ),
    "server.protocol": (
        PROVIDER,
        _("{host} gave an answer that is no POP3."),
        _("Check that this is the server for incoming mail and that the port is right."),
        (_ask_provider,),
    ),
    "server.ours": (
        OURS,
        _("Something broke on our side. Nothing was lost."),
        _("Try again. If it happens each time, tell whoever runs this service."),
        (),
    ),
    "run.lost": (
        OURS,
        _("A visit was cut short on our side. Nothing was lost."),
        _("We try again by ourselves."),
        (),
    ),
    "message.vanished": (
        PROVIDER,
        _("A message was gone before we could fetch it."),
        _("Another mail program probably deleted it."),
        (),
    ),
    "message.toolarge": (
        YOURS,
        _("A message is larger than allowed here, so it stays at your provider."),
        _("Read it there."),
        (),
    ),
    "quota.full": (
        YOURS,
        _("Your storage is full ({used} of {allowed})."),
        _("New mail waits at your provider. Delete mail here to make room."),
        (),
    ),
    "limit.tests": (
        YOURS,
        _("That was the last of {limit} tests in one hour."),
        _("Wait a while, then try again."),
        (),
    ),
    "limit.host": (
        OURS,
        _("This server was tested very often in the last hour."),
        _("Wait a while, then try again."),
        (),
    ),
    "limit.accounts": (
        YOURS,
        _("You have {limit} mail accounts, which is as many as your plan allows."),
        _("Remove one first, or ask whoever runs this service."),
        (),
    ),
    "limit.plain": (
        YOURS,
        _("Connections without encryption are not allowed here."),
        _("Choose SSL/TLS or STARTTLS."),
        (),
    ),
    "limit.protocol": (
        YOURS,
        _("This account type is not allowed here."),
        _("Ask whoever runs this service to allow it."),
        (),
    ),
    "account.exists": (
        YOURS,
        _("You have already added this address."),
        _("Open its card in your mail accounts to change it."),
        (),
    ),
}


def explain(code: str, facts: Mapping[str, Any]) -> Explanation:
    """Put a code and its facts into words of the reader's language.

    A code without words counts as trouble on our side, so that no page ever stays silent.
    """
    side, title, advice, hints = WORDS.get(code) or WORDS[UNKNOWN]
    known = _Facts({name: _shown(name, value) for name, value in facts.items()})
    known.setdefault("other_port", OTHER_PORT.get(facts.get("port"), "995"))
    return Explanation(
        title=str(title).format_map(known),
        advice=str(advice).format_map(known),
        side=side,
        hints=tuple(str(hint).format_map(known) for hint in hints),
    )


OTHER_PORT: dict[Any, str] = {110: "995", 995: "110", 143: "993", 993: "143"}
MISSING: dict[str, Words] = {
    "host": _("The server"),
    "name": _("another name"),
    "date": _("an unknown day"),
}


class _Facts(dict[str, str]):
    """Facts that say something sensible where one is missing."""

    def __missing__(self, name: str) -> str:
        return str(MISSING.get(name, "?"))


def _shown(name: str, value: object) -> str:
    if name in {"used", "allowed"} and isinstance(value, int):
        return filesizeformat(value)
    if name == "date" and (moment := _moment(value)):
        return date_format(moment, "DATE_FORMAT")
    return str(value)


def _moment(value: object) -> Any:
    try:
        return parse_datetime(str(value))
    except ValueError:
        return None
