"""A handoff as text for people, and text as ticket systems take it. Pure; plain text without markup."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from copilot.conversation import Handoff
from integrations.tickets.port import NewTicket

MISSING = "missing"
TITLE_CHARS = 190
"""Ticket systems cut titles at 200 and more; ours ends before any of them."""
_MARK = re.compile(r"\n*\[copilot ref ([0-9a-f]{16})\]\s*\Z")
_ADDRESS = re.compile(r"[^\s@<>,;:\"'()\\\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,190}")
_KEPT = "\n\t"


def sendable(text: str) -> str:
    """`text` without what no system stores: control characters and halves of characters; lines end alike."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    whole = lines.encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in whole if c in _KEPT or unicodedata.category(c) != "Cc")


def one_line(text: str, limit: int = TITLE_CHARS) -> str:
    """For titles and other places that become headers of a mail: no line can be added."""
    line = " ".join(sendable(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def an_address(email: str | None) -> str | None:
    """The address, if it is one and nothing else."""
    return email if email is not None and _ADDRESS.fullmatch(email) else None


def marked(text: str, key: str) -> str:
    """A comment with the mark by which it is found again."""
    return f"{sendable(text).rstrip()}\n\n[copilot ref {digest(key)}]"


def has_mark(text: str, key: str) -> bool:
    found = _MARK.search(text.replace("\r\n", "\n"))
    return found is not None and found[1] == digest(key)


def without_mark(text: str) -> str:
    return _MARK.sub("", text.replace("\r\n", "\n"))


def digest(key: str) -> str:
    """The key of a comment as it is written at the vendor's: short, and without anything of ours in it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


def fields(ticket: NewTicket) -> dict[str, str]:
    """Each part of the handoff by its name; what is not known is `missing`."""
    handoff = ticket.handoff
    named = {
        "summary": handoff.summary,
        "category": handoff.category,
        "subcategory": handoff.subcategory,
        "priority": handoff.priority,
        "queue": handoff.queue,
        "reason": handoff.reason_code,
        **_person(handoff),
        **_environment(handoff),
        "steps_tried": _lines(
            f"{step.step} - {step.outcome} (said by {step.source.replace('_', ' ')})"
            for step in handoff.attempted_steps
        ),
        "error_messages": _lines(handoff.error_messages),
        "evidence": _lines(f"{one.article_id}: {one.why_not_enough}" for one in handoff.evidence),
        "ruled_out": _lines(handoff.ruled_out),
        "next_step": handoff.suggested_next_step,
        "confidence": f"{handoff.confidence:.2f}",
        "identity_verified": _yes_or_no(handoff.identity_verified),
        "not_known": _lines(handoff.missing),
        "transcript": handoff.transcript_url,
        "redactions": str(handoff.redactions),
        "conversation": ticket.thread_url,
        "correlation_id": ticket.correlation_id,
    }
    return {name: sendable(value) if value else MISSING for name, value in named.items()}


def _person(handoff: Handoff) -> dict[str, str | None]:
    person = handoff.employee
    return {
        "employee": person.id,
        "name": person.name,
        "site": person.site,
        "manager": person.manager,
    }


def _environment(handoff: Handoff) -> dict[str, str | None]:
    where = handoff.environment
    return {
        "device": where.device,
        "os": where.os,
        "network": where.network,
        "location": where.location,
        "app_version": where.app_version,
        "managed": _yes_or_no(where.managed),
        "application": where.application,
    }


def rendered(ticket: NewTicket) -> str:
    """The handoff with every part by name, then what the copilot wrote for people."""
    parts = [_part(name, value) for name, value in fields(ticket).items()]
    return "\n".join([*parts, "", sendable(ticket.body).strip()]).strip() + "\n"


def _part(name: str, value: str) -> str:
    label = name.replace("_", " ").capitalize()
    if "\n" not in value:
        return f"{label}: {value}"
    return "\n".join([f"{label}:", *(f"  {line}" for line in value.split("\n"))])


def _lines(values: Iterable[str]) -> str | None:
    return "\n".join(one_line(value, 2_000) for value in values) or None


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else ("yes" if value else "no")
