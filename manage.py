#!/usr/bin/env python3
"""The command line of Muara: ``manage.py help`` lists the commands."""

import json
import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run one command; one that is interrupted or cannot begin says so in one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aggregator.settings")
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - needs the line above

        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        _end("muara: Stopped.", INTERRUPTED)
    except SystemExit as end:
        if not isinstance(end.code, str):
            raise
        _end(end.code, 1)  # Settings that cannot be used.


def _end(sentence: str, code: int) -> None:
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps({"ok": False, "error": sentence}) + "\n")
    else:
        sys.stderr.write(f"{sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
