"""Signs in to a POP3 server, in as few flights as it allows (RFC 1939, 2449, 5034)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wire.dial import Step
from wire.errors import ProtocolError
from wire.login import PasswordLogin
from wire.pop3_memory import Capabilities, write_capabilities
from wire.pop3_replies import Reply, read_capabilities, sign_in_error
from wire.pop3_session import Pop3Session


@dataclass(frozen=True, slots=True)
class Way:
    """How to sign in: what is said first and holds no secret, the sign to go on, and the secret."""

    opening: str
    invitation: str
    secret: str = field(repr=False)


def choose_way(login: PasswordLogin, offers: Mapping[str, frozenset[str]]) -> Way:
    """Choose USER and PASS where they are announced and fit, else SASL PLAIN where it is.

    PLAIN takes any letters, but the secret must wait for the server, since an initial response may
    exceed the command line's 255 octets. USER and PASS can go together.
    """
    has_plain = "PLAIN" in offers.get("SASL", ())
    if has_plain and not ("USER" in offers and login.fits_user_and_pass()):
        return Way("AUTH PLAIN", "+", login.plain().decode("ascii"))
    return Way(f"USER {login.username}", "+OK", f"PASS {login.password}")


def sign_in(
    session: Pop3Session,
    login: PasswordLogin,
    remembered: Capabilities,
    questions: Sequence[str],
    on_step: Step,
) -> None:
    """Sign in and ask the first questions; what is remembered spares asking for capabilities.

    Where memory fails the server refuses to hear the secret, which it then has not judged, and is
    asked for its capabilities after all. A judged secret is never sent again.
    """
    session.offers = read_capabilities(remembered.before.encode())
    if not (session.offers and _may_send_ahead(session)):
        session.greet()
    if not session.offers:
        session.ask_capabilities()
    on_step("sign_in")
    before, way = session.offers, choose_way(login, session.offers)
    refusal = _introduce(session, way, questions)
    if refusal and remembered.before:
        remembered = Capabilities()
        before = _ask_afresh(session)
        if (other := choose_way(login, before)).opening != way.opening:
            refusal = _introduce(session, other, questions)
    if refusal:
        raise sign_in_error(refusal, session.words(refusal))
    _learn(session, before, remembered)


def _may_send_ahead(session: Pop3Session) -> bool:
    """Tell whether a secret may follow its user name unasked, even before the greeting came.

    After TLS we know whom we talk to. In the clear a server may refuse USER until STLS was given,
    and must be able to do so before it hears a secret.
    """
    return session.pipelines and session.lines.is_encrypted


def _introduce(session: Pop3Session, way: Way, questions: Sequence[str]) -> Reply | None:
    """Return the refusal to hear the secret, None once signed in; raise for a refused secret."""
    seconds = session.limits.sign_in_seconds
    together = way.invitation == "+OK" and _may_send_ahead(session)
    rest = [way.secret, *questions]
    if together:
        answers = session.flight([way.opening, *rest], seconds=seconds)
        opening = next(answers)
    else:
        opening = session.ask(way.opening, seconds=seconds)
        answers = session.flight(rest, seconds=seconds)
    if opening.sign == "-ERR":
        if together:
            list(answers)
        return opening
    if opening.sign != way.invitation:
        raise ProtocolError("server.protocol")
    _judge(session, next(answers))
    session.answered = dict(zip(questions, answers, strict=True))
    return None


def _judge(session: Pop3Session, verdict: Reply) -> None:
    if verdict.sign == "+":
        raise ProtocolError("server.protocol")
    if not verdict.ok:
        raise sign_in_error(verdict, session.words(verdict))


def _ask_afresh(session: Pop3Session) -> dict[str, frozenset[str]]:
    session.offers = {}
    session.ask_capabilities()
    return session.offers


def _learn(
    session: Pop3Session, before: Mapping[str, frozenset[str]], remembered: Capabilities
) -> None:
    """Know what the server can do from here on, since some announce PIPELINING only now."""
    if remembered.before:
        session.offers = read_capabilities(remembered.after.encode())
        session.learnt = remembered
    elif before:  # Whoever has no CAPA need not be asked twice.
        session.ask_capabilities()
        session.learnt = Capabilities(
            write_capabilities(before), write_capabilities(session.offers)
        )
