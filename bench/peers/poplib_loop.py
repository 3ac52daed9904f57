"""A loop over poplib, as one would write it in ten minutes: each message into a file of its own.

    python -m bench.peers.poplib_loop PORT USER PASSWORD AUTHORITY FOLDER

What lies in the folder from the time before is not fetched again.
"""

from __future__ import annotations

import json
import poplib
import ssl
import sys
import time
from pathlib import Path

# Its default refuses ordinary mail.
poplib._MAXLINE = 1_000_000  # type: ignore[attr-defined]  # noqa: SLF001


def main(port: str, user: str, password: str, authority: str, folder: str) -> None:
    """Fetch what is new in a mailbox and tell how long that took."""
    kept = Path(folder)
    kept.mkdir(exist_ok=True)
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    began = time.perf_counter()
    client = poplib.POP3_SSL("127.0.0.1", int(port), context=context)
    client.user(user)
    client.pass_(password)
    known = {path.name for path in kept.iterdir()}
    came = 0
    for number, uid in (line.decode().split() for line in client.uidl()[1]):
        if uid not in known:
            (kept / uid).write_bytes(b"\r\n".join([*client.retr(int(number))[1], b""]))
            came += 1
    client.quit()
    told = {"messages": came, "seconds": time.perf_counter() - began}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
