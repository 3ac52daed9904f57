"""What a signed-in session lists, retrieves and deletes, with and without pipelining."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.servers.scripted import Pop3Server, Talk, says, says_then_stalls, stuffed
from tests.wire.sessions import open_at
from wire.endpoint import Security
from wire.errors import (
    ConnectionFailed,
    MailError,
    MessageRefused,
    MessageTooLarge,
    MessageVanished,
    ProtocolError,
    ServerBusy,
)
from wire.pop3 import Pop3Session, RemoteItem

MESSAGES = (
    b"Subject: one\r\n\r\nhello\r\n",
    b"",
    b".\r\n..\r\n.dot\r\n\r\n.\r\n",
    b"Subject: bare\r\n\r\na\n.\nb\r.\rc\r\n",
    b"Subject: long\r\n\r\n" + b"x" * 60_000 + b"\r\n",
    b"\r\n\r\n\0\xff\xfe\r\n",
)


@pytest.fixture(params=[True, False], ids=["pipelined", "lock step"])
def server(request: pytest.FixtureRequest) -> Iterator[Pop3Server]:
    with Pop3Server(*MESSAGES, security=Security.PLAIN, pipelining=request.param) as server:
        yield server


@pytest.fixture
def session(server: Pop3Server) -> Iterator[Pop3Session]:
    with open_at(server) as session:
        yield session


def raws(answers: Iterator[tuple[RemoteItem, bytes | MailError]]) -> list[bytes | MailError]:
    return [raw for _, raw in answers]


def test_everything_listed_has_its_uid_and_size(session: Pop3Session) -> None:
    assert session.list_items() == [
        RemoteItem(number, f"uid{number}", len(raw)) for number, raw in enumerate(MESSAGES, 1)
    ]


def test_an_empty_mailbox_lists_nothing(server: Pop3Server, session: Pop3Session) -> None:
    server.messages, server.uids = [], []
    assert session.list_items() == []
    assert raws(session.retrieve([])) == []
    assert session.delete([]) == []
    assert session.stat() == (0, 0)


def test_a_server_without_uidl_gives_empty_uids(server: Pop3Server, session: Pop3Session) -> None:
    server.behave("UIDL", says(b"-ERR what?\r\n"))
    assert {item.uid for item in session.list_items()} == {""}


def test_equal_uids_are_passed_on_as_they_are(server: Pop3Server, session: Pop3Session) -> None:
    server.uids = ["same"] * len(MESSAGES)
    assert [item.uid for item in session.list_items()] == server.uids


def test_a_message_on_one_list_only_is_not_lost(server: Pop3Server, session: Pop3Session) -> None:
    server.behave("LIST", says(b"+OK\r\n1 10\r\n3 30\r\n.\r\n"))
    server.behave("UIDL", says(b"+OK\r\n1 a\r\n2 b\r\n.\r\n"))
    assert session.list_items() == [
        RemoteItem(1, "a", 10),
        RemoteItem(2, "b", 0),
        RemoteItem(3, "", 30),
    ]


def test_messages_come_byte_for_byte_in_the_order_asked(session: Pop3Session) -> None:
    items = session.list_items()[::-1]
    answers = list(session.retrieve(items))
    assert [item for item, _ in answers] == items
    assert [raw for _, raw in answers] == list(MESSAGES[::-1])


def test_messages_come_byte_for_byte_over_tls(good: ssl.SSLContext) -> None:
    with (
        Pop3Server(*MESSAGES, context=good) as server,
        open_at(server) as session,
    ):
        assert raws(session.retrieve(session.list_items())) == list(MESSAGES)


def test_headers_end_where_the_body_begins(session: Pop3Session) -> None:
    item = session.list_items()[0]
    assert list(session.headers([item])) == [(item, b"Subject: one\r\n\r\n")]


def test_where_top_is_missing_each_message_says_so(
    server: Pop3Server, session: Pop3Session
) -> None:
    server.behave("TOP", says(b"-ERR unknown command\r\n"))
    answers = raws(session.headers(session.list_items()))
    assert len(answers) == len(MESSAGES)
    assert all(isinstance(answer, MessageRefused) for answer in answers)


def test_a_vanished_message_costs_only_itself(session: Pop3Session) -> None:
    first, *_ = session.list_items()
    gone = RemoteItem(99, "gone", 10)
    answers = raws(session.retrieve([first, gone, first]))
    assert answers[0] == answers[2] == MESSAGES[0]
    assert isinstance(answers[1], MessageVanished)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("[SYS/PERM] message is damaged", "message.refused"),
        ("[SYS/PERM] message not found on disk", "message.refused"),
        ("cannot open message", "message.refused"),
        ("No such message", "message.vanished"),
        ("Message 2 has been deleted", "message.vanished"),
    ],
)
def test_a_message_not_handed_out_is_gone_only_where_the_server_says_so(
    server: Pop3Server, session: Pop3Session, words: str, code: str
) -> None:
    second = session.list_items()[1]
    server.behave("RETR", says(f"-ERR {words}\r\n".encode()))
    (refused,) = raws(session.retrieve([second]))
    assert isinstance(refused, MailError)
    assert refused.code == code


def test_a_message_too_large_costs_only_itself(server: Pop3Server) -> None:
    with open_at(server, message_bytes=1000) as session:
        answers = raws(session.retrieve(session.list_items()))
        assert isinstance(answers[4], MessageTooLarge)
        assert answers[4].facts == {"limit": 1000}
        assert answers[:4] + answers[5:] == list(MESSAGES[:4] + MESSAGES[5:])


def test_a_message_of_just_the_limit_is_kept(server: Pop3Server) -> None:
    size = len(MESSAGES[4])
    with open_at(server, message_bytes=size) as session:
        assert raws(session.retrieve(session.list_items())) == list(MESSAGES)
    with open_at(server, message_bytes=size - 1) as session:
        assert isinstance(raws(session.retrieve(session.list_items()))[4], MessageTooLarge)


def test_a_server_out_of_order_ends_the_run_and_loses_no_message(
    server: Pop3Server, session: Pop3Session
) -> None:
    server.behave("RETR", says(b"-ERR [SYS/TEMP] disk trouble\r\n"))
    with pytest.raises(ServerBusy) as busy:
        raws(session.retrieve(session.list_items()))
    assert busy.value.facts == {"host": "pop.example.org", "port": 110}


def test_a_server_that_ends_lines_in_bare_lf_is_understood() -> None:
    def retr(talk: Talk, argument: str) -> None:
        talk.send(b"+OK\n" + stuffed(b"Subject: x\n\n.dot\n..\n", b"\n"))

    with Pop3Server(b"", security=Security.PLAIN) as server:
        server.behave("LIST", says(b"+OK\n1 5\n.\n")).behave("UIDL", says(b"+OK\n1 a\n.\n"))
        server.behave("RETR", retr)
        with open_at(server) as session:
            items = session.list_items()
            assert items == [RemoteItem(1, "a", 5)]
            assert raws(session.retrieve(items)) == [b"Subject: x\n\n.dot\n..\n"]


def test_deleting_counts_only_after_quit(server: Pop3Server, session: Pop3Session) -> None:
    items = session.list_items()
    assert session.delete(items[:2]) == items[:2]
    assert server.deleted == set()
    session.finish()
    assert server.deleted == {1, 2}


def test_what_the_server_will_not_delete_is_not_called_marked(
    server: Pop3Server, session: Pop3Session
) -> None:
    def stubborn(talk: Talk, argument: str) -> None:
        talk.say("-ERR read only" if argument == "2" else "+OK")

    server.behave("DELE", stubborn)
    items = session.list_items()
    assert session.delete(items) == [item for item in items if item.number != 2]


def test_leaving_the_session_deletes_nothing(server: Pop3Server) -> None:
    with open_at(server) as session:
        session.delete(session.list_items())
    assert b"QUIT" not in server.heard()
    assert server.deleted == set()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"-ERR some deleted messages not removed\r\n", ProtocolError),
        (b"-ERR [SYS/TEMP] later\r\n", ServerBusy),
    ],
)
def test_a_server_that_does_not_agree_to_quit_is_told(
    server: Pop3Server, session: Pop3Session, answer: bytes, kind: type[MailError]
) -> None:
    server.behave("QUIT", says(answer))
    session.delete(session.list_items()[:1])
    with pytest.raises(kind):
        session.finish()


def test_a_goodbye_that_deletes_nothing_is_not_waited_for(
    server: Pop3Server, session: Pop3Session
) -> None:
    server.behave("QUIT", says_then_stalls(b""))
    assert session.delete([]) == []
    before = session.round_trips
    session.finish()
    assert session.round_trips == before


def test_no_command_is_given_while_answers_are_being_read(session: Pop3Session) -> None:
    items = session.list_items()
    for _ in session.retrieve(items[:2]):
        with pytest.raises(RuntimeError):
            session.stat()
        with pytest.raises(RuntimeError):
            session.delete(items)
    assert session.stat()[0] == len(MESSAGES)


def test_leaving_early_ends_quietly_when_nothing_was_to_be_deleted() -> None:
    with Pop3Server(*MESSAGES, security=Security.PLAIN) as server, open_at(server) as session:
        for _ in session.retrieve(session.list_items()):
            break
        session.finish()
        assert b"QUIT" not in server.heard()
        with pytest.raises(ConnectionFailed):
            session.stat()


def test_leaving_early_after_a_deletion_is_told() -> None:
    with Pop3Server(*MESSAGES, security=Security.PLAIN) as server, open_at(server) as session:
        items = session.list_items()
        session.delete(items[:1])
        for _ in session.retrieve(items):
            break
        with pytest.raises(ConnectionFailed):
            session.finish()


def test_leaving_after_the_last_answer_keeps_the_session(server: Pop3Server) -> None:
    with open_at(server) as session:
        for _ in session.retrieve(session.list_items()[:1]):
            break
        assert session.stat()[0] == len(MESSAGES)


def test_commands_are_sent_ahead_only_where_that_is_allowed(server: Pop3Server) -> None:
    """Hold the first answer back until everything was asked: only a pipelining client asks."""
    asked: list[int] = []

    def retr(talk: Talk, argument: str) -> None:
        asked.append(int(argument))
        if len(asked) == len(MESSAGES):
            for number in asked:
                talk.send(b"+OK\r\n" + stuffed(MESSAGES[number - 1]))

    server.behave("RETR", retr)
    with open_at(server, window_bytes=10**6) as session:
        items = session.list_items()
        if server.pipelining:
            assert raws(session.retrieve(items)) == list(MESSAGES)
        else:
            with pytest.raises(ConnectionFailed):
                raws(session.retrieve(items))
            assert asked == [1]


def test_a_hundred_commands_are_always_on_their_way() -> None:
    """Answer only in groups of a hundred: a client with fewer in flight would wait for ever."""
    small = [b"Subject: %d\r\n\r\nx\r\n" % number for number in range(1000)]
    asked: list[int] = []

    def retr_in_groups(talk: Talk, argument: str) -> None:
        asked.append(int(argument))
        if len(asked) % 100 == 0:
            talk.send(b"".join(b"+OK\r\n" + stuffed(small[n - 1]) for n in asked[-100:]))

    with Pop3Server(*small, security=Security.PLAIN) as server:
        server.behave("RETR", retr_in_groups)
        with open_at(server, listed=1000, answer_seconds=5, session_seconds=20) as session:
            assert raws(session.retrieve(session.list_items())) == small
