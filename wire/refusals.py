"""What a server's refusal means, from its words and codes, in whichever protocol; pure.

Half of the servers give no response code at all, and some put another reason behind theirs, so
the words of large providers are known here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wire.errors import (
    AccessDisabled,
    AuthenticationFailed,
    LimitReached,
    MailError,
    MessageRefused,
    MessageVanished,
    ServerBusy,
    TlsUnavailable,
)

# Google, Mail.ru, NetEase, Yahoo and Fastmail.
APP_PASSWORD = re.compile(
    r"app(lication)?[- ]?(specific)?[- ]password|parol prilozheniya|authori[sz]ation code|授权码",
    re.IGNORECASE,
)
# Microsoft and Google.
NO_PASSWORDS = re.compile(
    r"basic\s?auth\w* (is |has been )?(disabled|blocked)|BasicAuthBlocked"
    r"|(use|requires?) (oauth|modern auth)",
    re.IGNORECASE,
)
# Google, GMX, Zoho and, for sending, Microsoft.
SWITCHED_OFF = re.compile(
    r"(pop3?|imap4?|smtp) ?(access |service |protocol )?(is |has been )?"
    r"(disabled|not (enabled|allowed|permitted|available)|turned off|switched off)"
    r"|(not|yet to) (be )?enabled? (for )?(pop|imap)|enable (pop|imap)"
    r"|SmtpClientAuthentication is disabled",
    re.IGNORECASE,
)
ENCRYPTION_WANTED = re.compile(
    r"(plain ?text|clear ?text) (auth\w*|login)s? (is |are )?(disallowed|disabled|not allowed)"
    r"|must issue a? ?STARTTLS|encryption required|(use|need|requires?) (ssl|tls|starttls)"
    r"|secure connection",
    re.IGNORECASE,
)
IN_USE = re.compile(
    r"(un|not )able to lock|(can ?not|can't|could not|failed to) lock|lock (busy|failed|file)"
    r"|already (locked|in use)|(maildrop|mailbox) (is )?(in use|busy|locked)"
    r"|(another|other) (pop3? )?(session|connection|client)",
    re.IGNORECASE,
)
FULL = re.compile(
    r"over ?quota|(quota|storage|disk)( is| has)?( been)? (full|exceeded)"
    r"|(mailbox|mail ?drop|account)( is)? full",
    re.IGNORECASE,
)
LIMIT = re.compile(
    r"too many (\w+ )?(connections|sessions|requests|logins)"
    r"|maximum number of connections|(login|request)s? too (often|frequent)"
    r"|(bandwidth|download|command|connection|session|login|rate|frequency|daily|hourly)s? "
    r"(\w+ )?limits?\b|(login|rate)( frequency)? limited|throttl",
    re.IGNORECASE,
)
LOCKED = re.compile(
    r"(account|user|login|access|mailbox|you)( \w+){0,2} (is|has|have|are|was)( been)?( \w+)? "
    r"(locked|blocked|suspended|disabled|frozen)|account (locked|blocked|suspended|disabled)"
    r"|too many (\w+ )?(failed|failures|wrong)|log in (via|with) your web browser",
    re.IGNORECASE,
)
WRONG = re.compile(
    r"(wrong|bad|invalid|incorrect) (user|name|password|login|credential)", re.IGNORECASE
)
# RFC 1939 section 5 has "no such message", and servers of either protocol have more.
GONE = re.compile(
    r"no such (message|uid)|not found|(does|do)(n't| not) exist|deleted|expunged|been removed"
    r"|\bgone\b|no longer|(invalid|unknown|bad) (message|sequence|uid)",
    re.IGNORECASE,
)
# What is counted in octets is counted by the day.
BY_THE_DAY = re.compile(r"bandwidth|download|daily", re.IGNORECASE)
BY_THE_DAY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's "no": its words, and what its codes say of them.

    ``is_passing`` is a code that asks us to come back, ``is_for_good`` one that tells that the
    service is withheld. ``detail`` are the words as far as a person may read them.
    """

    text: str
    detail: str = ""
    is_passing: bool = False
    is_for_good: bool = False
    is_in_use: bool = False


def passing(refusal: Refusal) -> MailError | None:
    """Say why the server wants us to come back later; None where it does not."""
    text, detail = refusal.text, refusal.detail
    # Whoever is locked out for wrong passwords must not try again by itself.
    if LOCKED.search(text) or (WRONG.search(text) and not refusal.is_passing):
        return None
    if refusal.is_in_use or IN_USE.search(text):
        return ServerBusy("server.inuse", detail=detail)
    if FULL.search(text):
        return LimitReached("server.full", detail=detail)
    if LIMIT.search(text):
        facts = {"wait": BY_THE_DAY_SECONDS} if BY_THE_DAY.search(text) else {}
        return LimitReached("server.limit", detail=detail, **facts)
    return ServerBusy("server.busy", detail=detail) if refusal.is_passing else None


def message_error(refusal: Refusal) -> MailError:
    """Say why one message is not handed out: it is gone only if the server says so."""
    if GONE.search(refusal.text) and not refusal.is_for_good:
        return MessageVanished("message.vanished", detail=refusal.detail)
    return MessageRefused("message.refused", detail=refusal.detail)


def sign_in_error(refusal: Refusal, *, wrong: str = "auth.failed") -> MailError:
    """Say what a refused sign-in means; ``wrong`` is the code of wrong names and passwords.

    Whatever does not ask us to come back later, nor names another reason, is taken for that.
    """
    text, detail = refusal.text, refusal.detail
    if asked_back := passing(refusal):
        return asked_back
    if APP_PASSWORD.search(text):
        return AuthenticationFailed("auth.apppw", detail=detail)
    if NO_PASSWORDS.search(text):
        return AuthenticationFailed("auth.oauth", detail=detail)
    if ENCRYPTION_WANTED.search(text):
        return TlsUnavailable("tls.required", detail=detail)
    if SWITCHED_OFF.search(text) or refusal.is_for_good:
        return AccessDisabled("auth.disabled", detail=detail)
    code = "auth.locked" if LOCKED.search(text) else wrong
    return AuthenticationFailed(code, detail=detail)


def token_error(refusal: Refusal, facts: Mapping[str, str | int]) -> MailError:
    """Say what a refused token means: the grant is gone, unless the server names another reason."""
    error = sign_in_error(refusal)
    if isinstance(error, AuthenticationFailed) and error.code != "auth.locked":
        return AuthenticationFailed("auth.oauth", detail=refusal.detail, **facts)
    return error
