"""A real OAuth 2.0 and OpenID provider: npm's oidc-provider on Node, people included."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import trustme

from tests.servers.certificates import write_certificate
from tests.servers.processes import (
    ServerMissing,
    answers,
    free_port,
    private_folder,
    program,
    running,
    wait_for,
)
from wire.guard import Guard

HERE = Path(__file__).parent
LIBRARY = "oidc-provider@9.13.3"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "muara-tests" / LIBRARY
ENTRY = CACHE / "node_modules" / "oidc-provider" / "lib" / "index.js"
HOST = "login.example.org"
ISSUER = f"https://{HOST}/common/v2.0"
SECRET = "the-client-secret-of-the-tests"
SITE = "http://localhost:8000"
SLUGS = ("microsoft", "standard")


@dataclass(frozen=True)
class Oidc:
    """A running provider, reached as ``HOST`` through ``guard``; its people do as planned."""

    port: int
    control_port: int

    @property
    def guard(self) -> Guard:
        """Lead the provider's name here."""
        return Guard(connect_to={(HOST, 443): ("127.0.0.1", self.port)})

    @property
    def introspection(self) -> str:
        """Return where a mail server asks whose token it was shown, with its own password."""
        return (
            f"http://dovecot:{SECRET}@127.0.0.1:{self.control_port}/common/v2.0/token/introspection"
        )

    def plan(self, **plan: Any) -> None:
        """Choose what people do (``as_``, ``deny``), and how the provider is; count anew."""
        self._control(plan={name.rstrip("_"): value for name, value in plan.items()})

    def asked(self, place: str = "/token") -> int:
        """Count what was asked of one endpoint since the last plan."""
        return int(self._control()["asked"].get(place, 0))

    def confirm(self, user_code: str, address: str) -> None:
        """Let a person type a code on another device."""
        self._control(confirm={"userCode": user_code, "accountId": address})

    def revoke(self, address: str) -> None:
        """Let a person take a consent back."""
        self._control(revoke={"accountId": address})

    def visit(self, url: str) -> str:
        """Go where a person is sent, do as planned there, and return where that leads back to."""
        with requests.Session() as browser:
            browser.headers["Host"] = HOST
            while not url.startswith(SITE):
                parts = urlsplit(url)
                here = f"http://127.0.0.1:{self.control_port}{parts.path}?{parts.query}"
                answer = browser.get(here, allow_redirects=False, timeout=10)
                assert answer.is_redirect, answer.text
                url = str(browser.get_redirect_target(answer))
        return url

    def _control(self, **wish: Any) -> Any:
        talk = HTTPConnection("127.0.0.1", self.control_port, timeout=10)
        try:
            talk.request("POST", "/control", json.dumps(wish))
            return json.loads(talk.getresponse().read())
        finally:
            talk.close()


def install() -> None:
    """Bring the library into this user's cache, where it stays. A lock would name a host."""
    if ENTRY.exists():
        return
    npm = program("npm")
    CACHE.mkdir(parents=True, exist_ok=True)
    words = ["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    command = [npm, *words, "--no-package-lock", "--prefix", str(CACHE), LIBRARY]
    done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
    if done.returncode or not ENTRY.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        raise ServerMissing(f"needs {LIBRARY}, which npm could not bring: {done.stderr[-300:]}")


@contextmanager
def run_oidc(authority: trustme.CA) -> Iterator[Oidc]:
    """Run a provider whose certificate the given authority signed."""
    node = program("node")
    install()
    oidc = Oidc(free_port(), free_port())
    with private_folder("oidc") as folder:
        (folder / "options.json").write_text(json.dumps(_options(oidc, authority, folder)))
        log = folder / "log"
        command: list[str | Path] = [
            node,
            "--no-warnings",
            HERE / "oidc.mjs",
            folder / "options.json",
        ]
        with running(command, log=log) as process:
            for port in (oidc.port, oidc.control_port):
                wait_for(lambda port=port: answers(port), what="oidc", log=log, process=process)  # type: ignore[misc]  # mypy cannot see the default
            yield oidc


def _options(oidc: Oidc, authority: trustme.CA, folder: Path) -> dict[str, Any]:
    write_certificate(authority, folder, HOST)
    assert urlsplit(ISSUER).hostname == HOST
    grants = ["authorization_code", "refresh_token"]
    web = {
        "client_id": "muara",
        "client_secret": SECRET,
        "grant_types": grants,
        "redirect_uris": [f"{SITE}/oauth/{slug}/callback" for slug in SLUGS],
    }
    device = {
        "client_id": "muara-device",
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        "response_types": [],
        "redirect_uris": [],
    }
    server = {
        "client_id": "dovecot",
        "client_secret": SECRET,
        "grant_types": [],
        "response_types": [],
        "redirect_uris": [],
    }
    return {
        "library": str(ENTRY),
        "issuer": ISSUER,
        "port": oidc.port,
        "controlPort": oidc.control_port,
        "key": str(folder / "key.pem"),
        "certificate": str(folder / "certificate.pem"),
        "clients": [web, device, server],
    }


if __name__ == "__main__":
    install()
