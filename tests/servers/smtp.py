"""A real Postfix in a private folder: a relay that keeps mail for everybody, or for submission."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme

from tests.servers.certificates import write_certificate
from tests.servers.processes import (
    ServerMissing,
    answers,
    free_port,
    private_folder,
    program,
    running,
    wait_for,
)
from wire.endpoint import STANDARD_PORTS, Protocol, Security
from wire.guard import Guard

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
command_directory = {commands}
daemon_directory = {daemons}
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = relay.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:everybody/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
in_flow_delay = 0
"""
# service type private unprivileged chroot wakeup process-limit command
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


# Mail is submitted here after a sign-in that Dovecot judges, under one's own address only.
SUBMISSION = """\
smtpd_tls_chain_files = {folder}/key.pem, {folder}/certificate.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_sender_login_maps = regexp:{folder}/etc/owners
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_delay_reject = no
"""
OWNERS = "/^(.*)$/ $1\n"
TLS_MANAGER = "tlsmgr unix - - n 1000? 1 tlsmgr\n"
SUBMISSION_SERVICE = """\
127.0.0.1:{port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode={wrapped}
  -o smtpd_sasl_mechanism_filter={mechanisms}
"""
SUBMISSION_HOST = "smtp.example.org"
WAYS_IN = ("plain", "login", "xoauth2", "oauthbearer", "plain,login,xoauth2,oauthbearer")


@dataclass(frozen=True)
class Relay:
    """A running server that takes mail from this machine for anybody."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Write the value of MUARA_EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def mail_for(self, address: str) -> list[EmailMessage]:
        """Read what has arrived for an address, oldest first."""
        files = sorted((self.folder / "mail" / "everybody" / "new").glob("*"))
        mails = [message_from_bytes(x.read_bytes(), policy=policy.default) for x in files]
        return [mail for mail in mails if mail["Delivered-To"] == address]

    def wait_for_mail(self, address: str, *, count: int = 1, seconds: float = 20) -> EmailMessage:
        """Wait until an address has ``count`` mails; return the last, or raise TimeoutError."""
        deadline = time.monotonic() + seconds
        while len(mails := self.mail_for(address)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(mails)} of {count} mails came for {address}")
            time.sleep(0.1)
        return mails[-1]


@dataclass(frozen=True)
class Submission:
    """A running server for submission: ports by encryption and by the mechanisms it offers."""

    folder: Path
    ports: dict[tuple[Security, str], int]

    def guard(self, security: Security, mechanisms: str) -> Guard:
        """Lead ``SUBMISSION_HOST`` to the service that offers these mechanisms."""
        public = STANDARD_PORTS[Protocol.SMTP, security]
        real = "127.0.0.1", self.ports[security, mechanisms]
        return Guard(connect_to={(SUBMISSION_HOST, public): real})


@contextmanager
def run_relay() -> Iterator[Relay]:
    """Run a server that takes mail from this machine, on a loopback port of its own."""
    with private_folder("postfix") as folder:
        relay = Relay(folder, free_port())
        with _running(folder, MASTER.format(port=relay.port), "", [relay.port]):
            yield relay


@contextmanager
def run_submission(authority: trustme.CA, sasl: int) -> Iterator[Submission]:
    """Run a server that asks a Dovecot at ``sasl`` whom to let in.

    Each of ``WAYS_IN`` gets a port with SSL/TLS and one with STARTTLS.
    """
    secured = (Security.TLS, Security.STARTTLS)
    ports = {(way, offered): free_port() for way in secured for offered in WAYS_IN}
    services = [
        SUBMISSION_SERVICE.format(
            port=port, wrapped="yes" if way is Security.TLS else "no", mechanisms=offered
        )
        for (way, offered), port in ports.items()
    ]
    with private_folder("postfix") as folder:
        write_certificate(authority, folder, SUBMISSION_HOST)
        master = MASTER.partition("\n")[2] + "".join([TLS_MANAGER, *services])
        more = SUBMISSION.format(folder=folder, sasl=sasl)
        with _running(folder, master, more, ports.values()):
            yield Submission(folder, ports)


@contextmanager
def _running(folder: Path, services: str, more: str, ports: Iterable[int]) -> Iterator[None]:
    """Run Postfix, which insists on root, until the block ends; ``more`` are settings that win."""
    postfix = program("postfix")
    master = program("master", "/usr/lib/postfix/sbin", "/usr/libexec/postfix")
    if os.getuid() != 0:
        raise ServerMissing("needs postfix run by root")
    _write_settings(folder, services, more, Path(postfix).parent, Path(master).parent)
    subprocess.run([postfix, "-c", folder / "etc", "check"], check=True, stdin=subprocess.DEVNULL)
    log = folder / "mail.log"
    log.touch()
    with running([master, "-c", folder / "etc", "-s"], log=folder / "start.log") as process:
        for port in ports:
            wait_for(lambda port=port: answers(port), what="postfix", log=log, process=process)  # type: ignore[misc]  # mypy cannot see the default
        yield


def _write_settings(folder: Path, services: str, more: str, commands: Path, daemons: Path) -> None:
    nobody, owner = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir()
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
    places = {"folder": folder, "commands": commands, "daemons": daemons}
    who = {"uid": nobody.pw_uid, "gid": nobody.pw_gid}
    (folder / "etc" / "owners").write_text(OWNERS)
    (folder / "etc" / "main.cf").write_text(MAIN.format(**places, **who) + more)
    (folder / "etc" / "master.cf").write_text(services)
