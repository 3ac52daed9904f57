"""Brings the real servers that the tests talk to, from Debian's packages, starting none of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import oidc
from tests.servers.processes import ServerMissing

PACKAGES = (
    "dovecot-pop3d",
    "dovecot-imapd",
    "redis-server",
    "postgresql",
    "postfix",
    "chromium",
    "fonts-noto-core",
    "strace",
)
NO_POSTFIX = "postfix postfix/main_mailer_type select No configuration\n"
POLICY = Path("/usr/sbin/policy-rc.d")
ATTEMPTS = 6


# Node's own packages bring npm along, and clash with Debian's.
NPM = "npm"


def missing(packages: Sequence[str] = PACKAGES) -> list[str]:
    """Name the packages that Debian's own list does not call installed."""
    return [name for name in packages if not _installed(name)]


def _installed(name: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return answer.stdout == "installed"


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Answer 101 ("do not start") to packages that ask; a policy that is there already stays."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _apt(*arguments: str) -> None:
    """Run apt-get, again after a pause where another run holds its lock."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for attempt in range(1, ATTEMPTS + 1):
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return
        sys.stderr.write(done.stderr)
        time.sleep(5 * attempt if attempt < ATTEMPTS else 0)
    raise SystemExit(f"apt-get {arguments[0]} failed {ATTEMPTS} times; its last words are above.")


def say(sentence: str) -> None:
    """Tell whoever runs the tests."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def install(packages: Sequence[str] = PACKAGES, what: str = "tests") -> None:
    """Install what is missing where this user may; say what stays missing elsewhere."""
    if not shutil.which("apt-get"):
        say(f"No apt-get here: {what} that need a real server are skipped where it is missing.")
        return
    wanted = missing(packages)
    if not wanted:
        return
    if os.geteuid() != 0:
        say(f"Not root: {what} that need {', '.join(wanted)} are skipped.")
        return
    say(f"Installing {', '.join(wanted)} for the {what}; none of them is started.")
    _apt("update")
    # Ours is configured by the tests; a machine's own Postfix would start at its next boot.
    subprocess.run(["debconf-set-selections"], input=NO_POSTFIX, text=True, check=False)
    with _services_stay_down():
        _apt("install", "--yes", "--no-install-recommends", *wanted)


if __name__ == "__main__":
    install(PACKAGES if shutil.which(NPM) else (*PACKAGES, NPM))
    try:
        oidc.install()
    except ServerMissing as wanting:
        say(f"Tests are skipped that want an OAuth provider: it {wanting}")
