"""What the graph is really doing, shown in Slack while somebody waits for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from copilot.errors import OutageError
from integrations.slack.ledger import Place
from integrations.slack.parts import Kit

_WORDS = {
    "understand": "reading your message",
    "gate": "checking what it may answer",
    "recall": "searching the knowledge base",
    "write": "writing an answer",
    "check": "checking the answer against the articles",
    "hand_off": "passing your case to people",
    "reply": "about to answer",
}


@asynccontextmanager
async def narrated(
    kit: Kit, place: Place, stream: str | None, *, is_shown: bool
) -> AsyncIterator[Callable[[str], None]]:
    """Gives what is told each step of the graph. An answer that comes at once shows no status.

    Not `is_shown` where others read along: that a case goes to people is nobody else's business.

    With the key of a `stream`, an answer that takes long gets a message that shows the steps, and
    nothing of the answer: that is shown once it is decided and checked.
    """
    steps = ["understand"]
    if not is_shown:
        yield steps.append
        return
    showing = asyncio.create_task(_show(kit, place, stream, steps))
    try:
        yield steps.append
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


async def _show(kit: Kit, place: Place, stream: str | None, steps: list[str]) -> None:
    await asyncio.sleep(kit.options.status_after)
    await _set_status(kit, place, steps[-1])
    await asyncio.sleep(max(0.0, kit.options.stream_after - kit.options.status_after))
    try:
        opened = stream and await kit.poster.open_stream(stream, place, _title(steps[-1]))
        shown, number = steps[-1], 1
        while True:
            await asyncio.sleep(kit.options.status_every)
            if steps[-1] == shown:
                continue
            number += 1
            if opened:
                await kit.poster.stream_step(
                    place, opened, number, _title(shown), _title(steps[-1])
                )
            else:
                await _set_status(kit, place, steps[-1])
            shown = steps[-1]
    except OutageError as error:
        kit.helpdesk.counters.failure("slack", error)


async def _set_status(kit: Kit, place: Place, step: str) -> None:
    """The line below the conversation; Slack takes it away with the next message."""
    await kit.try_call(
        place.team,
        "assistant.threads.setStatus",
        channel_id=place.channel,
        thread_ts=place.root,
        status=f"is {_words(step)}…",
    )


def _words(step: str) -> str:
    return _WORDS.get(step, "working on it")


def _title(step: str) -> str:
    return _words(step).capitalize()
