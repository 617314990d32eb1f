"""What the graph is really doing, shown in Slack while somebody waits for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from integrations.slack.ledger import Place
from integrations.slack.parts import Kit

_WORDS = {
    "understand": "is reading your message…",
    "gate": "is checking what it may answer…",
    "recall": "is searching the knowledge base…",
    "write": "is writing an answer…",
    "check": "is checking the answer against the articles…",
    "hand_off": "is passing your case to people…",
    "reply": "is about to answer…",
}


@asynccontextmanager
async def narrated(kit: Kit, place: Place) -> AsyncIterator[Callable[[str], None]]:
    """Gives what is told each step of the graph. An answer that comes at once shows no status."""
    step = "understand"

    def tell(name: str) -> None:
        nonlocal step
        step = name

    async def show() -> None:
        shown = None
        await asyncio.sleep(kit.options.status_after)
        while True:
            if step != shown:
                shown = step
                await set_status(kit, place, _WORDS.get(step, "is working on it…"))
            await asyncio.sleep(kit.options.status_every)

    showing = asyncio.create_task(show())
    try:
        yield tell
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


async def set_status(kit: Kit, place: Place, words: str) -> None:
    """The line below the conversation; Slack takes it away with the next message."""
    await kit.try_call(
        place.team,
        "assistant.threads.setStatus",
        channel_id=place.channel,
        thread_ts=place.root,
        status=words,
    )
