"""How each of the other programs is told to fetch a whole mailbox, and how what came is counted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.boxes import PASSWORD
from bench.peers.wire import HOST
from bench.trips import ROOT, Outcome, Trip, WentWrong, expect, run
from tests.servers.processes import ServerMissing, program

PACKAGES = ("mpop", "fetchmail", "getmail6")
GETMAIL_ATTEMPTS = 3
PEERS_PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
MPOP = """\
account default
host 127.0.0.1
port {port}
user {user}
password {password}
tls on
tls_starttls off
tls_trust_file {authority}
tls_host_override {host}
keep on
uidls_file {folder}/uidls
delivery maildir {folder}/mail
"""
# It wants a common name in a certificate, which nobody else does, so it looks at none.
FETCHMAIL = """\
poll 127.0.0.1 protocol pop3 service {port} auth password
  user "{user}" password "{password}"
  ssl no sslcertck
  keep fetchall mda "cat >> {folder}/mail"
"""
GETMAIL = """\
[retriever]
type = SimplePOP3SSLRetriever
timeout = 20
server = 127.0.0.1
port = {port}
username = {user}
password = {password}
ca_certs = {authority}
ssl_cert_hostname = {host}
[destination]
type = Maildir
path = {folder}/mail/
{user_of_files}
[options]
delete = false
verbose = 0
"""


def wire(trip: Trip) -> Outcome:
    """Pipeline everything and throw it away."""
    return _ours("wire", trip, ())


def poplib_loop(trip: Trip) -> Outcome:
    """Fetch with a loop over poplib."""
    return _ours("poplib_loop", trip, (str(trip.folder / "mail"),))


def _ours(name: str, trip: Trip, more: tuple[str, ...]) -> Outcome:
    words = (str(trip.port), trip.box.user, PASSWORD, trip.authority, *more)
    outcome = run([sys.executable, "-m", f"bench.peers.{name}", *words]).outcome()
    expect(outcome.facts["messages"], trip.box, name)
    return outcome


def mpop(trip: Trip) -> Outcome:
    """Fetch with mpop."""
    ended = run(mpop_command(trip))
    expect(count_files(trip.folder / "mail"), trip.box, "mpop")
    return Outcome(ended.seconds, ended.cpu)


def mpop_command(trip: Trip) -> list[str]:
    """Prepare a folder for mpop; return the command that fetches into it."""
    command = program("mpop")
    make_maildir(trip.folder / "mail")
    return [command, "--quiet", f"--file={_settings(trip, MPOP)}"]


def fetchmail(trip: Trip) -> Outcome:
    """Fetch with fetchmail, which hands each message to a program that appends it to a file."""
    command = [program("fetchmail"), "--silent", "--nosyslog"]
    command += ["--fetchmailrc", str(_settings(trip, FETCHMAIL))]
    ended = run(command, {"FETCHMAILHOME": str(trip.folder)})
    mail = (trip.folder / "mail").read_bytes()
    expect(mail.count(b"\nMessage-ID:"), trip.box, "fetchmail")
    return Outcome(ended.seconds, ended.cpu)


def getmail(trip: Trip) -> Outcome:
    """Fetch with getmail6, again where it has waited in vain for a process of its own to end.

    It misses that end when it comes too soon, and then gives up.
    """
    for attempt in range(GETMAIL_ATTEMPTS):
        folder = trip.folder / str(attempt)
        folder.mkdir()
        try:
            return _getmail(replace(trip, folder=folder))
        except WentWrong as reason:
            told = reason
    raise told


def _getmail(trip: Trip) -> Outcome:
    command = program("getmail")
    make_maildir(trip.folder / "mail")
    settings = _settings(trip, GETMAIL)
    if os.getuid() == 0:
        # It refuses to write mail as root.
        for path in (trip.folder / "mail").rglob("**"):
            shutil.chown(path, "nobody")
    ended = run([command, f"--getmaildir={trip.folder}", f"--rcfile={settings}"])
    expect(count_files(trip.folder / "mail"), trip.box, "getmail6")
    return Outcome(ended.seconds, ended.cpu)


def django_mailbox(trip: Trip) -> Outcome:
    """Fetch with django-mailbox; the box is empty afterwards."""
    if not PEERS_PYTHON.exists():
        raise ServerMissing("needs django-mailbox in .venv/peers")
    words = (str(trip.port), trip.box.user, PASSWORD, str(trip.folder))
    outcome = run([PEERS_PYTHON, "-m", "bench.peers.django_mailbox_run", *words]).outcome()
    expect(outcome.facts["messages"], trip.box, "django-mailbox")
    return outcome


def make_maildir(folder: Path) -> None:
    """Make an empty Maildir."""
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)


def count_files(folder: Path) -> int:
    """Count the messages in a Maildir."""
    return sum(1 for _ in _entries(folder))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    for name in ("cur", "new"):
        yield from os.scandir(folder / name)


def _settings(trip: Trip, text: str) -> Path:
    path = trip.folder / "settings"
    path.touch(0o600)
    facts = {"port": trip.port, "user": trip.box.user, "password": PASSWORD, "host": HOST}
    facts["user_of_files"] = "user = nobody" if os.getuid() == 0 else ""
    path.write_text(text.format(authority=trip.authority, folder=trip.folder, **facts))
    return path
