"""A DNS server on loopback that answers from a dictionary, as fast or as slowly as a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingUDPServer
from threading import Thread

from dns import flags, message, rcode, rdatatype, rrset

from wire.guard import Guard

TTL = 60


@dataclass
class Names:
    """A running server: records by name and kind, and the questions it has heard.

    A name without records does not exist; one in ``silent`` gets no answer at all.
    """

    port: int
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    heard: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return what MUARA_NAMESERVER is given."""
        return f"127.0.0.1:{self.port}"

    @property
    def guard(self) -> Guard:
        """Ask this server and no other."""
        return Guard(nameserver=("127.0.0.1", self.port))

    def answer(self, asked: message.Message) -> bytes | None:
        """Return the answer to one question, or None to stay silent."""
        question = asked.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), rdatatype.to_text(question.rdtype)
        self.heard.append((name, kind))
        if name in self.silent:
            return None
        told = message.make_response(asked)
        told.flags |= flags.RA
        if records := self.records.get((name, kind)):
            told.answer.append(rrset.from_text(question.name, TTL, "IN", kind, *records))
        elif not any(known == name for known, _ in self.records):
            told.set_rcode(rcode.NXDOMAIN)
        return told.to_wire()


@contextmanager
def run_names() -> Iterator[Names]:
    """Serve on a loopback port."""

    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            data, connection = self.request
            if (told := names.answer(message.from_wire(data))) is not None:
                connection.sendto(told, self.client_address)

    with ThreadingUDPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True
        names = Names(server.server_address[1])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield names
        server.shutdown()
        thread.join()
