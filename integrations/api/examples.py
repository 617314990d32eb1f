"""Examples and error descriptions of the OpenAPI document. All persons and values are examples."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.api.problems import MEDIA_TYPE, Kind

OpenApi = dict[str, Any]
"""OpenAPI objects are free-form JSON."""

_ASK = {
    "plain": {
        "summary": "A question; the server fills in id and time",
        "value": {"text": "The VPN says certificate validation failure", "user": "dana.reed"},
    },
    "whole": {
        "summary": "Everything that may be sent",
        "value": {
            "id": "msg-0001",
            "text": "I did that and it still does not work",
            "user": "dana.reed",
            "thread": "th-0001",
            "channel": "intranet",
            "at": "2026-11-22T09:30:00Z",
            "display_name": "Dana",
            "history": [
                {"user": "dana.reed", "at": "2026-11-22T09:28:00Z", "text": "The VPN is down"}
            ],
        },
    },
}
_FEEDBACK = {
    "fixed": {
        "summary": "It works now",
        "value": {"inquiry_id": "msg-0001", "user": "dana.reed", "verdict": "fixed"},
    },
    "stuck": {
        "summary": "It did not help",
        "value": {
            "inquiry_id": "msg-0001",
            "user": "dana.reed",
            "verdict": "still_stuck",
            "comment": "The same message appears again",
        },
    },
}
VERSIONS = {
    "code": "0.1.0", "knowledge": "k-1f2e3d", "policy": "p-4c5b6a", "prompts": "t-7d8e9f", "model": "embedded-extractive",
}  # fmt: skip
REPLY = {
    "inquiry_id": "msg-0001",
    "thread_id": "th-0001",
    "disposition": "answer",
    "text": "What to do:\n1. Connect to the office network.\n2. Run Sync.\nSource: Certificate expired (kb-0042, reviewed 2026-09-01)",
    "language": "en",
    "category": "vpn",
    "subcategory": "certificate_expired",
    "action_type": "instructions",
    "confidence": 0.91,
    "choices": [],
    "citations": [
        {
            "article_id": "kb-0042",
            "title": "Certificate expired",
            "section": "Steps",
            "quote": "Run Sync.",
            "reviewed_on": "2026-09-01",
            "version": "3",
        }
    ],
    "policy": {
        "effect": "permit",
        "rules": [],
        "actions": [],
        "reason": None,
        "policy_version": "p-4c5b6a",
    },
    "handoff": None,
    "ticket": None,
    "resolved": None,
    "versions": VERSIONS,
    "timing_ms": {"total": 14.2},
    "cost_usd": 0.0,
}
THREAD = {
    "thread_id": "th-0001",
    "user": "dana.reed",
    "turns": [
        {
            "inquiry_id": "msg-0001",
            "at": "2026-11-22T09:30:00Z",
            "text": "The VPN says certificate validation failure",
            "reply": REPLY,
            "outcome": "fixed",
            "signals": {},
        }
    ],
}
FEEDBACK_DONE = {"inquiry_id": "msg-0001", "verdict": "fixed", "recorded": True}
ABOUT = {
    "company": "Example Ltd",
    "mode": "demo",
    "now": "2026-11-22T09:30:00Z",
    "default_user": "dana.reed",
    "version": "0.1.0",
}
READY = {"status": "ready"}
ALIVE = {"status": "alive"}


def body(schema: Mapping[str, object], examples: Mapping[str, object]) -> OpenApi:
    """A JSON request body."""
    content = {"application/json": {"schema": dict(schema), "examples": dict(examples)}}
    return {"requestBody": {"required": True, "content": content}}


def ask_body(schema: Mapping[str, object]) -> OpenApi:
    return body(schema, _ASK)


def feedback_body(schema: Mapping[str, object]) -> OpenApi:
    return body(schema, _FEEDBACK)


def answer(
    description: str, example: object, schema: Mapping[str, object] | None = None
) -> OpenApi:
    """What a successful request gets."""
    shown: OpenApi = {"example": example}
    if schema is not None:
        shown["schema"] = dict(schema)
    return {"description": description, "content": {"application/json": shown}}


def problems(kinds: Iterable[Kind], instance: str) -> dict[int | str, OpenApi]:
    """The problems of an operation by status, each with an example."""
    found: dict[int | str, OpenApi] = {}
    for kind in kinds:
        shown = found.setdefault(
            kind.status,
            {
                "description": kind.title,
                "content": {
                    MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
                },
            },
        )
        example = {
            "type": kind.type,
            "title": kind.title,
            "status": kind.status,
            "detail": kind.meaning,
            "instance": instance,
        }
        shown["content"][MEDIA_TYPE]["examples"][kind.slug] = {
            "summary": kind.title,
            "value": example,
        }
    return found


PROBLEM_SCHEMA: OpenApi = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Identifies the kind of problem.",
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {
            "type": "string",
            "description": "What was wrong with which value, and what to do.",
        },
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "description": "Every faulty field of the request.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "reasons": {
            "type": "array",
            "description": "What keeps the copilot from serving.",
            "items": {"type": "string"},
        },
    },
}
