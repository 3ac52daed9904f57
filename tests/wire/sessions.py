"""Opens sessions to scripted servers with limits short enough for a test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.servers.scripted import PASSWORD, USER, Pop3Server
from wire.login import PasswordLogin
from wire.pop3 import Limits, Pop3Session, open_pop3

LOGIN = PasswordLogin(USER, PASSWORD)
# A second is long on loopback; a stall costs a third of it.
BRIEF = Limits(
    session_seconds=5,
    connect_seconds=2,
    answer_seconds=0.3,
    sign_in_seconds=0.3,
    line_bytes=4096,
    listed=100,
    message_bytes=100_000,
    window_bytes=50_000,
)


def open_at(
    server: Pop3Server,
    login: PasswordLogin = LOGIN,
    *,
    steps: list[str] | None = None,
    **limits: Any,
) -> Pop3Session:
    """Open a session at a scripted server."""
    heard: list[str] = [] if steps is None else steps
    return open_pop3(
        server.endpoint,
        login,
        guard=server.guard,
        limits=replace(BRIEF, **limits),
        on_step=heard.append,
    )
