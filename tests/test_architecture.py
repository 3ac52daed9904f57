"""Promises about the whole tree: what strangers see, what is committed, what has words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import explain
from tests.servers.shapes import ROOT
from wire import errors

SOME = {
    "uuid": str(UUID(int=1)),
    "int": "1",
    "str": "1",
    "path": "1",
    "slug": "1",
}
# What somebody who has not signed in may see; everything else is refused.
OPEN = {
    "/favicon.ico": "leads to the icon",
    "/healthz": "for load balancers",
    "/help/": "help needs no account",
    "/language/": "choosing a language needs no account",
    "/auth/login/": "signing in",
    "/auth/signup/": "signing up",
    "/auth/password/reset/": "a lost password",
    "/auth/password/reset/done/": "says that a code is on its way",
    "/auth/logout/": "leads home whoever asks",
    "/admin/logout/": "leads to the sign-in whoever asks",
    "/auth/inactive/": "says that an account is closed",
}


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield a path for every pattern, and its name."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        elif isinstance(entry, URLPattern):
            yield filled(route), entry.name or route


def filled(route: str) -> str:
    """Put something into the places of a route, whichever way it is written."""
    route = re.sub(r"<(\w+):\w+>", lambda place: SOME[place[1]], route)
    route = re.sub(r"<\w+>", "1", re.sub(r"\(\?P<\w+>[^)]*\)", "1", route))
    return "/" + re.sub(r"\\(.)", r"\1", route).replace("^", "").rstrip("$").replace("\\Z", "")


def refused(answer: HttpResponseBase) -> bool:
    """Tell whether an answer shows nothing."""
    away = answer.get("Location", "")
    return answer.status_code in {403, 404, 405} or (
        answer.status_code == 302 and away.startswith(("/auth/", "/mail/", "/admin/login/"))
    )


@pytest.mark.django_db
def test_a_stranger_sees_nothing(client: Client) -> None:
    seen = {}
    for path, name in sorted(set(patterns(get_resolver()))):
        for method in (client.get, client.post):
            answer = method(path)
            where = answer.get("Location", "")
            sys.stdout.write(f"{answer.status_code} {path} ({name}) {where}\n")
            if not refused(answer):
                seen[path] = answer.status_code
    assert set(seen) == set(OPEN), seen


def committed() -> list[Path]:
    """Name every text file that is committed here."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("needs a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def lines(path: Path) -> list[str]:
    """Read a text file; nothing where it is another kind."""
    try:
        return path.read_text().splitlines()
    except (UnicodeDecodeError, FileNotFoundError):
        return []


def test_locks_and_settings_name_no_package_host() -> None:
    for path in ROOT.glob("locks/*.txt"):
        assert [line for line in lines(path) if "://" in line or "index-url" in line] == []


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    place = re.compile(r"/(root|home/\w+|work)/|" + re.escape(str(Path.home())) + "/")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in committed()
        if path != Path(__file__)
        for line in lines(path)
        if place.search(line)
    ]
    assert found == []


def test_every_error_code_has_words_and_a_next_step() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {code for kind in kinds for code in getattr(kind, "codes", ())}
    assert codes
    for code in sorted(codes):
        said = explain.explain(code, {})
        assert str(said.title)
        assert str(said.advice)
        assert str(said.step_words)
        assert code not in str(said.title), "a code is no sentence"
