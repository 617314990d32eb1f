"""Signing in with the company's provider, as the doors see it; the library behind it is loaded where it is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class SignInRefusedError(Exception):
    """What came back is not to be believed; `reason` is a word for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what must come back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account at the provider."""

    issuer: str
    subject: str
    email: str | None
    """Only a verified address."""


class CompanySignIn(Protocol):
    """Both methods may raise `OutageError` while the provider does not answer."""

    async def begin(self, redirect_uri: str) -> Begun: ...

    async def finish(
        self, answer: Mapping[str, str], redirect_uri: str, *, nonce: str, verifier: str
    ) -> Account:
        """Who signed in, by the parameters that came back. Raises `SignInRefusedError`."""
        ...
