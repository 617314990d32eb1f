"""Texts of others that a turn is given beside its message: as data, redacted, and for the record."""

from collections.abc import Iterator, Mapping

from copilot.errors import DeskUnavailableError
from copilot.ports import Desk
from copilot.record import Given
from copilot.state import Asked, Memory
from policies.redaction import Redactor

_CASES = 1
"""Tickets whose text is read: this conversation's, else the latest of the person's others."""


async def given_to(
    asked: Asked, memory: Memory, desk: Desk, redactor: Redactor
) -> tuple[Given, ...]:
    """What is said around the message. The inquiry is redacted already, a ticket's text is not."""
    tickets = [ref.id for ref in (memory.ticket, *(t.ticket for t in asked.earlier)) if ref]
    said = await _texts(desk, tuple(dict.fromkeys(tickets))[:_CASES])
    return (
        *_of_the_channel(asked),
        *(
            Given(kind="ticket", source=ticket, text=redactor.redact(text, asked.seen).text)
            for ticket, text in said.items()
        ),
    )


def _of_the_channel(asked: Asked) -> Iterator[Given]:
    if asked.inquiry.display_name:
        yield Given(kind="display_name", text=asked.inquiry.display_name)
    for past in asked.inquiry.history:
        yield Given(kind="history", source=past.user, text=past.text)


async def _texts(desk: Desk, tickets: tuple[str, ...]) -> Mapping[str, str]:
    if not tickets:
        return {}
    try:
        return await desk.texts(tickets)
    except DeskUnavailableError:
        # What an old ticket says is not worth a turn; a case that needs the desk says so itself.
        return {}
