"""What each family of trouble means, in more words than fit on a card: for the help pages."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.troubles import AT_ONCE, DAY, HOUR, Trouble, Words

# By the first part of the code.
MEANINGS: Final[dict[str, Words]] = {
    "conn": _(
        "A mail server has to be found by its name, to answer on its port and to stay on the line "
        "until all is said. This time it did not."
    ),
    "tls": _(
        "A certificate proves that a server is the one it claims to be, and encryption protects "
        "your password and your mail on the way. Where you chose encryption, no password is sent "
        "without both."
    ),
    "auth": _(
        "The server was found and answers, but it does not open the mailbox for this service. A "
        "password that is refused is tried twice and no more, so that your provider does not lock "
        "you out."
    ),
    "oauth": _(
        "You sign in at the provider itself, and this service gets a key for your mail alone, "
        "never your password. That key is missing, has lapsed or was taken back."
    ),
    "smtp": _("Mail can still be read. This is about the server that sends mail for you."),
    "server": _(
        "The server was reached, but it did not do what it was asked. Mostly this passes without "
        "anybody doing anything."
    ),
    "message": _(
        "This is about single messages. All others are fetched as usual, and nothing is deleted at "
        "your provider."
    ),
    "quota": _(
        "All your accounts share one storage. When it is full, fetching pauses before a message is "
        "stored, and new mail waits at your provider."
    ),
    "limit": _("A limit keeps this service, or your provider, from being used too much at once."),
    "policy": _(
        "Administrators of this service decide what may be done with mail accounts elsewhere. The "
        "message names the rule, so that you can tell them which one is in the way."
    ),
    "identity": _("This is about the addresses that you send as."),
    "code": _("A code proves that you can read what is sent to an address."),
    "account": _("This is about the mail accounts that you have here."),
    "run": _(
        "The program that fetches was stopped during a visit. It begins again where it ended, and "
        "what was stored stays stored."
    ),
}


def meaning_of(code: str) -> Words:
    """Say what the family of a code is about, or nothing where it goes without saying."""
    return MEANINGS.get(code.partition(".")[0], "")


def telling_of(trouble: Trouble) -> Words:
    """Say when a person is told of a trouble that lasts, or nothing where it never does."""
    if trouble.told_after is None:
        return ""
    return TELLINGS[trouble.told_after]


TELLINGS: Final = {
    AT_ONCE: _("You are told at once, here and by mail."),
    HOUR: _("It is tried again now and then. If it lasts an hour, you are told here and by mail."),
    DAY: _("It mostly heals by itself. If it lasts a day, you are told here and by mail."),
}
