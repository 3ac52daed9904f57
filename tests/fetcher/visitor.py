"""A program that visits accounts, each visit in a process of its own that a test may trace and end.

Its arguments are the database and how many messages make a batch. For each account id that it
reads it forks a process, which waits until it is traced, and prints that process and how it ended.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django


def main() -> None:
    """Visit the accounts named on the standard input."""
    django.setup()
    from django.db import connection  # noqa: PLC0415 - needs the line above

    from fetcher import batches, runs  # noqa: PLC0415 - the same

    connection.settings_dict["NAME"] = sys.argv[1]
    batches.BATCH_MESSAGES = int(sys.argv[2])  # type: ignore[attr-defined]  # which it imports
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _wait_for_tracer()
            runs.run_fetch(int(line))
            connection.close()
            os._exit(0)
        _say(child)
        _say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _wait_for_tracer() -> None:
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        time.sleep(0.001)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
