"""Trouble on the way to a server: names, ports, certificates."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.troubles.kinds import DAY, HOUR, PROVIDER, YOURS, Step, Trouble

_ask_provider = _(
    "Ask your provider's help desk for the names and ports of its servers: "
    "POP3 or IMAP for incoming mail, SMTP for outgoing mail."
)
_ask_certificate = _(
    "Ask your provider to install a valid certificate from a recognised issuer; "
    "there is no way to continue without one."
)
_check_name = _("Check that the server name is spelled as your provider gives it.")

CONNECTIONS: Final[dict[str, Trouble]] = {
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
        _("Use {usable} as the server, if your provider confirms it."),
        Step.SERVER,
        HOUR,
        (_ask_certificate,),
        bare_title=_("The certificate of {host} names no mail server."),
        bare_advice=_("Check the server name, or ask your provider to mend its certificate."),
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
}
