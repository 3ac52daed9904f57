"""Speaks OAuth with Microsoft by its own library, msal, over our line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS
from msal.exceptions import MsalServiceError

from wire.errors import ProtocolError, ServerBusy
from wire.http import Line, guard_session
from wire.oauth import Flow, Grant, Provider, Request, check_answer, grant_of, refusal

# msal asks for these by itself, and refuses to be told so.
OWN_SCOPES = {"openid", "profile", "offline_access"}
# It would log whole answers that it cannot read, tokens and all.
logging.getLogger("msal").setLevel(logging.CRITICAL)


@contextmanager
def opened(provider: Provider, line: Line) -> Iterator[Microsoft]:
    """Open a talk; msal reads the provider's endpoints at once, and keeps nothing for the next.

    Its own memory would repeat a trouble of the provider for a minute after that has passed.
    """
    with requests.Session() as session:
        guard_session(session, line)
        try:
            yield Microsoft(provider, session)
        except (requests.RequestException, MsalServiceError) as error:
            raise ServerBusy("server.busy") from error
        except (ValueError, KeyError, RuntimeError) as error:
            # What msal raises for answers that no provider should give.
            raise ProtocolError("server.protocol") from error


class Microsoft:
    """A talk by msal."""

    def __init__(self, provider: Provider, session: requests.Session) -> None:
        """Read where the provider's endpoints are."""
        self._provider = provider
        self._scopes = [scope for scope in provider.scopes if scope not in OWN_SCOPES]
        self._app = _app(provider, session)

    def begin(self, request: Request) -> Flow:
        """Return a flow with ``url``."""
        with warnings.catch_warnings(action="ignore"):
            # It would like a POST to come back, which our session cookie does not follow.
            flow: Flow = self._app.initiate_auth_code_flow(
                self._scopes,
                redirect_uri=request.redirect_uri,
                state=request.state,
                login_hint=request.address,
                response_mode="query",
                **self._provider.extra,
            )
        return flow | {"url": flow["auth_uri"]}

    def finish(self, flow: Flow, answer: Mapping[str, str]) -> Grant:
        """Exchange the code that the person brought back."""
        check_answer(self._provider, answer)
        told = self._app.acquire_token_by_auth_code_flow(flow, dict(answer))
        return grant_of(told, told.get("id_token_claims", {}))

    def begin_device(self) -> Flow:
        """Return a flow with ``user_code``, ``verification_uri`` and ``interval``."""
        flow: Flow = self._app.initiate_device_flow(self._scopes)
        if "user_code" not in flow:
            raise refusal(str(flow.get("error", "")), str(flow.get("error_description", "")))
        return flow

    def poll_device(self, flow: Flow) -> Grant | None:
        """Ask once whether the person has consented."""
        told = self._app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        if told.get("error") in {"authorization_pending", "slow_down"}:
            return None
        return grant_of(told, told.get("id_token_claims", {}))

    def refresh(self, refresh_token: str) -> Grant:
        """Exchange a refresh token for new ones."""
        told = self._app.acquire_token_by_refresh_token(refresh_token, self._scopes)
        return grant_of(told, told.get("id_token_claims", {}))


def _app(provider: Provider, session: requests.Session) -> Any:
    is_known = urlsplit(provider.issuer).hostname in WELL_KNOWN_AUTHORITY_HOSTS
    place: dict[str, Any] = (
        {"authority": provider.issuer.rstrip("/").removesuffix("/v2.0")}
        if is_known
        else {"oidc_authority": provider.issuer.rstrip("/"), "instance_discovery": False}
    )
    if provider.secret:
        return msal.ConfidentialClientApplication(
            provider.client_id, client_credential=provider.secret, http_client=session, **place
        )
    return msal.PublicClientApplication(provider.client_id, http_client=session, **place)
