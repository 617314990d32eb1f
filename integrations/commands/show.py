"""`copilot show`: a conversation with what was decided and why."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from copilot.conversation import Reply
from copilot.errors import UnknownThreadError
from copilot.record import ThreadTurn, ThreadView, TurnRecord
from integrations.commands.failures import plain
from integrations.home import Home
from integrations.settings import Settings

Records = Mapping[str, TurnRecord]


def show(thread: str, as_json: bool, home: Path | None) -> int:
    """Print the conversation from the record, which a running server may go on writing."""
    settings = Settings() if home is None else Settings(home=home)
    view, records = asyncio.run(_read(settings, thread))
    if as_json:
        click.echo(json.dumps(_document(view, records), ensure_ascii=False, indent=2))
    else:
        click.echo(plain("\n".join(_lines(view, records))))
    return 0


async def _read(settings: Settings, thread: str) -> tuple[ThreadView, Records]:
    place = Home.at(settings.home)
    if settings.database_url is None and not place.records.exists():
        raise _unknown(thread)
    from integrations.store.journal import SqlJournal

    journal = await SqlJournal.open(settings.database_url or place.records_url)
    try:
        view = await journal.thread(thread, None)
        if view is None:
            raise _unknown(thread)
        return view, await journal.records(thread)
    finally:
        await journal.close()


def _unknown(thread: str) -> UnknownThreadError:
    return UnknownThreadError(
        f"The conversation '{thread}' is not in this home. "
        "Use the `thread_id` of a reply, and the home in which it was given."
    )


def _document(view: ThreadView, records: Records) -> dict[str, object]:
    document: dict[str, object] = view.model_dump(mode="json", exclude={"turns"})
    document["turns"] = [
        {
            **turn.model_dump(mode="json", exclude={"signals"}),
            "record": record.model_dump(mode="json")
            if (record := records.get(turn.inquiry_id))
            else None,
        }
        for turn in view.turns
    ]
    return document


def _lines(view: ThreadView, records: Records) -> Iterator[str]:
    yield f"Conversation {view.thread_id} of {view.user}, {len(view.turns)} turn(s)"
    for number, turn in enumerate(view.turns, start=1):
        yield ""
        yield from _turn(number, turn, records.get(turn.inquiry_id))


def _turn(number: int, turn: ThreadTurn, record: TurnRecord | None) -> Iterator[str]:
    yield f"{number}. {turn.at.isoformat()}  {turn.inquiry_id}"
    yield from _indented("asked", turn.text)
    if turn.reply is None:
        yield "   no reply yet: the next start of the copilot finishes this turn"
        return
    yield from _indented("said", turn.reply.text)
    yield from _decision(turn.reply)
    if record:
        yield from _evidence(record)
    if turn.outcome:
        yield f"   outcome      {turn.outcome}"


def _decision(reply: Reply) -> Iterator[str]:
    topic = ".".join(filter(None, (reply.category, reply.subcategory))) or "none"
    yield f"   disposition  {reply.disposition}, topic {topic}, confidence {reply.confidence:.2f}"
    rules = ", ".join(reply.policy.rules) or "none"
    actions = ", ".join(reply.policy.actions) or "none"
    yield f"   policy       {reply.policy.effect}; rules {rules}; actions {actions}"
    if reply.policy.reason:
        yield f"   reason       {reply.policy.reason}"
    if reply.ticket:
        yield f"   ticket       {reply.ticket.id} in {reply.ticket.queue}, {reply.ticket.status}"
    sources = {(c.article_id, c.title, c.reviewed_on) for c in reply.citations}
    for article, title, day in sorted(sources):
        yield f"   source       {article} {title!r}, reviewed {day}"


def _evidence(record: TurnRecord) -> Iterator[str]:
    for passage in record.passages:
        yield f"   passage      {passage.score:.4f}  {passage.chunk_id}"
    signals = ", ".join(f"{name} {value}" for name, value in record.signals.items())
    yield f"   signals      {signals or 'none'}"
    versions = record.versions.model_dump()
    yield f"   versions     {', '.join(f'{name} {value}' for name, value in versions.items())}"
    times = ", ".join(f"{name} {value:.1f} ms" for name, value in record.timing_ms.items())
    yield f"   timing       {times or 'none'}; cost {record.cost_usd:.4f} USD"
    yield f"   author       {record.author}; {record.redactions} secret(s) masked"


def _indented(name: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines() or [""]):
        yield f"   {name if number == 0 else '':<12} {line}"
