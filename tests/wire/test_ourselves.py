"""What other people's servers are told of us."""

from __future__ import annotations

import ssl
import time
import tomllib

from tests.servers.dovecot import Dovecot
from tests.servers.scripted import Talk
from tests.servers.scripted_imap import ImapServer, done
from tests.servers.shapes import ROOT
from tests.wire.test_dovecot import PASSWORD, open_imap_at
from tests.wire.test_imap import open_at
from wire.endpoint import Security
from wire.ourselves import NAME, VERSION


def test_the_version_is_that_of_the_project() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_an_imap_server_that_asks_hears_name_and_version_and_nothing_else(
    good: ssl.SSLContext,
) -> None:
    with ImapServer(context=good) as server, open_at(server) as session:
        session.finish()
    said = [line for line in server.received if b" ID " in line]
    assert [line.split(b" ", 1)[1] for line in said] == [
        b'ID ("name" "Muara" "version" "%b")\r\n' % VERSION.encode()
    ]


def test_an_imap_server_that_does_not_ask_hears_nothing(good: ssl.SSLContext) -> None:
    server = ImapServer(context=good)

    def capable(talk: Talk, argument: str) -> None:
        talk.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
        done(talk, argument)

    with server.behave("CAPABILITY", capable), open_at(server) as session:
        session.finish()
    assert not any(b" ID " in line for line in server.received)


def test_a_real_server_writes_down_who_came(dovecot: Dovecot) -> None:
    name = "wire-imap-id@example.org"
    dovecot.add_user(name, PASSWORD)
    with open_imap_at(dovecot, Security.TLS, name) as session:
        session.finish()
    wanted = f"ID sent: name={NAME}, version={VERSION}"
    deadline = time.monotonic() + 30
    while not (told := [line for line in _log(dovecot) if name in line and "ID sent" in line]):
        assert time.monotonic() < deadline, "nobody wrote it down"
        time.sleep(0.05)
    assert [line.endswith(wanted) for line in told] == [True], told


def _log(dovecot: Dovecot) -> list[str]:
    return (dovecot.folder / "dovecot.log").read_text().splitlines()
