"""The demo as a whole: one command, mail to read, and a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from demo.__main__ import ROOT, USER

LETTERS_AT_ONCE = 76


def free_port() -> int:
    with closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextmanager
def running_demo(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "demo"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    chosen = {"MUARA_DATA": str(data), "MUARA_PORT": str(port)}
    with (data.parent / "demo.log").open("w") as log:
        program = subprocess.Popen(
            words, cwd=ROOT, env=kept | chosen, stdout=log, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield program
        finally:
            # Killed at once it would leave the program it has started behind.
            program.terminate()
            program.wait(timeout=20)


def said(data: Path, sentence: str, seconds: float = 60) -> str:
    """Wait until the demo has printed a sentence and return all it has said."""
    log = data.parent / "demo.log"
    deadline = time.monotonic() + seconds
    while sentence not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return log.read_text()


def stored(data: Path) -> int:
    with closing(sqlite3.connect(f"file:{data}/muara.sqlite3?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM mailstore_message").fetchone()[0])


def sign_in(port: int, password: str) -> str:
    """Sign in as the printed user; return the address of the page that this leads to."""
    site = f"http://localhost:{port}"
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
    page = browser.open(f"{site}/auth/login/").read().decode()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "login": USER, "password": password}
    headers = {"Referer": f"{site}/auth/login/"}
    answer = browser.open(Request(f"{site}/auth/login/", urlencode(form).encode(), headers))
    return str(answer.url)


def test_one_command_leads_to_mail_that_can_be_read_and_starts_again_elsewhere(
    tmp_path: Path,
) -> None:
    data, port = tmp_path / "demo", free_port()
    with running_demo(data, port) as program:
        printed = said(data, "Ctrl-C ends the demo")
        password = json.loads((data / "demo.json").read_text())["password"]
        assert password in printed
        assert "/mail/" in sign_in(port, password)
        deadline = time.monotonic() + 30
        while stored(data) < LETTERS_AT_ONCE and time.monotonic() < deadline:
            time.sleep(0.2)
        assert stored(data) == LETTERS_AT_ONCE
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=10) == 0
    other = free_port()
    with running_demo(data, other) as program:
        assert password in said(data, "Ctrl-C ends the demo")
        assert "/mail/" in sign_in(other, password)
        program.send_signal(signal.SIGINT)
        assert program.wait(timeout=10) == 0
