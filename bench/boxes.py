"""Fills the mailboxes of a real Dovecot, quickly and always with the same letters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench import letters
from tests.servers.dovecot import Dovecot

PASSWORD = "secret"
# Many sign in at once and again and again; nothing a client does changes what the next one finds.
SETTINGS = """\
mail_max_userip_connections = 1000
pop3_no_flag_updates = yes
service pop3-login {
  service_count = 0
  client_limit = 1000
  process_min_avail = 2
}
service pop3 {
  process_limit = 1024
  process_min_avail = 4
  service_count = 1000
}
"""


@dataclass(frozen=True)
class Box:
    """A mailbox: whose it is, and how many letters and octets are in it."""

    user: str
    count: int
    octets: int


@dataclass
class Boxes:
    """The mailboxes of one server, each made when it is first asked for."""

    dovecot: Dovecot
    _made: dict[str, Box] = field(default_factory=dict)

    def mix(self, count: int) -> Box:
        """Return a box of mixed letters."""
        return self._once(f"mix{count}", lambda: letters.mix(count))

    def small(self, count: int, name: str = "small") -> Box:
        """Return a box of small letters; those of two names have none in common."""
        return self._once(f"{name}{count}", lambda: letters.small(count, name))

    def deliver(self, box: Box, raws: Iterable[bytes]) -> Box:
        """Add letters to a box; return what it is then."""
        places = enumerate(raws, start=box.count)
        sizes = [self._write(self._folder(box.user), number, raw) for number, raw in places]
        return Box(box.user, box.count + len(sizes), box.octets + sum(sizes))

    def copy(self, box: Box, user: str) -> Box:
        """Make a box with the same letters, in place of an older one of that name."""
        self.dovecot.add_user(user, PASSWORD)
        self.dovecot.empty([user])
        for file in self._folder(box.user).iterdir():
            os.link(file, self._folder(user) / file.name)
        return Box(user, box.count, box.octets)

    def _once(self, user: str, make: Callable[[], Iterable[bytes]]) -> Box:
        if user not in self._made:
            self.dovecot.add_user(user, PASSWORD)
            self._made[user] = self.deliver(Box(user, 0, 0), make())
        return self._made[user]

    def _folder(self, user: str) -> Path:
        return self.dovecot.folder / "mail" / user / "cur"

    def _write(self, folder: Path, number: int, raw: bytes) -> int:
        # With its sizes in its name no server has to read a letter to list it.
        name = f"{1_700_000_000 + number}.M1P1.bench,S={len(raw)},W={len(raw)}:2,S"
        (folder / name).write_bytes(raw)
        os.chown(folder / name, *self.dovecot.owner)
        return len(raw)
