"""Signing in with the company's provider: OpenID Connect's authorization code with PKCE, state and nonce.

The provider says who somebody is. What they may do comes from the directory, never from its claims.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from copilot.errors import OutageError
from integrations.access.secrets import fresh_secret
from integrations.access.signing_in import Account, Begun, SignInRefusedError

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with the provider's key pair only: no `none`, and no shared secret as a key."""
_SERVER_ERROR = 500
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Provider:
    """The company's provider and this client's registration there."""

    issuer: str
    client_id: str
    client_secret: str
    seconds: float = 5.0
    fresh_seconds: float = 3_600.0
    """So long its metadata and keys are not fetched again, unless a key is missing."""
    leeway_seconds: int = 60
    """How far its clock may be off."""
    trusts_emails: bool = False
    """Whether its addresses count without `email_verified`, which some providers never say."""


class OidcSignIn:
    """Talks to one provider. It may be out of order: then `OutageError`."""

    def __init__(
        self,
        provider: Provider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._transport = transport
        self._clock = clock
        self._found: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def begin(self, redirect_uri: str) -> Begun:
        about = await self._about()
        begun = Begun("", fresh_secret(), fresh_secret(), fresh_secret())
        url = prepare_grant_uri(
            about["authorization_endpoint"],
            self._provider.client_id,
            "code",
            redirect_uri=redirect_uri,
            scope="openid email profile",
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return replace(begun, url=url)

    async def finish(
        self, answer: Mapping[str, str], redirect_uri: str, *, nonce: str, verifier: str
    ) -> Account:
        """Who signed in, by the parameters that came back. Raises `SignInRefusedError`."""
        if "error" in answer or not answer.get("code"):
            raise SignInRefusedError("provider_refused")
        if answer.get("iss", self._provider.issuer) != self._provider.issuer:
            raise SignInRefusedError("other_issuer")
        token = await self._token(
            {
                "grant_type": "authorization_code",
                "code": answer["code"],
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            }
        )
        claims = await self._claims(token, nonce)
        return self._account(claims)

    def _account(self, claims: Mapping[str, Any]) -> Account:
        is_verified = claims.get("email_verified") in (True, "true") or self._provider.trusts_emails
        email = claims.get("email") if is_verified else None
        return Account(self._provider.issuer, str(claims["sub"]), email or None)

    async def _claims(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        encoded = token.get("id_token")
        if not isinstance(encoded, str):
            raise SignInRefusedError("no_id_token")
        try:
            decoded = await self._decoded(encoded)
            claims = self._checkable(decoded, token, nonce)
            claims.validate(leeway=self._provider.leeway_seconds)
        except (AuthlibBaseError, JoseError, ValueError) as error:
            raise SignInRefusedError("id_token_refused") from error
        found: Mapping[str, Any] = claims
        return found

    def _checkable(self, decoded: jwt.Token, token: Mapping[str, Any], nonce: str) -> CodeIDToken:
        us = self._provider.client_id
        required = {
            "iss": {"essential": True, "value": self._provider.issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": us},
            "exp": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        given = {"client_id": us, "nonce": nonce, "access_token": token.get("access_token")}
        return CodeIDToken(decoded.claims, decoded.header, required, given)

    async def _decoded(self, encoded: str) -> jwt.Token:
        try:
            return jwt.decode(encoded, await self._key_set(), algorithms=_ALGORITHMS)
        except InvalidKeyIdError:
            # The provider may have changed its key since.
            return jwt.decode(encoded, await self._key_set(anew=True), algorithms=_ALGORITHMS)

    async def _key_set(self, *, anew: bool = False) -> KeySet:
        if self._keys is None or anew or self._is_old(self._keys[0]):
            about = await self._about()
            keys = KeySet.import_key_set(await self._json(about["jwks_uri"]))
            self._keys = (self._clock(), keys)
        return self._keys[1]

    async def _about(self) -> Mapping[str, Any]:
        if self._found is None or self._is_old(self._found[0]):
            url = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = await self._json(url)
            self._check(found)
            self._found = (self._clock(), found)
        return self._found[1]

    def _check(self, found: Mapping[str, Any]) -> None:
        if found.get("issuer") != self._provider.issuer:
            raise OutageError(
                f"The sign-in provider calls itself '{str(found.get('issuer'))[:100]}', not "
                f"'{self._provider.issuer}'. Set COPILOT_ACCESS_OIDC_ISSUER as it says."
            )
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _is_protected(str(found.get(name, ""))):
                raise OutageError(
                    f"The sign-in provider {self._provider.issuer} names no encrypted '{name}'. "
                    "Ask whoever runs it."
                )

    def _is_old(self, since: float) -> bool:
        return self._clock() - since > self._provider.fresh_seconds

    async def _token(self, sent: Mapping[str, str]) -> Mapping[str, Any]:
        """Exchange a code. The library's own client would take whichever HTTP library is installed."""
        about, us = await self._about(), self._provider
        known = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        is_basic = "client_secret_basic" in known
        # RFC 6749, 2.3.1: both are encoded before they are joined.
        auth = httpx.BasicAuth(quote(us.client_id, safe=""), quote(us.client_secret, safe=""))
        body = {"client_id": us.client_id, "client_secret": us.client_secret}
        try:
            async with self._client() as client:
                answer = await client.post(
                    about["token_endpoint"],
                    data={**sent, **({} if is_basic else body)},
                    auth=auth if is_basic else httpx.USE_CLIENT_DEFAULT,
                )
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._outage() from error
        if answer.status_code >= _SERVER_ERROR:
            raise self._outage()
        if not answer.is_success or not isinstance(found, dict):
            raise SignInRefusedError("code_refused")
        return found

    async def _json(self, url: str) -> Any:
        try:
            async with self._client() as client:
                answer = await client.get(url)
                return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._outage() from error

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=self._provider.seconds, transport=self._transport)

    def _outage(self) -> OutageError:
        return OutageError(
            f"The sign-in provider {self._provider.issuer} does not answer. Try again, or ask "
            "whoever runs it."
        )


def _is_protected(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
