"""Asks the web process of this container whether all is well; the image's health check."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

ADDRESS = "http://127.0.0.1:8000/healthz"


def main() -> None:
    """End quietly when every part is well; raise HTTPError or URLError otherwise."""
    host = urlsplit(os.environ.get("MUARA_URL", "")).hostname or "localhost"
    with urlopen(Request(ADDRESS, headers={"Host": host}), timeout=5):
        pass


if __name__ == "__main__":
    main()
