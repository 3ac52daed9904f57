"""Signs in to a POP3 server, in as few flights as it allows (RFC 1939, 2449, 5034)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wire.dial import Step
from wire.errors import ConnectionFailed, MailError, ProtocolError, ServerBusy
from wire.login import Login, refused_token_facts
from wire.pop3_memory import Capabilities, write_capabilities
from wire.pop3_replies import Reply, read_capabilities, sign_in_error, token_error
from wire.pop3_session import Pop3Session
from wire.pop3_ways import Way, choose_way


def sign_in(
    session: Pop3Session,
    login: Login,
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
    way = choose_way(login, session.offers, session.endpoint)
    refusal = _introduce(session, way, questions, is_known=bool(remembered.before))
    if refusal and remembered.before:
        remembered = Capabilities()
        if other := _other_way(session, login, way):
            refusal = _introduce(session, other, questions, is_known=False)
    if refusal:
        raise _refused(session, way, refusal)
    _learn(session, remembered)


def _may_send_ahead(session: Pop3Session) -> bool:
    """Tell whether a secret may follow its user name unasked, even before the greeting came.

    After TLS we know whom we talk to. In the clear a server may refuse USER until STLS was given,
    and must be able to do so before it hears a secret.
    """
    return session.pipelines and session.lines.is_encrypted


def _introduce(
    session: Pop3Session, way: Way, questions: Sequence[str], *, is_known: bool
) -> Reply | None:
    """Return a refusal that may have come before the secret was judged, None once signed in.

    Raise for a judged secret. AUTH with the secret in its own line is for servers that pipeline:
    others, among them Microsoft's, end the session at that.
    """
    if _may_send_ahead(session) and way.in_one_line:
        return _in_one_line(session, way, way.in_one_line, questions if is_known else [])
    return _in_two_lines(session, way, questions)


def _in_one_line(
    session: Pop3Session, way: Way, line: str, questions: Sequence[str]
) -> Reply | None:
    """Say all at once; the questions come along only if such a line was understood before."""
    answers = session.flight([line, *questions], seconds=session.limits.sign_in_seconds)
    verdict = next(answers)
    if verdict.sign == "+" and not (verdict.text or questions):
        # It waits for the secret as before RFC 5034; lock step does it justice from now on.
        session.offers.pop("PIPELINING")
        answers = session.flight([way.secret], seconds=session.limits.sign_in_seconds)
        verdict = next(answers)
    elif verdict.sign == "-ERR":
        list(answers)
        return verdict
    _judge(session, way, verdict, questions, answers)
    return None


def _in_two_lines(session: Pop3Session, way: Way, questions: Sequence[str]) -> Reply | None:
    """Name ourselves, and say the secret when invited; in one flight where it is PASS."""
    seconds = session.limits.sign_in_seconds
    rest = [way.secret, *questions]
    together = way.invitation == "+OK" and _may_send_ahead(session)
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
    _judge(session, way, next(answers), questions, answers)
    return None


def _judge(
    session: Pop3Session,
    way: Way,
    verdict: Reply,
    questions: Sequence[str],
    answers: Iterator[Reply],
) -> None:
    """Raise unless the server let us in; take the answers that came along."""
    if verdict.sign == "+" and way.surrender is not None:
        facts = refused_token_facts(verdict.text)
        # What was sent ahead has been taken for the answer to the challenge; any answer will do.
        is_answered = session.pipelines and questions
        verdict = next(answers) if is_answered else session.ask(way.surrender)
        raise _refused(session, way, verdict, **facts)
    if verdict.sign == "+":
        raise ProtocolError("server.protocol")
    if not verdict.ok:
        raise _refused(session, way, verdict)
    session.answered = dict(zip(questions, answers, strict=True))


def _refused(session: Pop3Session, way: Way, reply: Reply, **facts: str | int) -> MailError:
    words = session.words(reply)
    error = (
        sign_in_error(reply, words) if way.surrender is None else token_error(reply, words, facts)
    )
    if isinstance(error, ServerBusy) and session.login_delay:
        error.facts["wait"] = session.login_delay
    return error


def _other_way(session: Pop3Session, login: Login, way: Way) -> Way | None:
    """Ask what the server can do now. Return how to be heard; None where the refusal stands.

    A secret that was heard in one line stands unless the server names another way in so many words.
    """
    was_heard = _may_send_ahead(session) and way.in_one_line
    session.offers = {}
    try:
        session.ask_capabilities()
    except ConnectionFailed:
        return None
    if was_heard and not session.offers:
        return None
    other = choose_way(login, session.offers, session.endpoint)
    return other if other.opening != way.opening else None


def _learn(session: Pop3Session, remembered: Capabilities) -> None:
    """Know what the server can do from here on, since some announce PIPELINING only now."""
    if remembered.before:
        session.offers = read_capabilities(remembered.after.encode())
        session.learnt = remembered
    elif before := session.offers:  # Whoever has no CAPA need not be asked twice.
        session.ask_capabilities()
        session.learnt = Capabilities(
            write_capabilities(before), write_capabilities(session.offers)
        )
