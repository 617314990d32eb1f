"""Whether a report comes from the company's Zendesk. Pure.

It says that something changed, and nothing more is taken from it: what changed is asked for with `history`.
"""

import base64
import hmac
from datetime import datetime, timedelta

MAX_AGE = timedelta(minutes=5)
"""Older reports are refused: somebody may have kept one."""


def is_genuine(body: bytes, *, signature: str, timestamp: str, secret: str, at: datetime) -> bool:
    """`signature` and `timestamp` are the headers `X-Zendesk-Webhook-Signature` and `…-Signature-Timestamp`."""
    expected = hmac.digest(secret.encode(), timestamp.encode() + body, "sha256")
    if not secret or not hmac.compare_digest(base64.b64encode(expected), signature.encode()):
        return False
    try:
        sent = datetime.fromisoformat(timestamp)
        return abs(at - sent) <= MAX_AGE
    except (ValueError, TypeError):
        return False
