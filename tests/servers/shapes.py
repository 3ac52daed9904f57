"""Runs the whole program in either shape, as a person or a container engine would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from accounts.vault import new_key
from tests.servers.postgres import Postgres
from tests.servers.processes import free_port, private_folder, running, wait_for
from tests.servers.redis import Redis
from tests.servers.smtp import Relay

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = re.compile(r"^\s*(\d{6})\s*$", re.MULTILINE)
STOP_SECONDS = 10


@dataclass(frozen=True)
class Program:
    """Muara as it runs in one shape; ``texts_for`` reads the mails it sent to an address."""

    shape: str
    url: str
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    texts_for: Callable[[str], list[str]] = field(repr=False)

    def manage(self, *arguments: str, words: str = "") -> str:
        """Run a command of manage.py with ``words`` on its standard input; return what it says."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=dict(self.environment),
            cwd=ROOT,
            input=words,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout

    def codes_for(self, address: str) -> list[str]:
        """Read the sign-up codes in the mails to an address, oldest first."""
        return [code for text in self.texts_for(address) for code in CODE.findall(text)]

    def logs(self) -> str:
        """Read everything its processes have said."""
        parts = [f"== {x.name}\n{x.read_text()}" for x in sorted(self.folder.glob("*.log"))]
        return "\n".join(parts)


def _environment(port: int, folder: Path, extra: dict[str, str]) -> dict[str, str]:
    """Take over the environment without anything that configures another Muara or these tests."""
    ours = {name: os.environ[name] for name in os.environ if not name.startswith("MUARA_")}
    ours.pop("DJANGO_SETTINGS_MODULE", None)
    ours["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}"
    where = {"MUARA_ENV_FILE": os.devnull, "MUARA_URL": f"http://localhost:{port}"}
    return ours | where | {"MUARA_DATA": str(folder / "data")} | extra


@contextmanager
def embedded(extra: dict[str, str]) -> Iterator[Program]:
    """Run ``manage.py serve`` on a port and a data folder of its own until the block ends."""
    with private_folder("embedded") as folder:
        port = free_port()
        environment = _environment(port, folder, extra) | {"MUARA_PORT": str(port)}
        texts = partial(_outbox_texts, folder / "data" / "outbox")
        program = Program("embedded", f"http://localhost:{port}", folder, environment, texts)
        log = folder / "serve.log"
        command = [sys.executable, "manage.py", "serve"]
        with running(command, log=log, environment=environment, cwd=ROOT) as process:
            wait_for(
                lambda: well(program), what="serve", log=log, process=process, seconds=60, pause=0.5
            )
            yield program


def _outbox_texts(outbox: Path, address: str) -> list[str]:
    texts = []
    for file in sorted(outbox.glob("*.log"), key=lambda x: x.stat().st_mtime):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        if mail["To"] == address:
            texts.append(_text(mail))
    return texts


def _text(mail: Any) -> str:
    body = mail.get_body(("plain",))
    text: str = body.get_content() if body else ""
    return text


@contextmanager
def scaled_out(
    extra: dict[str, str], *, postgres: Postgres, redis: Redis, smtp: Relay
) -> Iterator[Program]:
    """Run the commands of docker-compose.yml as processes until the block ends.

    What they find there by a container's paths and names lies in a private folder and on loopback.
    """
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    with private_folder("scaled") as folder, ExitStack() as stack:
        port = free_port()
        here = partial(_translate, _places(folder, port))
        _write_secrets(folder, postgres, redis, smtp)
        asked = {name: here(value) for name, value in services["web"]["environment"].items()}
        environment = _environment(port, folder, extra) | asked
        texts = partial(_relay_texts, smtp)
        program = Program("scaled out", f"http://localhost:{port}", folder, environment, texts)
        # The image brings collected files along; see the Dockerfile.
        program.manage("collectstatic", "--no-input")
        migrate = here(services["migrate"]["command"])
        subprocess.run(migrate, env=environment, cwd=ROOT, check=True, capture_output=True)
        for name in ("worker", "beat", "web"):
            for number in range(services[name].get("deploy", {}).get("replicas", 1)):
                log = folder / f"{name}{number}.log"
                command = here(services[name]["command"])
                process = stack.enter_context(
                    running(command, log=log, environment=environment, cwd=ROOT)
                )
        wait_for(lambda: well(program), what="web", log=log, process=process, seconds=60, pause=0.5)
        yield program


def _places(folder: Path, port: int) -> dict[str, str]:
    return {
        "/run/secrets": f"{folder}/secrets",
        "/muara/collected": f"{folder}/collected",
        "/tmp/beat": f"{folder}/beat",
        "/data": f"{folder}/data",
        "0.0.0.0": "127.0.0.1",
        "8000": str(port),
    }


def _translate(places: Mapping[str, str], value: Any) -> Any:
    if isinstance(value, list):
        return [_translate(places, item) for item in value]
    for there, here in places.items():
        if value == there or value.startswith(f"{there}/"):
            return value.replace(there, here, 1)
    return value


def _write_secrets(folder: Path, postgres: Postgres, redis: Redis, smtp: Relay) -> None:
    for name in ("data", "secrets", "collected"):
        (folder / name).mkdir()
    secrets = {
        "database_url": postgres.create_database("scaled_out"),
        "redis_url": redis.url(1),
        "email_url": smtp.url,
        "secret_key": new_key(),
        "credential_keys": new_key(),
    }
    for name, secret in secrets.items():
        (folder / "secrets" / name).write_text(f"{secret}\n")


def _relay_texts(smtp: Relay, address: str) -> list[str]:
    return [_text(mail) for mail in smtp.mail_for(address)]


def well(program: Program) -> bool:
    """Tell whether the program calls itself well."""
    try:
        with urlopen(f"{program.url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
