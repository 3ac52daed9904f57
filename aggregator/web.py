"""The web process of the embedded shape: waitress on the loopback address."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from threading import Thread
from types import FrameType

UNUSABLE = 78  # EX_CONFIG of sysexits.h: starting again would not help
THREADS = 8
READY_SECONDS = 30
READY_PAUSE = 0.2


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM; requests that are under way are answered first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aggregator.settings")
    from django.conf import settings  # noqa: PLC0415 - needs the line above
    from waitress import create_server  # noqa: PLC0415

    from aggregator.lifeline import end_with_parent  # noqa: PLC0415
    from aggregator.wsgi import application  # noqa: PLC0415

    signal.signal(signal.SIGTERM, _stop)
    end_with_parent()
    host, port = settings.MUARA_BIND, settings.MUARA_PORT
    try:
        server = create_server(
            application,
            host=host,
            port=port,
            threads=THREADS,
            ident="",
            # Only where a proxy is said to stand in front may X-Forwarded-… be believed.
            clear_untrusted_proxy_headers=not settings.BEHIND_PROXY,
        )
    except (OSError, ValueError) as error:  # waitress says ValueError of a host it cannot resolve
        words = cannot_listen(host, port, error)
        print(f"muara: {words}", file=sys.stderr)  # noqa: T201 - a sentence for the terminal
        sys.exit(UNUSABLE)
    Thread(target=announce, args=(settings.MUARA_URL,), daemon=True).start()
    server.run()


def cannot_listen(host: str, port: int, error: Exception) -> str:
    """Say in one sentence why nothing can be served at an address, and what to do."""
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            reason = "is taken by another program; stop that one, or set MUARA_PORT to another"
        case errno.EACCES | errno.EPERM:
            reason = "is not for this user; set MUARA_PORT to 1024 or more"
        case _:
            return (
                f"MUARA_BIND is {host!r}, which is no address of this machine; write 127.0.0.1 to "
                "serve this machine alone, or 0.0.0.0 to serve every network it is in."
            )
    return f"Port {port} of {host} {reason}."


def announce(url: str) -> None:
    """Say that all is ready once it is, or after a while what is not."""
    from django.db import connection  # noqa: PLC0415 - needs the settings

    from aggregator.health import parts  # noqa: PLC0415

    deadline = time.monotonic() + READY_SECONDS
    while (unwell := _unwell(parts())) and time.monotonic() < deadline:
        time.sleep(READY_PAUSE)
    connection.close()
    end = "(Ctrl-C ends it)"
    words = f"answers at {url}, but is not well yet: {unwell}" if unwell else f"is ready at {url}"
    print(f"Muara {words} {end}", flush=True)  # noqa: T201 - a sentence for the terminal


def _unwell(states: dict[str, str]) -> str:
    return ", ".join(f"{part} {state}" for part, state in states.items() if state != "ok")


if __name__ == "__main__":
    main()
