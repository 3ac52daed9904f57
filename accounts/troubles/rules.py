"""Trouble with what there is room for here and what administrators allow."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.troubles.kinds import AT_ONCE, OURS, YOURS, Step, Trouble

_wait = _("Wait a while, then try again.")
_ask_administrator = _("Ask an administrator of this service to allow it.")

RULES: Final[dict[str, Trouble]] = {
    "quota.full": Trouble(
        YOURS,
        _("Your storage is full ({used} of {allowed})."),
        _(
            "New mail waits at your provider. To make room, delete mail here and empty Trash, "
            "or ask whoever runs this service for more."
        ),
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
        _("The next one is possible in {minutes}."),
        Step.LOOK,
        bare_advice=_wait,
    ),
    "limit.lookups": Trouble(
        YOURS,
        _("That was the last of {limit} look-ups in one hour."),
        _("The next one is possible in {minutes}; or enter the settings yourself."),
        Step.LOOK,
        bare_advice=_("Wait a while, or enter the settings yourself."),
    ),
    "limit.host": Trouble(
        OURS,
        _("This server was tested very often in the last hour."),
        _("The next one is possible in {minutes}."),
        Step.LOOK,
        bare_advice=_wait,
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
    "policy.relay": Trouble(
        OURS,
        _("Blocked by {by} {rule}: this service's own server sends no mail of your accounts."),
        _("Enter your provider's server for sending, or ask an administrator to allow ours."),
        Step.SERVER,
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
    "account.prepared": Trouble(
        YOURS,
        _("It was prepared for you and waits for your password or your sign-in."),
        _("Finish adding it: the settings are tested, then fetching begins."),
        Step.FINISH,
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
}
