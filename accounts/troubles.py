"""Every kind of trouble by its code: whose side it is on, its words, and the one next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise
YOURS, PROVIDER, OURS = "yours", "provider", "ours"
AT_ONCE, HOUR, DAY = timedelta(0), timedelta(hours=1), timedelta(days=1)


class Step(StrEnum):
    """What a person does next about an account; each is a button."""

    SIGN_IN = "sign_in"
    AUTHENTICATE = "authenticate"
    SERVER = "server"
    PROVIDER = "provider"
    ROOM = "room"
    ACCOUNTS = "accounts"
    LOOK = "look"
    IDENTITIES = "identities"


STEPS: Final[dict[Step, Words]] = {
    Step.SIGN_IN: _("Update password"),
    Step.AUTHENTICATE: _("Authenticate"),
    Step.SERVER: _("Check settings"),
    Step.PROVIDER: _("Details for your provider"),
    Step.ROOM: _("See your storage"),
    Step.ACCOUNTS: _("See your mail accounts"),
    Step.LOOK: _("See details"),
    Step.IDENTITIES: _("Open Send Mail As"),
}


# These two are taken where an account's server and password are changed, and tested.
AT_CONNECTION: Final = {Step.SIGN_IN, Step.SERVER}
# What a person does to let a stopped account go on.
MENDING: Final = AT_CONNECTION | {Step.AUTHENTICATE}

# What helps with every kind of trouble at a server.
CHECKLIST: Final[tuple[Words, ...]] = (
    _("Is the server name the one that your provider gives?"),
    _("Are port and encryption the ones that belong together?"),
    _("Is the user name in the form that your provider wants, as the whole address or a part?"),
    _("Does the mail administrator, if there is one, allow fetching by POP or IMAP?"),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble; the names in braces are facts of the error.

    ``told_after`` is how long it may last at an account that is fetched before its owner is told
    by notice and mail: what mostly heals by itself gets a day, what only a person can mend an
    hour, what an administrator decided no time at all. None is for what never lasts there, or is
    told in another way.
    """

    side: str
    title: Words
    advice: Words
    step: Step
    told_after: timedelta | None = None
    hints: tuple[Words, ...] = ()


_ask_provider = _(
    "Ask your provider's help desk for the names and ports of its servers: "
    "POP3 or IMAP for incoming mail, SMTP for outgoing mail."
)
_ask_certificate = _(
    "Ask your provider to install a valid certificate from a recognised issuer; "
    "there is no way to continue without one."
)
_ask_administrator = _("Ask an administrator of this service to allow it.")
_check_name = _("Check that the server name is spelled as your provider gives it.")

