"""A program that visits one server with many sessions at once, and says how much memory it held.

Its arguments are the server's port and how many sessions; it prints the codes they ended with and
the most memory that it had before and during the visits, in MiB.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers.scripted import PASSWORD, USER
from wire.endpoint import Endpoint, Security
from wire.errors import MailError
from wire.guard import Guard
from wire.login import PasswordLogin
from wire.pop3 import Limits, open_pop3

HOST = "pop.example.org"
# Those of real visits, but for the time.
LIMITS = Limits(session_seconds=120, answer_seconds=10)


def main() -> None:
    """Visit, and print what came of it as JSON."""
    port, sessions = map(int, sys.argv[1:])
    guard = Guard(connect_to={(HOST, 110): ("127.0.0.1", port)})
    before = peak_mib()
    with ThreadPoolExecutor(sessions) as threads:
        codes = sorted(set(threads.map(_visit, [guard] * sessions)))
    sys.stdout.write(json.dumps({"codes": codes, "before": before, "peak": peak_mib()}))


def _visit(guard: Guard) -> str:
    endpoint, login = Endpoint(HOST, 110, Security.PLAIN), PasswordLogin(USER, PASSWORD)
    try:
        with open_pop3(endpoint, login, guard=guard, limits=LIMITS) as session:
            items = session.list_items()
            for answers in (session.headers(items[:3]), session.retrieve(items[:3])):
                for _answer in answers:
                    del _answer
            session.finish()
    except MailError as error:
        return error.code
    return ""


def peak_mib() -> int:
    """Return the most memory this process ever held; exec forgets what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    main()
