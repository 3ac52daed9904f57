"""The web process of the embedded shape: waitress on the loopback address."""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType

UNUSABLE = 78  # EX_CONFIG of sysexits.h: starting again would not help
THREADS = 8


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
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        advice = "Stop the other program" if taken else "Mend MUARA_BIND"
        print(  # noqa: T201 - a sentence for the terminal
            f"muara: cannot listen on {host} port {port}. {advice}, or set MUARA_PORT to another.",
            file=sys.stderr,
        )
        sys.exit(UNUSABLE)
    print(f"Muara is ready at {settings.MUARA_URL} (Ctrl-C ends it)", flush=True)  # noqa: T201
    server.run()


if __name__ == "__main__":
    main()