TROUBLES: Final[dict[str, Trouble]] = {
    "conn.dns": Trouble(
        YOURS,
        _("We can't find a server named {host}."),
        _("Check the spelling of the server name."),
        Step.SERVER,
        DAY,
        (_ask_provider,),
    ),
    "conn.refused": Trouble(
        PROVIDER,
        _("{host} does not accept connections on port {port}."),
        _("Check the server name and the port, or try port {other_port}."),
        Step.SERVER,
        DAY,
        (_ask_provider,),
    ),
    "conn.timeout": Trouble(
        PROVIDER,
        _("{host} did not answer on port {port} in time."),
        _("Try again in a few minutes, or try port {other_port}."),
        Step.SERVER,
        DAY,
        (_check_name, _ask_provider),
    ),
    "conn.lost": Trouble(
        PROVIDER,
        _("{host} ended the connection before we were done."),
        _("Try again in a few minutes."),
        Step.LOOK,
        DAY,
        (_("If it happens each time, tell your provider."),),
    ),
    "conn.private": Trouble(
        YOURS,
        _("{host} can't be used here."),
        _("Its address belongs to a private network. Use your provider's public server name."),
        Step.SERVER,
        HOUR,
        (_("Whoever runs this service can allow a private network."),),
    ),
    "conn.port": Trouble(
        YOURS,
        _("For {protocol}, only ports {starttls} and {tls} are allowed here."),
        _("Use {tls} with SSL/TLS, or {starttls} with STARTTLS."),
        Step.SERVER,
        None,
        (_("If your provider uses another port, ask it for a standard one."),),
    ),
    "tls.selfsigned": Trouble(
        PROVIDER,
        _("{host} uses a certificate it signed itself, so we can't be sure it is your provider."),
        _ask_certificate,
        Step.PROVIDER,
        HOUR,
        (_check_name,),
    ),
    "tls.expired": Trouble(
        PROVIDER,
        _("The certificate of {host} expired on {date}."),
        _("Ask your provider to renew it."),
        Step.PROVIDER,
        HOUR,
    ),
    "tls.notyet": Trouble(
        PROVIDER,
        _("The certificate of {host} is not valid before {date}."),
        _("Ask your provider to mend it."),
        Step.PROVIDER,
        HOUR,
    ),
    "tls.name": Trouble(
        PROVIDER,
        _("The certificate of {host} belongs to {name}."),
        _("Use {name} as the server, if your provider confirms it."),
        Step.SERVER,
        HOUR,
        (_ask_certificate,),
    ),
    "tls.issuer": Trouble(
        PROVIDER,
        _("The certificate of {host} comes from an issuer that is not recognised."),
        _ask_certificate,
        Step.PROVIDER,
        HOUR,
    ),
    "tls.invalid": Trouble(
        PROVIDER,
        _("The certificate of {host} is not valid."),
        _ask_certificate,
        Step.PROVIDER,
        HOUR,
    ),
    "tls.missing": Trouble(
        PROVIDER,
        _("{host} offers no encryption on port {port}."),
        _("Choose SSL/TLS with port {other_port}."),
        Step.SERVER,
        HOUR,
        (_ask_provider,),
    ),
    "tls.required": Trouble(
        YOURS,
        _("{host} lets nobody sign in without encryption."),
        _("Choose SSL/TLS or STARTTLS."),
        Step.SERVER,
        HOUR,
    ),
    "tls.version": Trouble(
        PROVIDER,
        _("{host} only speaks an outdated kind of encryption."),
        _("Ask your provider to offer TLS 1.2 or later."),
        Step.PROVIDER,
        HOUR,
    ),
    "tls.failed": Trouble(
        PROVIDER,
        _("No encrypted connection to {host} could be agreed on."),
        _("Check that port and encryption belong together, or try port {other_port}."),
        Step.SERVER,
        DAY,
        (_ask_provider,),
    ),
    "auth.failed": Trouble(
        YOURS,
        _("{host} did not accept this user name and password."),
        _("Type both again. Some servers want the whole address as the user name, some a part."),
        Step.SIGN_IN,
        HOUR,
        (
            _("If you sign in there with a second step, make an app password and use that."),
            _("Some providers want POP or IMAP access switched on in their own settings first."),
        ),
    ),
    "auth.apppw": Trouble(
        YOURS,
        _("{host} needs an app password."),
        _("Make one in the security settings of your provider and type it here as password."),
        Step.SIGN_IN,
        HOUR,
        (
            _("Sign in at your provider and open its security settings."),
            _("Switch on two-step verification, then choose app passwords."),
            _("Make one for mail and copy it here without spaces."),
        ),
    ),
    "auth.oauth": Trouble(
        PROVIDER,
        _("{host} no longer accepts passwords."),
        _("Sign in at the provider itself: press Authenticate. No mail was lost."),
        Step.AUTHENTICATE,
        HOUR,
        (_("Some providers still take an app password instead."),),
    ),
    "auth.grant": Trouble(
        YOURS,
        _("{host} no longer lets us in with your last sign-in there."),
        _("Fetching has stopped; no mail was lost. Press Authenticate and sign in again."),
        Step.AUTHENTICATE,
        HOUR,
        (
            _("A new password there, or a consent that you took back, ends a sign-in."),
            _("Some providers end it after a time in any case."),
        ),
    ),
    "auth.lapses": Trouble(
        PROVIDER,
        _("Your sign-in at {provider} ends on {date}."),
        _("Press Authenticate and sign in again before then, and fetching goes on without a gap."),
        Step.AUTHENTICATE,
    ),
    "oauth.denied": Trouble(
        YOURS,
        _("You did not allow access at {provider}, or stopped before you had."),
        _("Nothing has changed here. Try again, and allow access to your mail."),
        Step.AUTHENTICATE,
        None,
        (_("In a company, the administrator may have to allow it first."),),
    ),
    "oauth.other": Trouble(
        YOURS,
        _("You signed in at {provider} as {name}, which is not the address of this account."),
        _("Try again, and choose the right account there."),
        Step.AUTHENTICATE,
        None,
        (_("Sign out there first if you are not asked who you are."),),
    ),
    "oauth.expired": Trouble(
        YOURS,
        _("This sign-in was begun too long ago, in another browser, or has been used already."),
        _("Begin again; it takes only a moment."),
        Step.AUTHENTICATE,
    ),
    "oauth.client": Trouble(
        OURS,
        _("{host} does not know this service, or does not allow it what it asks for."),
        _("Ask whoever runs this service to check how it is set up for this provider."),
        Step.LOOK,
        HOUR,
    ),
    "auth.mechanism": Trouble(
        PROVIDER,
        _("{host} does not offer the kind of sign-in that this account uses."),
        _("Check the server name, or sign in with an app password instead."),
        Step.SERVER,
        HOUR,
        (_ask_provider,),
    ),
    "auth.disabled": Trouble(
        YOURS,
        _("{protocol} access is switched off for this mailbox."),
        _("Switch it on in the settings of your provider, then try again."),
        Step.SERVER,
        HOUR,
        (_("In a company, the mail administrator may have to allow it."),),
    ),
    "auth.locked": Trouble(
        PROVIDER,
        _("{host} has locked this mailbox."),
        _("Sign in at your provider's own pages to open it again, then test it here."),
        Step.SERVER,
        HOUR,
        (_("Wrong passwords from another device may be the reason; this service tries only two."),),
    ),
    "auth.changed": Trouble(
        YOURS,
        _("{host} no longer accepts the password kept here."),
        _("Fetching has stopped; no mail was lost. Enter the new password."),
        Step.SIGN_IN,
        HOUR,
    ),
    "auth.sealed": Trouble(
        OURS,
        _("The password kept here can't be opened any more."),
        _("Please enter it once more; no mail was lost."),
        Step.SIGN_IN,
        HOUR,
    ),
    "smtp.auth": Trouble(
        YOURS,
        _("We can read your mail but can't send: {host} refused the sign-in."),
        _("Check the user name and password for sending, or prove your address by a code instead."),
        Step.SIGN_IN,
        None,
        (
            _("If you sign in there with a second step, make an app password and use that."),
            _("Some providers want sending by other programs switched on in their own settings."),
        ),
    ),
    "smtp.sender": Trouble(
        YOURS,
        _("{host} does not let this account send as {address}."),
        _("Send as the account's own address, or add this one at your provider first."),
        Step.SERVER,
    ),
    "server.busy": Trouble(
        PROVIDER,
        _("{host} is busy or lets nobody in for the moment."),
        _("We try again by ourselves; no mail is lost."),
        Step.LOOK,
        DAY,
    ),
    "server.inuse": Trouble(
        PROVIDER,
        _("Another mail program is reading this mailbox at {host}."),
        _("We try again by ourselves. If it lasts, let the other program check less often."),
        Step.LOOK,
        DAY,
    ),
    "server.limit": Trouble(
        PROVIDER,
        _("{host} has reached its limit for this mailbox."),
        _("We go on by ourselves as soon as it lets us; no mail is lost."),
        Step.LOOK,
        DAY,
        (_("Checking less often helps where the limit is one of sign-ins."),),
    ),
    "server.full": Trouble(
        YOURS,
        _("Your mailbox at {host} is full."),
        _("Delete mail there, or let it be deleted there once it is stored here."),
        Step.SERVER,
        HOUR,
    ),
    "server.protocol": Trouble(
        PROVIDER,
        _("{host} gave an answer that is no {protocol}."),
        _("Check that this is the right server and that the port belongs to it."),
        Step.SERVER,
        DAY,
        (_ask_provider,),
    ),
    "server.ours": Trouble(
        OURS,
        _("Something broke on our side. Nothing was lost."),
        _("Try again. If it happens each time, tell whoever runs this service."),
        Step.LOOK,
        DAY,
    ),
    "run.lost": Trouble(
        OURS,
        _("A visit was cut short on our side. Nothing was lost."),
        _("We try again by ourselves."),
        Step.LOOK,
        DAY,
    ),
    "message.vanished": Trouble(
        PROVIDER,
        _("A message was gone before we could fetch it."),
        _("Another mail program probably deleted it."),
        Step.LOOK,
    ),
    "message.refused": Trouble(
        PROVIDER,
        _("Your provider lists this message but does not hand it out."),
        _("Read it there."),
        Step.LOOK,
    ),
    "message.slow": Trouble(
        PROVIDER,
        _("{host} sends this message too slowly to be fetched."),
        _("Read it there. We try it again once a day."),
        Step.LOOK,
    ),
    "message.toolarge": Trouble(
        YOURS,
        _("A message is larger than allowed here, so it stays at your provider."),
        _("Read it there."),
        Step.LOOK,
    ),
    "message.unread": Trouble(
        OURS,
        _("A message could not be understood, so it is stored as it came."),
        _("Open it to see it in the original or to download it."),
        Step.LOOK,
    ),
    "quota.full": Trouble(
        YOURS,
        _("Your storage is full ({used} of {allowed})."),
        _("New mail waits at your provider. Delete mail here to make room."),
        Step.ROOM,
    ),
    "quota.tight": Trouble(
        YOURS,
        _("Your storage is nearly full ({used} of {allowed})."),
        _("Make room now: once it is full, new mail waits at your provider."),
        Step.ROOM,
    ),
    "quota.filling": Trouble(
        YOURS,
        _("Your storage is filling up ({used} of {allowed})."),
        _("Make room in time: once it is full, new mail waits at your provider."),
        Step.ROOM,
    ),
    "quota.room": Trouble(
        YOURS,
        _("There is room in your storage again ({used} of {allowed} used)."),
        _("The mail that waited at your provider is fetched now."),
        Step.LOOK,
    ),
    "limit.tests": Trouble(
        YOURS,
        _("That was the last of {limit} tests in one hour."),
        _("Wait a while, then try again."),
        Step.LOOK,
    ),
    "limit.lookups": Trouble(
        YOURS,
        _("That was the last of {limit} look-ups in one hour."),
        _("Wait a while, or enter the settings yourself."),
        Step.LOOK,
    ),
    "limit.host": Trouble(
        OURS,
        _("This server was tested very often in the last hour."),
        _("Wait a while, then try again."),
        Step.LOOK,
    ),
    "limit.protocol": Trouble(
        YOURS,
        _("Signing in at a provider is not possible for {host}."),
        _("Enter the server that belongs to the provider, or use a password."),
        Step.SERVER,
    ),
    "limit.deletion": Trouble(
        YOURS,
        _("Mail at an IMAP server is not deleted from here yet."),
        _("Choose to keep it there."),
        Step.SERVER,
    ),
    "limit.refused": Trouble(
        YOURS,
        _("Your provider has refused this sign-in twice, so it is not tried again by itself."),
        _("Enter the new password, or sign in again; that is tested too."),
        Step.SIGN_IN,
    ),
    "policy.outside": Trouble(
        OURS,
        _("Blocked by {by} {rule}: no mail accounts elsewhere."),
        _ask_administrator,
        Step.LOOK,
        AT_ONCE,
    ),
    "policy.pop3": Trouble(
        OURS,
        _("Blocked by {by} {rule}: no POP3."),
        _ask_administrator,
        Step.LOOK,
        AT_ONCE,
    ),
    "policy.imap": Trouble(
        OURS,
        _("Blocked by {by} {rule}: no IMAP."),
        _ask_administrator,
        Step.LOOK,
        AT_ONCE,
    ),
    "policy.plain": Trouble(
        OURS,
        _("Blocked by {by} {rule}: no unencrypted connections."),
        _("Choose SSL/TLS or STARTTLS, or ask an administrator to allow it."),
        Step.SERVER,
        AT_ONCE,
    ),
    "policy.delete": Trouble(
        OURS,
        _("Blocked by {by} {rule}: nothing may be deleted at the provider."),
        _("Leave mail at the provider, or ask an administrator to allow it."),
        Step.LOOK,
    ),
    "policy.host": Trouble(
        OURS,
        _("Blocked by {by} {rule}: {host} may not be used."),
        _("Use a server that is allowed, or ask an administrator to allow this one."),
        Step.SERVER,
        AT_ONCE,
    ),
    "policy.port": Trouble(
        OURS,
        _("Blocked by {by} {rule}: port {port} may not be used."),
        _("Choose another encryption, or ask an administrator to allow this port."),
        Step.SERVER,
        AT_ONCE,
    ),
    "policy.accounts": Trouble(
        OURS,
        _("Blocked by {by} {rule}: no more than {limit} mail accounts."),
        _("Remove one first, or ask an administrator to allow more."),
        Step.ACCOUNTS,
    ),
    "limit.daily": Trouble(
        PROVIDER,
        _("Paused until {until}, {provider}'s daily limit is reached."),
        _("It gives only so much mail a day. We go on by ourselves; nothing is lost."),
        Step.LOOK,
    ),
    "account.stopped": Trouble(
        OURS,
        _("Fetching was stopped by whoever runs this service."),
        _("Ask them for the reason. The mail that is here stays readable."),
        Step.SERVER,
    ),
    "account.exists": Trouble(
        YOURS,
        _("You have already added this address."),
        _("Open its card in your mail accounts to change it."),
        Step.ACCOUNTS,
    ),
    "identity.from": Trouble(
        YOURS,
        _("The address {address} is not verified yet."),
        _("Verify it under Send Mail As before you send with it."),
        Step.IDENTITIES,
    ),
    "identity.reply": Trouble(
        YOURS,
        _("The Reply-To of {address} is not verified yet."),
        _("Verify it under Send Mail As before you send with it."),
        Step.IDENTITIES,
    ),
    "identity.exists": Trouble(
        YOURS,
        _("This account has that address already."),
        _("Choose another address or another account."),
        Step.IDENTITIES,
    ),
    "limit.identities": Trouble(
        YOURS,
        _("You have {limit} addresses, which is as many as there may be."),
        _("Remove one that you do not need any more."),
        Step.IDENTITIES,
    ),
    "code.wrong": Trouble(
        YOURS,
        _("That code doesn't match."),
        _("Tries left: {left}."),
        Step.IDENTITIES,
    ),
    "code.over": Trouble(
        YOURS,
        _("The code is no longer valid."),
        _("It works for 10 minutes and for 5 tries. Send a new code."),
        Step.IDENTITIES,
    ),
    "limit.resend": Trouble(
        YOURS,
        _("A code was sent a moment ago."),
        _("You can send a new one in {seconds} seconds."),
        Step.IDENTITIES,
    ),
    "limit.codes": Trouble(
        YOURS,
        _("You have asked for as many codes as there may be for now."),
        _("An address gets 3 codes an hour and 5 a day at most. Try again later."),
        Step.IDENTITIES,
    ),
    "limit.tries": Trouble(
        YOURS,
        _("Too many codes were tried for this address."),
        _("Wait an hour, then send a new code."),
        Step.IDENTITIES,
    ),
}
