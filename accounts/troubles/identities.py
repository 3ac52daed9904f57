"""Trouble with addresses to send as and the codes that prove them."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.troubles.kinds import YOURS, Step, Trouble

IDENTITIES: Final[dict[str, Trouble]] = {
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
