"""Mail servers on loopback that behave, except where a test tells them not to; here for POP3.

A behaviour is a function that answers one command; ``MailServer.behave`` puts it in the place of
the proper answer. What clients send is kept in ``received``, so that a test can see what leaked.
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import ClassVar, Self

from tests.servers.certificates import HOST
from wire.endpoint import Endpoint, Security
from wire.guard import Guard

USER, PASSWORD = "alice@example.org", "sesame-öffne dich"
STUCK_SECONDS = 30
REFUSED_TOKEN = b'{"status":"401","schemes":"bearer","scope":"mail","user":"alice@example.org"}'


class Talk:
    """One client's connection, as the server sees it."""

    def __init__(self, server: MailServer, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.reader = connection.makefile("rb")
        self.user = self.tag = ""
        self.signed_in = False
        self.deleted: set[int] = set()

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def say(self, line: str) -> None:
        self.send(line.encode() + b"\r\n")

    def block(self, lines: Sequence[str]) -> None:
        self.send("".join(f"{line}\r\n" for line in ["+OK", *lines, "."]).encode())

    def line(self) -> str:
        """Return the next line a client sends; end the talk when there is none."""
        raw = self.reader.readline()
        if not raw:
            raise ConnectionResetError
        self.server.received.append(raw)
        return raw.decode("utf-8", "replace").rstrip("\r\n")

    def encrypt(self, context: ssl.SSLContext) -> None:
        self.reader.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.reader = self.connection.makefile("rb")

    def close(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.reader.close()
        self.connection.close()


Behaviour = Callable[[Talk, str], None]


class MailServer:
    """A server for one mailbox; use as a context manager.

    ``security`` says how clients reach it. ``pipelining`` and ``sasl`` are what it announces.
    ``judged`` counts the passwords that were compared with ``secret``.
    """

    ports: ClassVar[tuple[int, int]]
    proper: ClassVar[dict[str, Behaviour]]
    early: ClassVar[set[str]] = set()

    def __init__(
        self,
        *messages: bytes,
        security: Security = Security.TLS,
        context: ssl.SSLContext | None = None,
        pipelining: bool = True,
        sasl: str = "PLAIN LOGIN",
        name: str = HOST,
    ) -> None:
        self.messages = list(messages)
        self.uids = [f"uid{number}" for number in range(1, len(messages) + 1)]
        self.security = security
        self.context = context
        self.pipelining = pipelining
        self.sasl = sasl
        self.name = name
        self.secret = USER, PASSWORD
        self.received: list[bytes] = []
        self.connections = self.judged = 0
        self.deleted: set[int] = set()
        self.over = Event()
        self.behaviours: dict[str, Behaviour] = {}
        self._threads: list[Thread] = []
        self._accepted: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def endpoint(self) -> Endpoint:
        """Return the address under which the world knows this server."""
        port = self.ports[self.security is not Security.TLS]
        return Endpoint(self.name, port, self.security)

    @property
    def guard(self) -> Guard:
        """Lead that address here."""
        return Guard(connect_to={(self.name, self.endpoint.port): self._listener.getsockname()})

    def behave(self, command: str, behaviour: Behaviour) -> Self:
        """Answer a command, or "CONNECT" or "GREETING", by the given behaviour."""
        self.behaviours[command] = behaviour
        return self

    def heard(self) -> bytes:
        """Return everything that clients said."""
        return b"".join(self.received)

    def stop_listening(self) -> None:
        """Refuse every further connection."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._threads.append(Thread(target=self._accept, daemon=True))
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.over.set()
        self.stop_listening()
        for connection in self._accepted:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for connection in (self._listener, *self._accepted):
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):  # ``stop_listening`` ends the wait.
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(STUCK_SECONDS)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._accepted.append(connection.dup())
                self._threads.append(Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        talk = Talk(self, connection)
        try:
            self._answer(talk, "CONNECT", "")
            self._answer(talk, "GREETING", "")
            while True:
                self._answer(talk, *self.understand(talk, talk.line()))
        except OSError:
            pass  # The client has left, or a behaviour wants the end.
        finally:
            talk.close()

    def understand(self, talk: Talk, line: str) -> tuple[str, str]:
        """Return the command of a line, in upper case, and the rest."""
        talk.tag = ""
        command, _, argument = line.partition(" ")
        return command.upper(), argument

    def _answer(self, talk: Talk, command: str, argument: str) -> None:
        unknown = self.proper["?"]
        is_early = command in self.early and not talk.signed_in
        proper = unknown if is_early else self.proper.get(command, unknown)
        answer = self.behaviours.get(command, proper)
        answer(talk, argument)


def connect(talk: Talk, argument: str) -> None:
    if talk.server.security is Security.TLS and talk.server.context:
        talk.encrypt(talk.server.context)


def greet(talk: Talk, argument: str) -> None:
    talk.say("+OK ready")


def unknown(talk: Talk, argument: str) -> None:
    talk.say("-ERR unknown command")


def capa(talk: Talk, argument: str) -> None:
    words = ["TOP", "UIDL", "RESP-CODES", "EXPIRENEVER"]
    if talk.server.pipelining:
        words.append("PIPELINING")
    if not talk.signed_in:
        words += ["USER", f"SASL {talk.server.sasl}"] if talk.server.sasl else ["USER"]
    talk.block(words)


def stls(talk: Talk, argument: str) -> None:
    talk.say("+OK go ahead")
    assert talk.server.context is not None
    talk.encrypt(talk.server.context)


def auth(talk: Talk, argument: str) -> None:
    mechanism, _, response = argument.partition(" ")
    if not response:
        talk.say("+ ")
        response = talk.line()
    if mechanism == "PLAIN":
        _identity, user, secret = (base64.b64decode(response) + b"\0\0").split(b"\0")[:3]
        _check(talk, user.decode(), secret.decode())
    else:
        _check_token(talk, base64.b64decode(response).decode())


def _check_token(talk: Talk, response: str) -> None:
    """Take a token as XOAUTH2 and OAUTHBEARER do, and refuse it in their two steps."""
    name, token = talk.server.secret
    talk.server.judged += 1
    fields = response.split("\1")
    named = fields[0] in {f"user={name}", f"n,a={name},"}
    talk.signed_in = named and f"auth=Bearer {token}" in fields
    if talk.signed_in:
        talk.say("+OK welcome")
    else:
        talk.say("+ " + base64.b64encode(REFUSED_TOKEN).decode())
        talk.line()
        talk.say("-ERR [AUTH] Authentication failed.")


def user(talk: Talk, argument: str) -> None:
    talk.user = argument
    talk.say("+OK")


def pass_(talk: Talk, argument: str) -> None:
    if talk.user:
        _check(talk, talk.user, argument)
    else:
        talk.say("-ERR no user name given")


def _check(talk: Talk, name: str, password: str) -> None:
    talk.server.judged += 1
    talk.signed_in = (name, password) == talk.server.secret
    talk.say("+OK welcome" if talk.signed_in else "-ERR [AUTH] Authentication failed.")


def stat(talk: Talk, argument: str) -> None:
    talk.say(f"+OK {len(talk.server.messages)} {sum(map(len, talk.server.messages))}")


def list_(talk: Talk, argument: str) -> None:
    _list(talk, argument, [len(raw) for raw in talk.server.messages])


def uidl(talk: Talk, argument: str) -> None:
    _list(talk, argument, talk.server.uids)


def _list(talk: Talk, argument: str, values: Sequence[object]) -> None:
    lines = [f"{number} {value}" for number, value in enumerate(values, 1)]
    if not argument:
        talk.block(lines)
    elif int(argument) <= len(lines):
        talk.say(f"+OK {lines[int(argument) - 1]}")
    else:
        talk.say("-ERR no such message")


def retr(talk: Talk, argument: str) -> None:
    number = int(argument)
    if number > len(talk.server.messages):
        talk.say("-ERR no such message")
    else:
        talk.send(b"+OK message follows\r\n" + stuffed(talk.server.messages[number - 1]))


def top(talk: Talk, argument: str) -> None:
    head, _, _ = talk.server.messages[int(argument.split(maxsplit=1)[0]) - 1].partition(b"\r\n\r\n")
    talk.send(b"+OK\r\n" + stuffed(head + b"\r\n\r\n"))


def dele(talk: Talk, argument: str) -> None:
    talk.deleted.add(int(argument))
    talk.say("+OK marked")


def quit_(talk: Talk, argument: str) -> None:
    talk.server.deleted |= talk.deleted
    talk.say("+OK bye")
    raise ConnectionResetError


class Pop3Server(MailServer):
    """A server of POP3."""

    ports = 995, 110
    early: ClassVar = {"STAT", "LIST", "UIDL", "RETR", "TOP", "DELE"}
    proper: ClassVar = {
        "?": unknown,
        "CONNECT": connect,
        "GREETING": greet,
        "CAPA": capa,
        "STLS": stls,
        "AUTH": auth,
        "USER": user,
        "PASS": pass_,
        "STAT": stat,
        "LIST": list_,
        "UIDL": uidl,
        "RETR": retr,
        "TOP": top,
        "DELE": dele,
        "QUIT": quit_,
    }


def stuffed(raw: bytes, line_end: bytes = b"\r\n") -> bytes:
    """Return a message as POP3 sends it: dots doubled at line starts, a lone dot at the end."""
    lines = raw.removesuffix(line_end).split(line_end) if raw else []
    doubled = (b"." + line if line.startswith(b".") else line for line in lines)
    return b"".join(line + line_end for line in doubled) + b"." + line_end


def says(*parts: bytes) -> Behaviour:
    """Make a behaviour that sends exactly this."""

    def behaviour(talk: Talk, argument: str) -> None:
        for part in parts:
            talk.send(part)

    return behaviour


def says_then_leaves(data: bytes) -> Behaviour:
    """Make a behaviour that sends this and closes the connection."""

    def behaviour(talk: Talk, argument: str) -> None:
        talk.send(data)
        raise ConnectionResetError

    return behaviour


def says_then_stalls(data: bytes) -> Behaviour:
    """Make a behaviour that sends this and then nothing, for as long as the client bears it."""

    def behaviour(talk: Talk, argument: str) -> None:
        talk.send(data)
        talk.server.over.wait()
        raise ConnectionResetError

    return behaviour


def drips(data: bytes, pause: float) -> Behaviour:
    """Make a behaviour that sends one octet at a time, over and over, with a pause between."""

    def behaviour(talk: Talk, argument: str) -> None:
        while True:
            for octet in data:
                if talk.server.over.wait(pause):
                    raise ConnectionResetError
                talk.send(bytes([octet]))

    return behaviour


def never_ends(start: bytes, again: bytes) -> Behaviour:
    """Make a behaviour that sends a start and then the same for ever."""

    def behaviour(talk: Talk, argument: str) -> None:
        talk.send(start)
        while True:
            talk.send(again)

    return behaviour


def then(first: Behaviour, second: Behaviour) -> Behaviour:
    """Make a behaviour of two, one after the other."""

    def behaviour(talk: Talk, argument: str) -> None:
        first(talk, argument)
        second(talk, argument)

    return behaviour
