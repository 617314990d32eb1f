"""What settings of several areas have in common."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def parts(given: object) -> object:
    """What a variable of the environment lists with commas."""
    return [p.strip() for p in given.split(",") if p.strip()] if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parts)]


def is_readable_by_others(url: str) -> bool:
    """Whether what is sent there crosses a network without encryption."""
    address = urlsplit(url)
    return address.scheme in ("http", "ldap") and address.hostname not in _LOOPBACK


def is_given(value: object) -> bool:
    """An empty password would sign in as nobody, and succeed."""
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
