"""What is said of any trouble: whose side it is on, its words, and the one next step."""

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

    FINISH = "finish"
    SIGN_IN = "sign_in"
    AUTHENTICATE = "authenticate"
    SERVER = "server"
    PROVIDER = "provider"
    ROOM = "room"
    ACCOUNTS = "accounts"
    LOOK = "look"
    IDENTITIES = "identities"


STEPS: Final[dict[Step, Words]] = {
    Step.FINISH: _("Finish adding"),
    Step.SIGN_IN: _("Update password"),
    Step.AUTHENTICATE: _("Authenticate"),
    Step.SERVER: _("Check settings"),
    Step.PROVIDER: _("Details for your provider"),
    Step.ROOM: _("See your storage"),
    Step.ACCOUNTS: _("See your mail accounts"),
    Step.LOOK: _("See details"),
    Step.IDENTITIES: _("Open Send Mail As"),
}


# These are taken where an account's server and password are changed, and tested.
AT_CONNECTION: Final = {Step.FINISH, Step.SIGN_IN, Step.SERVER}
# What a person does to let a stopped account go on.
MENDING: Final = AT_CONNECTION | {Step.AUTHENTICATE}

# What helps with every kind of trouble at a server.
CHECKLIST: Final[tuple[Words, ...]] = (
    _("Is the server name the one that your provider gives?"),
    _("Are port and encryption the ones that belong together?"),
    _("Is the user name in the form that your provider wants, as the whole address or a part?"),
    _("Does the mail administrator, if there is one, allow fetching by POP or IMAP?"),
)


AGAIN: Final[Words] = _("Try again in a few minutes.")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble; the names in braces are facts of the error.

    ``told_after`` is how long it may last at an account that is fetched before its owner is told
    by notice and mail: what mostly heals by itself gets a day, what only a person can mend an
    hour, what an administrator decided no time at all. None is for what never lasts there, or is
    told in another way. ``once`` is the advice where nothing is tried again by itself, and no mail
    could be lost: at a test, and on the way to a provider and back. The ``bare`` ones stand where a
    fact is missing that the title or the advice names.
    """

    side: str
    title: Words
    advice: Words
    step: Step
    told_after: timedelta | None = None
    hints: tuple[Words, ...] = ()
    once: Words = ""
    bare_title: Words = ""
    bare_advice: Words = ""
