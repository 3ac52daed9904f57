"""What well-known providers ask of people before another program may fetch, in words with links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import providers
from accounts.models import Probe
from accounts.providers import Provider

Words = str | Promise
Link = tuple[Words, str]


@dataclass(frozen=True, slots=True)
class Help:
    """What to do at the provider, in order, and the pages there that help."""

    steps: tuple[Words, ...]
    links: tuple[Link, ...] = ()


_APP_PASSWORDS = _("Make an app password")
_MORE = _("The provider's own help")
_SWITCH_ON = _("How to switch it on")

_ZOHO = Help(
    (
        _("Switch POP or IMAP on in Zoho Mail: Settings, Mail Accounts. Free plans may lack it."),
        _("With two-factor authentication on, make an app password under Security and use that."),
    ),
    ((_SWITCH_ON, "https://www.zoho.com/mail/help/pop-access.html"),),
)
_SMARTERMAIL = Help(
    (
        _("The user name is the whole address."),
        _(
            "With two-step authentication on, the usual password does not work here: in "
            "SmarterMail open Settings, Account, and copy the app password from the section on "
            "two-step authentication."
        ),
        _("Your own password and the second step stay as they are. Keep the app password secret."),
    )
)
_GMX = (
    _("Switch on POP3 and IMAP once in the settings of your mailbox."),
    _("With two-factor authentication on, make an app password and use that."),
)
_NETEASE = Help(
    (_("Switch IMAP on in the mailbox's settings; the code it gives you there is the password."),)
)

HELP: Final[dict[str, Help]] = {
    "google": Help(
        (
            _("Google takes no usual password here, only an app password."),
            _("Switch on 2-Step Verification in your Google Account, if it is off."),
            _("Make an app password for mail. It has 16 letters; spaces don't matter."),
            _("Paste it below as the password."),
        ),
        (
            (_APP_PASSWORDS, "https://myaccount.google.com/apppasswords"),
            (_MORE, "https://support.google.com/accounts/answer/185833"),
        ),
    ),
    "outlook": Help(
        (
            _("Microsoft takes no passwords from other programs: you sign in at its own pages."),
            _("POP is off at first: at Outlook.com open Settings, Mail, Forwarding and IMAP."),
        ),
        (
            (
                _MORE,
                "https://support.microsoft.com/office/"
                "pop-imap-and-smtp-settings-for-outlook-com-d088b986-291d-42b8-9564-9c414e2aa040",
            ),
        ),
    ),
    "microsoft365": Help(
        (
            _("Microsoft takes no passwords from other programs: you sign in at its own pages."),
            _("Your organisation may have POP switched off, or may have to agree to this service."),
        )
    ),
    **dict.fromkeys(
        (
            f"zoho{own}{end}"
            for own in ("", "-own")
            for end in ("", "-eu", "-in", "-au", "-jp", "-ca")
        ),
        _ZOHO,
    ),
    "yahoo": Help(
        (
            _("Yahoo takes no usual password here, only an app password."),
            _("Make one under Account security and paste it below as the password."),
        ),
        ((_APP_PASSWORDS, "https://login.yahoo.com/account/security"),),
    ),
    "aol": Help(
        (
            _("AOL takes no usual password here, only an app password."),
            _("Make one under Account security and paste it below as the password."),
        ),
        ((_APP_PASSWORDS, "https://login.aol.com/account/security"),),
    ),
    "icloud": Help(
        (
            _("iCloud offers IMAP only, and takes app-specific passwords only."),
            _("Two-factor authentication must be on for your Apple Account."),
            _("Make a password under Sign-In and Security; it looks like xxxx-xxxx-xxxx-xxxx."),
            _("The user name for incoming mail is the part before the @."),
        ),
        (
            (_APP_PASSWORDS, "https://account.apple.com"),
            (_MORE, "https://support.apple.com/102654"),
        ),
    ),
    "gmx.com": Help(_GMX, ((_SWITCH_ON, "https://support.gmx.com/pop-imap/toggle.html"),)),
    "gmx.net": Help(_GMX, ((_SWITCH_ON, "https://hilfe.gmx.net/pop-imap/einschalten.html"),)),
    "webde": Help(
        (*_GMX, _("The user name is the part before the @.")),
        ((_SWITCH_ON, "https://hilfe.web.de/pop-imap/einschalten.html"),),
    ),
    "fastmail": Help(
        (_("Fastmail always wants an app password: Settings, Privacy & Security."),),
        ((_MORE, "https://www.fastmail.help/hc/en-us/articles/360058752854"),),
    ),
    "smartermail": _SMARTERMAIL,
    "nathanael": _SMARTERMAIL,
    "cpanel": Help(
        (
            _("The user name is the whole address."),
            _(
                "If the certificate belongs to another name, type your host's own server name, "
                "which cPanel shows under Email Accounts, Connect Devices."
            ),
        )
    ),
    "yandex": Help(
        (
            _("Switch the protocol on in Yandex Mail: All settings, Email clients."),
            _("Make an app password for mail and use that."),
            _("With POP, Yandex keeps its copies whatever is deleted."),
        ),
        ((_MORE, "https://yandex.com/support/mail/mail-clients/others.html"),),
    ),
    "mailru": Help(
        (_("Mail.ru wants a password for external apps: make one in its security settings."),),
        ((_MORE, "https://help.mail.ru/mail/security/protection/external"),),
    ),
    "t-online": Help(
        (_("T-Online has a separate password for mail programs; that of the web pages fails."),)
    ),
    "qq": _NETEASE,
    "163": _NETEASE,
    "126": _NETEASE,
    "yeah": _NETEASE,
    "titan": Help((_("Allow third-party apps in Titan's settings first."),)),
}


def linked() -> list[tuple[str, Link]]:
    """Return the providers with a page that tells how to prepare, by name, each with its link."""
    named = ((providers.by_key(key), said) for key, said in HELP.items())
    first = {known.name: said.links[0] for known, said in named if known and said.links}
    return sorted(first.items())


@dataclass(frozen=True, slots=True)
class Asked:
    """What one provider asks for."""

    provider: Provider
    help: Help


def asked_by(key: str) -> Asked | None:
    """Return what a provider asks for, or None where nothing is known."""
    known, said = providers.by_key(key), HELP.get(key)
    return Asked(known, said) if known and said else None


def after(probe: Probe) -> Asked | None:
    """Return what the chosen provider asks for where a test could not sign in."""
    if not probe.code.startswith("auth.") or probe.setup is None:
        return None
    return asked_by(probe.setup.typed.get("provider", ""))
