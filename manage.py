#!/usr/bin/env python3
"""The command line of Muara: ``manage.py help`` lists the commands."""

import json
import os
import sys


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aggregator.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - needs the line above

    try:
        execute_from_command_line(sys.argv)
    except SystemExit as end:
        if isinstance(end.code, str) and "--json" in sys.argv:  # Settings that cannot be used.
            sys.stdout.write(json.dumps({"ok": False, "error": end.code}) + "\n")
            end.code = 1
        raise


if __name__ == "__main__":
    main()
