"""What a visit asks that remembers the one before: little, and never too little."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest

from tests.servers.certificates import HOST
from tests.servers.scripted import (
    USER,
    Behaviour,
    Pop3Server,
    Talk,
    auth,
    says,
    says_then_leaves,
)
from tests.wire.sessions import BRIEF, LOGIN
from wire.endpoint import Endpoint, Security
from wire.errors import AuthenticationFailed, ConnectionFailed, MailError, ProtocolError, ServerBusy
from wire.login import PasswordLogin
from wire.pop3 import Capabilities, Pop3Session, Position, RemoteItem, open_pop3
from wire.pop3_ways import choose_way

SIMPLE = PasswordLogin(USER, "sesame")
LETTERS = [b"Subject: %d\r\n\r\n%s\r\n" % (number, b"x" * number) for number in range(5)]
TOTAL = sum(map(len, LETTERS))
KNOWN = Position(5, "uid5", TOTAL)
MEMORY = Capabilities("PIPELINING\nSASL PLAIN\nUIDL\nUSER", "PIPELINING\nUIDL")
IN_STEP = Capabilities("SASL PLAIN\nUIDL\nUSER", "UIDL")


def visit(
    server: Pop3Server,
    login: PasswordLogin = SIMPLE,
    *,
    remembered: Capabilities | None = None,
    position: Position | None = None,
) -> Pop3Session:
    server.secret = login.username, login.password
    return open_pop3(
        server.endpoint,
        login,
        guard=server.guard,
        limits=BRIEF,
        remembered=remembered,
        position=position,
    )


def times_sent(server: Pop3Server, login: PasswordLogin) -> int:
    """Count how often the secret went over the wire, in whatever form."""
    return sum(server.heard().count(form) for form in (login.plain(), login.password.encode()))


@pytest.fixture(params=[True, False], ids=["pipelined", "lock step"])
def server(request: pytest.FixtureRequest, good: ssl.SSLContext) -> Iterator[Pop3Server]:
    with Pop3Server(*LETTERS, context=good, pipelining=request.param) as server:
        yield server


def memory_of(server: Pop3Server) -> Capabilities:
    return MEMORY if server.pipelining else IN_STEP


def test_what_a_session_learnt_spares_the_next_one_the_question(server: Pop3Server) -> None:
    with visit(server) as first:
        learnt = first.learnt
    server.received.clear()
    with visit(server, remembered=learnt) as second:
        assert b"CAPA" not in server.heard()
        assert second.capabilities == first.capabilities
        assert second.learnt == learnt
        assert second.list_items() == [
            RemoteItem(number, f"uid{number}", len(raw)) for number, raw in enumerate(LETTERS, 1)
        ]


@pytest.mark.parametrize(
    ("login", "security", "flights"),
    [
        (SIMPLE, Security.TLS, 3),
        (LOGIN, Security.TLS, 3),
        (LOGIN, Security.STARTTLS, 5),
        (LOGIN, Security.PLAIN, 4),
        (SIMPLE, Security.STARTTLS, 5),
        (SIMPLE, Security.PLAIN, 4),
    ],
)
def test_a_poll_of_an_unchanged_mailbox_takes_few_flights(
    login: PasswordLogin, security: Security, flights: int, good: ssl.SSLContext
) -> None:
    with (
        Pop3Server(*LETTERS, security=security, context=good) as server,
        visit(server, login, remembered=MEMORY, position=KNOWN) as session,
    ):
        assert session.changes_since(KNOWN) == []
        session.finish()
        assert session.round_trips == flights
        assert session.lines.octets_in + session.lines.octets_out < 300


def test_tls_of_the_version_before_costs_one_flight_more(good: ssl.SSLContext) -> None:
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with (
            Pop3Server(*LETTERS, context=good) as server,
            visit(server, remembered=MEMORY, position=KNOWN) as session,
        ):
            assert session.round_trips == 4
    finally:
        good.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_without_pipelining_each_command_waits_for_its_turn(good: ssl.SSLContext) -> None:
    def alone(behaviour: Callable[[Talk, str], None]) -> Behaviour:
        def answer(talk: Talk, argument: str) -> None:
            talk.connection.settimeout(0.02)
            with pytest.raises(TimeoutError):
                talk.connection.recv(1)
            talk.connection.settimeout(5)
            behaviour(talk, argument)

        return answer

    def user(talk: Talk, argument: str) -> None:
        talk.user = argument
        talk.say("+OK")

    with Pop3Server(*LETTERS, context=good, pipelining=False) as server:
        server.behave("GREETING", alone(says(b"+OK ready\r\n"))).behave("USER", alone(user))
        with visit(server, remembered=IN_STEP, position=KNOWN) as session:
            assert session.changes_since(KNOWN) == []
        assert [line.split()[0] for line in server.received] == [b"USER", b"PASS", b"STAT", b"UIDL"]


def test_a_mailbox_that_only_grew_lists_its_tail(server: Pop3Server) -> None:
    position = Position(3, "uid3", sum(map(len, LETTERS[:3])))
    with visit(server, remembered=memory_of(server), position=position) as session:
        assert session.changes_since(position) == [
            RemoteItem(4, "uid4", len(LETTERS[3])),
            RemoteItem(5, "uid5", len(LETTERS[4])),
        ]
        assert session.octets == TOTAL
        assert b"UIDL\r\n" not in server.heard()
        assert b"LIST\r\n" not in server.heard()
        if server.pipelining:
            assert session.round_trips == 4


def test_an_empty_mailbox_is_known_by_its_count(server: Pop3Server) -> None:
    empty = Position(0, "", 0)
    server.messages, server.uids = LETTERS[:2], ["uid1", "uid2"]
    with visit(server, position=empty) as session:
        assert session.changes_since(empty) == session.list_items()
    server.messages, server.uids = [], []
    with visit(server, position=empty) as session:
        assert session.changes_since(empty) == []


def test_the_questions_may_also_be_asked_after_the_sign_in(server: Pop3Server) -> None:
    with visit(server) as session:
        assert session.changes_since(KNOWN) == []
        assert session.changes_since(Position(4, "uid4")) == [
            RemoteItem(5, "uid5", len(LETTERS[4]))
        ]


# What happened to a mailbox of five since it was known; each can only be told by the whole list.
CHANGES: dict[str, tuple[list[bytes], list[str]]] = {
    "last uid changed": (LETTERS, ["uid1", "uid2", "uid3", "uid4", "other"]),
    "renumbered": (LETTERS, ["uid5", "uid4", "uid3", "uid2", "uid1"]),
    "all uids changed": (LETTERS, ["a", "b", "c", "d", "e"]),
    "one deleted": (LETTERS[1:], ["uid2", "uid3", "uid4", "uid5"]),
    "all deleted": ([], []),
    "first deleted, one added": (
        [*LETTERS[1:], LETTERS[0]],
        ["uid2", "uid3", "uid4", "uid5", "uid6"],
    ),
    "last deleted, one added": (LETTERS, ["uid1", "uid2", "uid3", "uid4", "uid6"]),
    "first deleted, two added": (
        [*LETTERS[1:], *LETTERS[:2]],
        ["uid2", "uid3", "uid4", "uid5", "uid6", "uid7"],
    ),
    "one came in at the front for another": (
        [b"other\r\n", *LETTERS[1:]],
        ["uid6", "uid2", "uid3", "uid4", "uid5"],
    ),
    "one came in at the front": ([b"x\r\n", *LETTERS], ["x", *(f"uid{n}" for n in range(1, 6))]),
    "one changed in the middle, one added": (
        [LETTERS[0], b"other\r\n", *LETTERS[2:], b"new\r\n"],
        ["uid1", "uid6", "uid3", "uid4", "uid5", "uid7"],
    ),
    "very many added": (LETTERS * 40, [f"uid{number}" for number in range(1, 201)]),
}


@pytest.mark.parametrize(("messages", "uids"), CHANGES.values(), ids=list(CHANGES))
def test_any_other_change_asks_for_the_whole_list(
    server: Pop3Server, messages: list[bytes], uids: list[str]
) -> None:
    server.messages, server.uids = messages, uids
    with visit(server, remembered=memory_of(server), position=KNOWN) as session:
        assert session.changes_since(KNOWN) is None
        if len(uids) <= BRIEF.listed:
            assert [item.uid for item in session.list_items()] == uids


STRANGE: dict[str, tuple[str, Behaviour]] = {
    "no STAT": ("STAT", says(b"-ERR what?\r\n")),
    "STAT of words": ("STAT", says(b"+OK many\r\n")),
    "no UIDL": ("UIDL", says(b"-ERR what?\r\n")),
    "UIDL of another": ("UIDL", says(b"+OK 1 uid5\r\n")),
    "UIDL without uid": ("UIDL", says(b"+OK 5\r\n")),
    "no LIST": ("LIST", says(b"-ERR what?\r\n")),
    "LIST of another": ("LIST", says(b"+OK 1 3\r\n")),
    "LIST lies": ("LIST", says(b"+OK 5 1000000\r\n")),
}


@pytest.mark.parametrize(("command", "behaviour"), STRANGE.values(), ids=list(STRANGE))
def test_an_odd_answer_asks_for_the_whole_list(
    server: Pop3Server, command: str, behaviour: Behaviour
) -> None:
    position = Position(4, "uid4", sum(map(len, LETTERS[:4])))
    server.behave(command, behaviour)
    with visit(server, remembered=memory_of(server), position=position) as session:
        assert session.changes_since(position) is None


def test_a_new_message_without_uid_asks_for_the_whole_list(server: Pop3Server) -> None:
    def uidl(talk: Talk, argument: str) -> None:
        talk.say("+OK 4 uid4" if argument == "4" else "-ERR no uid")

    position = Position(4, "uid4")
    server.behave("UIDL", uidl)
    with visit(server, remembered=memory_of(server), position=position) as session:
        assert session.changes_since(position) is None


def capa(*before: str) -> Behaviour:
    """Announce just this before the sign-in, and UIDL after it."""

    def behaviour(talk: Talk, argument: str) -> None:
        talk.block(["UIDL"] if talk.signed_in else list(before))

    return behaviour


REFUSES = says(b"-ERR unknown command\r\n")
GONE: dict[str, tuple[PasswordLogin, dict[str, Behaviour]]] = {
    "PIPELINING": (SIMPLE, {"CAPA": capa("USER", "SASL PLAIN")}),
    "PIPELINING, for PLAIN": (LOGIN, {"CAPA": capa("USER", "SASL PLAIN")}),
    "PLAIN": (LOGIN, {"CAPA": capa("USER"), "AUTH": REFUSES}),
    "CAPA": (SIMPLE, {"CAPA": REFUSES}),
}


@pytest.mark.parametrize("remembered", [MEMORY, IN_STEP], ids=["pipelined", "lock step"])
@pytest.mark.parametrize(("login", "behaviours"), GONE.values(), ids=list(GONE))
def test_memory_that_no_longer_holds_changes_nothing(
    login: PasswordLogin,
    behaviours: dict[str, Behaviour],
    remembered: Capabilities,
    good: ssl.SSLContext,
) -> None:
    with Pop3Server(*LETTERS, context=good, pipelining=False) as server:
        for command, behaviour in behaviours.items():
            server.behave(command, behaviour)
        with visit(server, login, remembered=remembered, position=KNOWN) as session:
            assert session.changes_since(KNOWN) == []
            assert len(session.list_items()) == 5
        assert server.judged == 1
        in_vain = "AUTH" in behaviours and remembered == MEMORY
        assert times_sent(server, login) == 1 + in_vain, "AUTH may bring the secret along"


def test_a_server_that_lost_capa_and_plain_costs_a_visit_rather_than_a_second_try(
    good: ssl.SSLContext,
) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("CAPA", REFUSES).behave("AUTH", REFUSES)
        with pytest.raises(AuthenticationFailed):
            visit(server, LOGIN, remembered=MEMORY)
        assert times_sent(server, LOGIN) == 1
        with visit(server, LOGIN) as session:
            assert len(session.list_items()) == len(LETTERS)


def test_a_server_that_wants_auth_in_two_lines_is_remembered_so(good: ssl.SSLContext) -> None:
    def old_auth(talk: Talk, argument: str) -> None:
        auth(talk, argument.partition(" ")[0])

    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("AUTH", old_auth)
        with visit(server, LOGIN) as session:
            assert "PIPELINING" not in session.learnt.before
            assert session.pipelines
        with visit(server, LOGIN, remembered=session.learnt, position=KNOWN) as again:
            assert again.changes_since(KNOWN) == []
        assert server.judged == 2
        with pytest.raises(ProtocolError):
            visit(server, LOGIN, remembered=MEMORY, position=KNOWN)


@pytest.mark.parametrize("remembered", [MEMORY, IN_STEP], ids=["pipelined", "lock step"])
def test_where_user_is_gone_plain_is_the_first_that_is_judged(
    remembered: Capabilities, good: ssl.SSLContext
) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("CAPA", capa("SASL PLAIN", "PIPELINING")).behave("USER", REFUSES)
        with visit(server, SIMPLE, remembered=remembered, position=KNOWN) as session:
            assert session.changes_since(KNOWN) == []
        assert server.judged == 1
        assert session.learnt.before == "PIPELINING\nSASL PLAIN"


@pytest.mark.parametrize("login", [SIMPLE, LOGIN], ids=["USER", "PLAIN"])
@pytest.mark.parametrize("remembered", [MEMORY, IN_STEP, None], ids=["pipelined", "step", "none"])
def test_a_server_that_now_wants_stls_first_hears_no_secret_in_the_clear(
    login: PasswordLogin, remembered: Capabilities | None
) -> None:
    with Pop3Server(*LETTERS, security=Security.PLAIN) as server:
        server.behave("USER", REFUSES).behave("AUTH", REFUSES).behave("CAPA", capa("STLS"))
        with pytest.raises(AuthenticationFailed):
            visit(server, login, remembered=remembered, position=KNOWN)
        assert times_sent(server, login) == 0


@pytest.mark.parametrize("login", [SIMPLE, LOGIN], ids=["USER", "PLAIN"])
@pytest.mark.parametrize("remembered", [MEMORY, IN_STEP, None], ids=["pipelined", "step", "none"])
def test_a_refused_password_is_never_tried_again(
    login: PasswordLogin, remembered: Capabilities | None, good: ssl.SSLContext
) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("PASS", says_then_leaves(b"-ERR [AUTH] Authentication failed.\r\n"))
        wrong = PasswordLogin(login.username, login.password + "!")
        server.secret = "nobody", "else"
        with pytest.raises(AuthenticationFailed) as refused:
            open_pop3(
                server.endpoint,
                wrong,
                guard=server.guard,
                limits=BRIEF,
                remembered=remembered,
                position=KNOWN,
            )
        assert refused.value.detail == "[AUTH] Authentication failed."
        assert times_sent(server, wrong) == 1
        assert server.connections == 1


def test_a_user_refused_as_ever_is_refused_with_its_reason(good: ssl.SSLContext) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("USER", says(b"-ERR [SYS/TEMP] later\r\n"))
        with pytest.raises(ServerBusy):
            visit(server, SIMPLE, remembered=MEMORY)
        assert times_sent(server, SIMPLE) == 1
        assert server.judged == 0


def test_a_server_that_now_drops_what_comes_ahead_costs_one_visit(good: ssl.SSLContext) -> None:
    def forgetful(talk: Talk, argument: str) -> None:
        talk.user = argument
        if talk.server.connections == 1:
            talk.reader.read(len(talk.reader.peek()))
        talk.say("+OK")

    with Pop3Server(*LETTERS, context=good, pipelining=False) as server:
        server.behave("USER", forgetful)
        with pytest.raises(ConnectionFailed):
            visit(server, SIMPLE, remembered=MEMORY, position=KNOWN)
        assert server.judged == 0
        with visit(server, SIMPLE, position=KNOWN) as session:
            assert session.changes_since(KNOWN) == []


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [(b"-ERR too many connections\r\n", ServerBusy), (b"hello\r\n", ProtocolError)],
)
def test_a_greeting_that_refuses_is_heard_before_any_answer(
    greeting: bytes, kind: type[MailError], good: ssl.SSLContext
) -> None:
    with Pop3Server(*LETTERS, context=good) as server, pytest.raises(kind):
        visit(server.behave("GREETING", says(greeting)), remembered=MEMORY, position=KNOWN)


def test_a_line_too_many_is_never_taken_for_nothing_new(good: ssl.SSLContext) -> None:
    with Pop3Server(*LETTERS, context=good) as server:
        server.behave("GREETING", says(b"+OK ready\r\n+OK you are in\r\n"))
        with visit(server, remembered=MEMORY, position=KNOWN) as session:
            assert session.changes_since(KNOWN) is None
            with pytest.raises(ProtocolError):
                session.list_items()


@pytest.mark.parametrize(
    "oddity",
    ["X-\0", "X-ÿ", "X-" + "Y" * 3000],
    ids=["control character", "not ASCII", "endless"],
)
def test_what_is_too_odd_to_be_stored_is_not_remembered(oddity: str, good: ssl.SSLContext) -> None:
    with Pop3Server(context=good) as server:
        server.behave("CAPA", capa("USER", oddity))
        with visit(server) as session:
            assert session.learnt.before == ""
            assert session.learnt.after == "UIDL"


@pytest.mark.parametrize("offers", [{}, {"SASL": frozenset({"PLAIN"})}], ids=["USER", "PLAIN"])
def test_a_way_to_sign_in_does_not_show_its_secret(offers: dict[str, frozenset[str]]) -> None:
    way = choose_way(LOGIN, offers, Endpoint(HOST, 995, Security.TLS))
    assert way.secret
    assert way.secret not in repr(way)
