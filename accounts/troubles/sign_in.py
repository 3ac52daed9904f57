"""Trouble with passwords, grants and providers that let nobody in."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.troubles.kinds import HOUR, OURS, PROVIDER, YOURS, Step, Trouble

_ask_provider = _(
    "Ask your provider's help desk for the names and ports of its servers: "
    "POP3 or IMAP for incoming mail, SMTP for outgoing mail."
)

SIGN_IN: Final[dict[str, Trouble]] = {
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
        once=_(
            "Sign in at the provider itself where that is offered: choose “Change settings”, then "
            "Authenticate."
        ),
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
        once=_("Begin again: press Authenticate and sign in there once more."),
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
        once=_("Please enter it once more."),
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
}
