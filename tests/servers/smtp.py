"""A real Postfix in a private folder that keeps mail for every address in one maildir."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.servers.processes import (
    ServerMissing,
    answers,
    free_port,
    private_folder,
    program,
    running,
    wait_for,
)

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


@contextmanager
def run_relay() -> Iterator[Relay]:
    """Run a server on a loopback port of its own; Postfix itself insists on root."""
    postfix = program("postfix")
    master = program("master", "/usr/lib/postfix/sbin", "/usr/libexec/postfix")
    if os.getuid() != 0:
        raise ServerMissing("needs postfix run by root")
    with private_folder("postfix") as folder:
        relay = Relay(folder, free_port())
        _write_settings(relay, commands=Path(postfix).parent, daemons=Path(master).parent)
        subprocess.run(
            [postfix, "-c", folder / "etc", "check"], check=True, stdin=subprocess.DEVNULL
        )
        log = folder / "mail.log"
        log.touch()
        with running([master, "-c", folder / "etc", "-s"], log=folder / "start.log") as process:
            wait_for(lambda: answers(relay.port), what="postfix", log=log, process=process)
            yield relay


def _write_settings(relay: Relay, *, commands: Path, daemons: Path) -> None:
    folder, nobody, owner = relay.folder, pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir()
    os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
    places = {"folder": folder, "commands": commands, "daemons": daemons}
    who = {"uid": nobody.pw_uid, "gid": nobody.pw_gid}
    (folder / "etc" / "main.cf").write_text(MAIN.format(**places, **who))
    (folder / "etc" / "master.cf").write_text(MASTER.format(port=relay.port))
