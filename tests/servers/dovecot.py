"""A real Dovecot in a private folder: POP3 and IMAP, with and without TLS from the first byte."""

from __future__ import annotations

import grp
import itertools
import json
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.servers.certificates import write_certificate
from tests.servers.issuer import Issuer, run_issuer
from tests.servers.processes import answers, free_port, private_folder, program, running, wait_for

HOSTS = ("pop.example.org", "imap.example.org", "mail.contoh.co.id")
PUBLIC_PORTS = {"pop3": 110, "pop3s": 995, "imap": 143, "imaps": 993}
SETTINGS = """\
protocols = pop3 imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
{chroot}
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
# Tests try wrong passwords in a row and have no time for penalties.
auth_failure_delay = 0
imap_id_log = *
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_max_userip_connections = 200
mail_fsync = never
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/tokens.conf
}}
passdb {{
  driver = dict
  args = {folder}/passwords.conf
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner_group} home={folder}/mail/%u
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service auth {{
  inet_listener sasl {{
    port = {sasl}
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
"""
# One file for each user, read at every sign-in: a changed password counts at once.
PASSWORDS = """\
uri = fs:posix:prefix={folder}/users/
default_pass_scheme = PLAIN
key passdb {{
  key = %u
  format = json
}}
passdb_objects = passdb
"""
# Each access token is shown to whoever issued it, who names its owner (RFC 7662).
TOKENS = """\
introspection_url = {issuer}
introspection_mode = post
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
"""
NO_CHROOT = "".join(
    f"service {name} {{\n  chroot =\n}}\n"
    for name in ("pop3-login", "imap-login", "anvil", "stats")
)


@dataclass(frozen=True)
class Dovecot:
    """A running server: ``ports`` by protocol, any of ``HOSTS`` by name through ``connect_to``.

    It also lets in whoever brings a token that ``issuer`` knows, and tells other servers at
    ``sasl_port`` whom they may let in.
    """

    folder: Path
    ports: dict[str, int]
    owner: tuple[int, int]
    issuer: Issuer
    sasl_port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def connect_to(self) -> str:
        """Write the value of MUARA_CONNECT_TO that leads every host name here."""
        return ",".join(
            f"{host}:{PUBLIC_PORTS[name]}=127.0.0.1:{port}"
            for host in HOSTS
            for name, port in self.ports.items()
        )

    def add_user(self, name: str, password: str) -> None:
        """Add a mailbox, or give an old one a new password."""
        (self.folder / "users" / name).write_text(json.dumps({"password": password}))
        self._mailbox(name)

    def deliver(self, user: str, *raws: bytes) -> None:
        """Put messages into a mailbox exactly as given, in this order."""
        mailbox = self._mailbox(user)
        for raw in raws:
            file = mailbox / "tmp" / f"{1_700_000_000 + next(self._numbers)}.M1P1.test"
            file.write_bytes(raw)
            os.chown(file, *self.owner)
            file.rename(mailbox / "new" / file.name)

    def empty(self, users: Iterable[str]) -> None:
        """Take every message out of some mailboxes."""
        for user in users:
            for file in (self.folder / "mail" / user).glob("[nc]??/*"):
                file.unlink()

    def _mailbox(self, user: str) -> Path:
        mailbox = self.folder / "mail" / user
        for name in (".", "new", "cur", "tmp"):
            (mailbox / name).mkdir(parents=True, exist_ok=True)
            os.chown(mailbox / name, *self.owner)
        return mailbox


def _people() -> dict[str, str | int]:
    """Name the users that the server's parts run as; without root they are all ourselves."""
    me, mine = pwd.getpwuid(os.getuid()), grp.getgrgid(os.getgid())
    if me.pw_uid != 0:
        everyone = dict.fromkeys(("internal", "login"), me.pw_name)
        group = {"internal_group": mine.gr_name, "chroot": NO_CHROOT}
        return everyone | group | {"owner": me.pw_uid, "owner_group": mine.gr_gid}
    nobody = pwd.getpwnam("nobody")
    names = {"internal": "dovecot", "internal_group": "dovecot", "login": "dovenull", "chroot": ""}
    return names | {"owner": nobody.pw_uid, "owner_group": nobody.pw_gid}


@contextmanager
def run_dovecot(
    authority: trustme.CA, more: str = "", introspection: str = ""
) -> Iterator[Dovecot]:
    """Run a server for ``HOSTS`` whose certificate the given authority signed.

    ``more`` are settings that come after the usual ones and win. Tokens are shown to the provider
    at ``introspection`` instead of ``issuer`` where there is one.
    """
    command = program("dovecot")
    program("pop3", "/usr/lib/dovecot", "/usr/libexec/dovecot")
    with private_folder("dovecot") as folder, run_issuer() as issuer:
        ports = {name: free_port() for name in PUBLIC_PORTS}
        sasl, people = free_port(), _people()
        write_certificate(authority, folder, *HOSTS)
        (folder / "users").mkdir()
        (folder / "passwords.conf").write_text(PASSWORDS.format(folder=folder))
        (folder / "tokens.conf").write_text(TOKENS.format(issuer=introspection or issuer.url))
        settings = folder / "dovecot.conf"
        settings.write_text(SETTINGS.format(folder=folder, sasl=sasl, **people, **ports) + more)
        owner = int(people["owner"]), int(people["owner_group"])
        server = Dovecot(folder, ports, owner, issuer, sasl)
        log = folder / "start.log"
        with running([command, "-F", "-c", settings], log=log) as process:
            for port in (*ports.values(), sasl):
                wait_for(lambda port=port: answers(port), what="dovecot", log=log, process=process)  # type: ignore[misc]  # mypy cannot see the default
            yield server
