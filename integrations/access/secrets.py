"""Random secrets and what is kept of them.

They carry 256 random bits, so a plain hash can't be guessed back; a slow one would only slow us.
"""

import hashlib
import secrets

TOKEN_PREFIX = "itc_"  # noqa: S105  # lets secret scanners recognise a leaked token
_ID_BYTES = 6


def fresh_secret() -> str:
    return secrets.token_urlsafe(32)


def fresh_id() -> str:
    """Names a token or a session in lists and logs; it opens nothing."""
    return secrets.token_hex(_ID_BYTES)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
