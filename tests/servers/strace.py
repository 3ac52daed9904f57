"""strace: counts the calls by which a process changes the world, and kills it at one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import program, running, wait_for

# What reaches a disk, a server or a name; between two of these nothing changes outside.
CALLS = (
    "sendto,sendmsg,write,writev,pwrite64,fsync,fdatasync,ftruncate,mkdir,rename,renameat,"
    "renameat2,unlink,unlinkat,connect,close,shutdown"
)


@contextmanager
def traced(process: int, log: Path, *, kill_at: int | None = None) -> Iterator[None]:
    """Follow a process, writing its ``CALLS`` to ``log``; kill it on entering the one so numbered.

    Calls are numbered from 1 in each thread for itself.
    """
    inject = [] if kill_at is None else ["-e", f"inject={CALLS}:signal=KILL:when={kill_at}"]
    command = [program("strace"), "-f", "-p", str(process), "-o", str(log), "-e", f"trace={CALLS}"]
    words = log.with_suffix(".strace")
    words.unlink(missing_ok=True)
    with running([*command, *inject], log=words) as strace:
        wait_for(
            lambda: "attached" in words.read_text(),
            what="strace", log=words, process=strace, pause=0.002,
        )  # fmt: skip
        yield
        strace.wait(10)


def calls_of(process: int, log: Path) -> list[str]:
    """Name the calls that the first thread of a traced process made, in order."""
    lines = (line.split(maxsplit=1) for line in log.read_text(errors="replace").splitlines())
    own = (words for number, words in lines if number == str(process))
    return [words.partition("(")[0] for words in own if words[0].isalpha() and "(" in words]
