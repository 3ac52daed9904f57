"""Speaks OAuth as the standards say (RFC 6749, 7636, 8414, 8628, OpenID Connect), by authlib."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from wire.errors import ClientRefused, ProtocolError, ServerBusy
from wire.http import Line, guard_session
from wire.oauth import (
    Flow,
    Grant,
    Provider,
    Request,
    addresses_in,
    check_answer,
    grant_of,
    refusal,
)

DISCOVERY = "/.well-known/openid-configuration"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
# How far the provider's clock may be from ours.
LEEWAY_SECONDS = 120
# RFC 8628 section 3.5.
SLOW_DOWN_SECONDS = 5


@contextmanager
def opened(provider: Provider, line: Line) -> Iterator[Standard]:
    """Open a talk, and read where the provider's endpoints are."""
    with OAuth2Session(
        provider.client_id,
        provider.secret or None,
        scope=" ".join(provider.scopes),
        code_challenge_method="S256",
    ) as session:
        guard_session(session, line)
        try:
            yield Standard(provider, session)
        except OAuthError as error:
            raise refusal(error.error or "", error.description or "") from error
        except requests.RequestException as error:
            raise ServerBusy("server.busy") from error
        except (ValueError, KeyError, TypeError, JoseError) as error:
            # What the libraries raise for answers that no provider should give.
            raise ProtocolError("server.protocol") from error


class Standard:
    """A talk by authlib."""

    def __init__(self, provider: Provider, session: OAuth2Session) -> None:
        """Read where the provider's endpoints are, unless that is known."""
        self._provider, self._session = provider, session
        self._published = dict(provider.endpoints) or self._discover()
        if provider.secret:
            offered = self._published.get("token_endpoint_auth_methods_supported", ())
            is_post = "client_secret_post" in offered and "client_secret_basic" not in offered
            method = "client_secret_post" if is_post else "client_secret_basic"
            session.token_endpoint_auth_method = method

    def begin(self, request: Request) -> Flow:
        """Return a flow with ``url``."""
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        more = {"nonce": nonce} if "openid" in self._provider.scopes else {}
        url, _ = self._session.create_authorization_url(
            self._published["authorization_endpoint"],
            state=request.state,
            code_verifier=verifier,
            redirect_uri=request.redirect_uri,
            login_hint=request.address,
            **more,
            **self._provider.extra,
        )
        return {"url": url, "verifier": verifier, "redirect_uri": request.redirect_uri, **more}

    def finish(self, flow: Flow, answer: Mapping[str, str]) -> Grant:
        """Exchange the code that the person brought back."""
        check_answer(self._provider, answer)
        told = self._session.fetch_token(
            self._published["token_endpoint"],
            grant_type="authorization_code",
            code=answer["code"],
            code_verifier=flow["verifier"],
            redirect_uri=flow["redirect_uri"],
        )
        return grant_of(told, self._claims(told, flow.get("nonce")))

    def begin_device(self) -> Flow:
        """Return a flow with ``user_code``, ``verification_uri`` and ``interval``."""
        answer = self._session.post(
            self._published["device_authorization_endpoint"],
            data={"scope": self._session.scope},
            auth=self._session.client_auth(self._session.token_endpoint_auth_method),
        )
        if answer.status_code >= requests.codes.server_error:
            answer.raise_for_status()
        flow: Flow = answer.json()
        if "user_code" not in flow:
            raise refusal(str(flow.get("error", "")), str(flow.get("error_description", "")))
        return flow | {"interval": int(flow.get("interval", 5))}

    def poll_device(self, flow: Flow) -> Grant | None:
        """Ask once whether the person has consented."""
        try:
            told = self._session.fetch_token(
                self._published["token_endpoint"],
                grant_type=DEVICE_GRANT,
                device_code=flow["device_code"],
            )
        except OAuthError as error:
            if error.error in {"authorization_pending", "slow_down"}:
                flow["interval"] += SLOW_DOWN_SECONDS if error.error == "slow_down" else 0
                return None
            raise
        return grant_of(told, self._claims(told, None))

    def refresh(self, refresh_token: str) -> Grant:
        """Exchange a refresh token for new ones."""
        told = self._session.refresh_token(
            self._published["token_endpoint"], refresh_token=refresh_token
        )
        return grant_of(told, {})

    def _discover(self) -> dict[str, Any]:
        """Read what the provider publishes about itself (RFC 8414 section 3)."""
        place = self._provider.issuer.rstrip("/") + DISCOVERY
        published = _json(self._session.get(place, withhold_token=True))
        if str(published["issuer"]).rstrip("/") != self._provider.issuer.rstrip("/"):
            raise ProtocolError("server.protocol")
        return published

    def _claims(self, told: Mapping[str, Any], nonce: str | None) -> Mapping[str, Any]:
        """Return what the provider says of the person, in an ID token or where it is asked."""
        claims = self._id_token(str(told["id_token"]), nonce) if "id_token" in told else {}
        if addresses_in(claims) or "userinfo_endpoint" not in self._published:
            return claims
        asked = _json(self._session.get(self._published["userinfo_endpoint"]))
        if claims and asked.get("sub") != claims["sub"]:
            raise ProtocolError("server.protocol")
        return asked

    def _id_token(self, token: str, nonce: str | None) -> Mapping[str, Any]:
        """Check an ID token (OpenID Connect Core section 3.1.3.7)."""
        keys = KeySet.import_key_set(
            _json(self._session.get(self._published["jwks_uri"], withhold_token=True))  # type: ignore[arg-type]  # what is no key set is refused
        )
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        wanted: dict[str, jwt.ClaimsOption] = {
            "iss": {"essential": True, "value": self._published["issuer"]},
            "aud": {"essential": True, "value": self._provider.client_id},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        if nonce:
            wanted["nonce"] = {"essential": True, "value": nonce}
        jwt.JWTClaimsRegistry(None, LEEWAY_SECONDS, **wanted).validate(claims)
        return claims


def _json(answer: requests.Response) -> dict[str, Any]:
    if answer.status_code >= requests.codes.server_error:
        answer.raise_for_status()
    if not answer.ok:
        raise ClientRefused("oauth.client", detail=f"{answer.status_code} {answer.reason}")
    told = answer.json()
    if not isinstance(told, dict):
        raise ProtocolError("server.protocol")
    return told
