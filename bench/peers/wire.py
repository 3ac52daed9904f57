"""The wire: a client that pipelines RETR and throws the bytes away; nothing can be faster.

python -m bench.peers.wire PORT USER PASSWORD AUTHORITY
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time

IN_FLIGHT = 200
CHUNK = 256 * 1024
END = b"\r\n.\r\n"
HOST = "pop.example.org"


class Wire:
    """A POP3S connection of which only the ends of answers are looked at."""

    def __init__(self, port: int, authority: str) -> None:
        """Connect and check the certificate."""
        context = ssl.create_default_context(cafile=authority)
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = context.wrap_socket(connection, server_hostname=HOST)
        self.rest = b""

    def sign_in(self, user: str, password: str) -> int:
        """Sign in in one flight; return how many messages there are."""
        self.connection.sendall(f"USER {user}\r\nPASS {password}\r\nSTAT\r\n".encode())
        greeting_and_answers = [self.line() for _ in range(4)]
        return int(greeting_and_answers[-1].split()[1])

    def line(self) -> bytes:
        """Return the next line."""
        while b"\n" not in self.rest:
            self.rest += self.connection.recv(CHUNK)
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def retrieve(self, count: int) -> int:
        """Retrieve messages 1 to ``count``; return how many came."""
        asked = came = 0
        tail, self.rest = self.rest, b""
        while came < count:
            if asked - came <= IN_FLIGHT // 2 and asked < count:
                upto = min(count, came + IN_FLIGHT)
                wanted = range(asked + 1, upto + 1)
                self.connection.sendall("".join(f"RETR {n}\r\n" for n in wanted).encode())
                asked = upto
            chunk = self.connection.recv(CHUNK)
            if not chunk:
                break
            seen = tail + chunk
            came += seen.count(END)
            tail = b"" if seen.endswith(END) else seen[1 - len(END) :]
        return came


def main(port: str, user: str, password: str, authority: str) -> None:
    """Fetch a whole mailbox and tell how long that took."""
    began = time.perf_counter()
    wire = Wire(int(port), authority)
    came = wire.retrieve(wire.sign_in(user, password))
    wire.connection.sendall(b"QUIT\r\n")
    wire.connection.close()
    told = {"messages": came, "seconds": time.perf_counter() - began}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
