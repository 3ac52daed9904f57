"""Trouble of servers and messages while mail is fetched."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.troubles.kinds import AGAIN, DAY, HOUR, OURS, PROVIDER, YOURS, Step, Trouble

_ask_provider = _(
    "Ask your provider's help desk for the names and ports of its servers: "
    "POP3 or IMAP for incoming mail, SMTP for outgoing mail."
)

FETCHING: Final[dict[str, Trouble]] = {
    "server.busy": Trouble(
        PROVIDER,
        _("{host} is busy or lets nobody in for the moment."),
        _("We try again by ourselves; no mail is lost."),
        Step.LOOK,
        DAY,
        once=AGAIN,
    ),
    "server.inuse": Trouble(
        PROVIDER,
        _("Another mail program is reading this mailbox at {host}."),
        _("We try again by ourselves. If it lasts, let the other program check less often."),
        Step.LOOK,
        DAY,
        once=_("Try again in a few minutes, or close the other program first."),
    ),
    "server.limit": Trouble(
        PROVIDER,
        _("{host} has reached its limit for this mailbox."),
        _("We go on by ourselves as soon as it lets us; no mail is lost."),
        Step.LOOK,
        DAY,
        (_("Checking less often helps where the limit is one of sign-ins."),),
        once=_("Try again later: in a few minutes, or tomorrow where the limit is one of a day."),
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
        _("Read it there."),
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
    "limit.daily": Trouble(
        PROVIDER,
        _("Paused until {until}, {provider}'s daily limit is reached."),
        _("It gives only so much mail a day. We go on by ourselves; nothing is lost."),
        Step.LOOK,
    ),
}
