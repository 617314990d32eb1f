"""A small OpenID Connect provider on which every answer can be made wrong."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

ISSUER, CLIENT, SECRET = "https://login.example", "copilot", "its-secret"
Change = Callable[[dict[str, Any]], object]


class LocalProvider:
    """Discovery, keys and tokens; `change` alters the claims, `encode` how they are signed."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.change: Change = lambda claims: None
        self.encode: Callable[[dict[str, Any]], str] = self.signed
        self.issuer = ISSUER
        self.is_down = False
        self.fetched: list[str] = []
        self._codes: dict[str, Mapping[str, str]] = {}

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        return f"{_parts({'alg': 'none'}, claims)}."

    def by_public_key(self, claims: dict[str, Any]) -> str:
        """The public key, which everybody has, used as if it were a shared secret."""
        signed = _parts({"alg": "HS256", "kid": self.key.kid}, claims)
        made = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{_encoded(made)}"

    def change_key(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})

    def sign_in(self, url: str) -> dict[str, str]:
        """What comes back to the redirect address after somebody signed in at `url`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.fetched.append(request.url.path)
        if self.is_down:
            raise httpx.ConnectError("refused", request=request)
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self._about())
        if request.url.path == "/keys":
            return httpx.Response(200, json=KeySet([self.key]).as_dict(private=False))
        return self._token(parse_qs(request.content.decode()))

    def _about(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            # What it says of itself makes nothing acceptable.
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def _token(self, sent: Mapping[str, list[str]]) -> httpx.Response:
        asked = self._codes.pop(sent["code"][0], None)
        if asked is None or _challenge(sent["code_verifier"][0]) != asked["code_challenge"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": "account-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "dana.reed@larkfield.example",
            "email_verified": True,
            "groups": ["administrators", "service_desk"],
        }
        self.change(claims)
        body = {"access_token": "a", "token_type": "Bearer", "id_token": self.encode(claims)}
        return httpx.Response(200, json=body)


def _challenge(verifier: str) -> str:
    return _encoded(hashlib.sha256(verifier.encode()).digest())


def _parts(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))


def _encoded(given: bytes) -> str:
    return base64.urlsafe_b64encode(given).rstrip(b"=").decode()
