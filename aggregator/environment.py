"""Reads ``MUARA_…`` variables from the environment, .env and files, and refuses what is no use.

Every refusal ends the program with one sentence that names the variable and says what to do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from difflib import get_close_matches
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from django.http.request import split_domain_port
from dotenv.parser import parse_stream
from environs import Env, EnvError

PREFIX = "MUARA_"
KINDS = {"int": "a whole number", "bool": "true or false"}
# What the tests read for themselves, and what one process leaves for another: no settings.
ELSEWHERE = frozenset(
    {"LIFELINE", "SEED", "SWEEP", "CORPUS", "CORPUS_HTML", "REPORT", "SCREENSHOTS"}
)
SERVER_PACKAGES = ".venv/bin/python -m pip install --require-hashes --requirement locks/server.txt"
env = Env(prefix=PREFIX, expand_vars=False)
_asked_for = {"ENV_FILE"}


def refuse(sentence: str) -> NoReturn:
    """End the program with one sentence that says what to do."""
    raise SystemExit(f"muara: {sentence}")


def asks_for_help(words: Sequence[str]) -> bool:
    """Tell whether a command of manage.py only asks what there is, for which nothing is made."""
    is_ours = Path(words[0]).name == "manage.py"
    return is_ours and (words[1:2] in ([], ["help"]) or not {"-h", "--help"}.isdisjoint(words))


def read_env_file(named: str, usual: Path) -> set[str]:
    """Add the variables of the file that MUARA_ENV_FILE names, else of the usual one if any.

    Return their names. Refuse a line that is no variable: dotenv would leave it out.
    """
    file = Path(named) if named else usual
    if not file.exists():
        if named:
            refuse(f"MUARA_ENV_FILE names {named}, which is not there; mend the path or unset it.")
        return set()
    try:
        names = _names_in(file)
        env.read_env(str(file), recurse=False)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "it is no text file"
        refuse(f"{file} cannot be read ({reason}); mend it, or name another in MUARA_ENV_FILE.")
    return names


def _names_in(file: Path) -> set[str]:
    names = set()
    with file.open(encoding="utf-8") as text:
        for entry in parse_stream(text):
            # What dotenv has read begins with the empty lines above it.
            written = entry.original.string
            blank = written[: len(written) - len(written.lstrip())].count("\n")
            if entry.error or (entry.key and entry.value is None):
                refuse(
                    f"{file} cannot be used, as its line {entry.original.line + blank} does not "
                    "read NAME=value (a value with spaces or quotes stands in quotes)."
                )
            names.add(entry.key or "")
    return names - {""}


def read(kind: str, name: str, default: Any) -> Any:
    """Read one variable, or the file that ``NAME_FILE`` points to."""
    _asked_for.add(name)
    try:
        file = env.str(f"{name}_FILE", "")
        return _from_file(kind, name, Path(file)) if file else getattr(env, kind)(name, default)
    except EnvError:
        refuse(f"MUARA_{name} must be {KINDS.get(kind, 'readable')}; mend it and start again.")
    except UnicodeDecodeError:
        refuse(f"MUARA_{name}_FILE names {file}, which is no text file; name another.")
    except OSError as error:
        refuse(
            f"MUARA_{name}_FILE names {error.filename}, which cannot be read ({error.strerror}); "
            "mend the path or who may read it."
        )


def _from_file(kind: str, name: str, file: Path) -> Any:
    """Read a file's text as the variable itself would be read; it stays out of the environment."""
    os.environ[f"{PREFIX}{name}"] = file.read_text().strip()
    try:
        return getattr(env, kind)(name)
    finally:
        del os.environ[f"{PREFIX}{name}"]


def refuse_unknown(in_file: set[str]) -> None:
    """Refuse a ``MUARA_…`` variable that nothing has asked for: most likely it is mistyped."""
    known = _asked_for | {f"{name}_FILE" for name in _asked_for}
    given = {
        name.removeprefix(PREFIX) for name in {*os.environ, *in_file} if name.startswith(PREFIX)
    }
    for name in sorted(given - known - ELSEWHERE):
        near = get_close_matches(name, sorted(known), n=1)
        meant = f"did you mean MUARA_{near[0]}?" if near else ".env.example lists all there are."
        refuse(f"There is no variable MUARA_{name}; {meant}")


def port(number: int) -> int:
    """Take a port that can be listened on."""
    if not 0 < number < 65536:
        refuse(f"MUARA_PORT is {number}, but a port lies between 1 and 65535.")
    return number


def site_url(text: str) -> SplitResult:
    """Take the address of the site: scheme, host and maybe a port, nothing behind."""
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in url.netloc or url.path or url.query or url.fragment:
        refuse("MUARA_URL must look like https://mail.example.org, with no path behind it.")
    return url


def hosts(entries: list[str]) -> list[str]:
    """Take host names and addresses as they stand in a Host header, without port."""
    names = [entry.strip() for entry in entries]
    for name in names:
        domain, port = split_domain_port(name)
        if not domain.strip(".") or port or "*" in name:
            refuse(
                f"MUARA_HOSTS: {name!r} is no host name; write names such as "
                "mail.example.org,[fd00::1], divided by commas, without https:// and port."
            )
    return names


def proxy_count(number: int) -> int:
    """Take how many proxies stand in front."""
    if number < 0:
        refuse(f"MUARA_PROXY_COUNT is {number}; write how many proxies stand in front, 0 for none.")
    return number


def sender(text: str) -> str:
    """Take an address, maybe with a name before it: ``Muara <muara@example.org>``."""
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", parseaddr(text)[1]) or "\n" in text:
        refuse(f"MUARA_EMAIL_FROM is {text!r}; write an address such as muara@example.org.")
    return text


def networks(name: str) -> tuple[Any, ...]:
    """Read a list of IP networks."""
    try:
        return tuple(ip_network(value.strip()) for value in read("list", name, []))
    except ValueError as error:
        refuse(f"MUARA_{name}: {error}; write networks as 10.0.0.0/8,fd00::/8.")


def detours(rules: list[str]) -> dict[tuple[str, int], tuple[str, int]]:
    """Take rules such as ``pop.example.org:995=127.0.0.1:10995``."""
    pairs = {}
    for rule in rules:
        try:
            (name, port), (real, real_port) = (
                side.strip().rsplit(":", 1) for side in rule.split("=")
            )
            pairs[name.lower(), int(port)] = (real.strip("[]"), int(real_port))
        except ValueError:
            refuse(
                f"MUARA_CONNECT_TO: {rule!r} must look like pop.example.org:995=127.0.0.1:10995."
            )
    return pairs


def nameserver(text: str) -> tuple[str, int] | None:
    """Take the address of a resolver, ``127.0.0.1:5353``; nothing means the system's own."""
    if not text:
        return None
    host, _, number = text.rpartition(":")
    try:
        return str(ip_address(host.strip("[]"))), int(number)
    except ValueError:
        refuse(f"MUARA_NAMESERVER is {text!r}; write an address and a port as 127.0.0.1:53.")


def redis_url(text: str) -> str:
    """Take the address of a Redis, or nothing."""
    if text and not text.startswith(("redis://", "rediss://")):
        refuse("MUARA_REDIS_URL must look like redis://:password@host:6379/0.")
    if text:
        require("redis", "MUARA_REDIS_URL", "a Redis")
    return text


def require(package: str, variable: str, what: str) -> None:
    """Refuse to go on where a package of locks/server.txt is needed and not installed."""
    if find_spec(package) is None:
        refuse(
            f"{variable} names {what}, for which packages are missing here; run {SERVER_PACKAGES} "
            "and start again."
        )
