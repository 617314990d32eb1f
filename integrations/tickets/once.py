"""Making a ticket exactly once at a system that can't tell a repeated request."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from integrations.tickets.port import (
    Applied,
    NewTicket,
    Outcome,
    RemoteTicket,
    TicketDesk,
    TicketSystemError,
    Unknown,
)


async def deliver_once(
    desk: TicketDesk,
    ticket: NewTicket,
    *,
    tries: int,
    look_seconds: Sequence[float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Outcome:
    """The ticket of that correlation id, made only if there is none.

    A request without an answer may still be at work over there: it is looked for after each of `look_seconds`
    before it is sent again, at most `tries` times. One caller at a time for each correlation id. Raises
    `TicketSystemError` where surely nothing was made.
    """
    known = await desk.find(ticket.correlation_id)
    if known is not None:
        return Applied(known)
    outcome: Outcome = Unknown(f"Nothing was sent: {tries} tries.")
    sent = False
    for _ in range(tries):
        try:
            outcome = await desk.create(ticket)
            if not isinstance(outcome, Unknown):
                return outcome
            sent = True
            known = await _appeared(desk, ticket.correlation_id, look_seconds, sleep)
        except TicketSystemError as error:
            if not sent:
                raise
            return Unknown(f"A ticket may have been made, and it can't be looked for: {error}")
        if known is not None:
            return Applied(known)
    return outcome


async def _appeared(
    desk: TicketDesk,
    correlation_id: str,
    look_seconds: Sequence[float],
    sleep: Callable[[float], Awaitable[None]],
) -> RemoteTicket | None:
    for seconds in look_seconds:
        await sleep(seconds)
        known = await desk.find(correlation_id)
        if known is not None:
            return known
    return None
