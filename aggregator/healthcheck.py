"""Asks the web process of this container whether all is well; the image's health check."""

from __future__ import annotations

import sys
from urllib.error import HTTPError
from urllib.request import urlopen

ADDRESS = "http://127.0.0.1:8000/healthz"


def main(address: str = ADDRESS) -> None:
    """End quietly when every part is well, else with exit code 1 and the parts that are not."""
    try:
        with urlopen(address, timeout=5):  # noqa: S310 - always http
            pass
    except HTTPError as answer:
        sys.exit(f"not well: {answer.read().decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"not well: the web process does not answer ({error})")


if __name__ == "__main__":
    main()
