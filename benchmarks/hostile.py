"""What a hostile chat model achieves in place of the embedded author.

    python -m benchmarks.hostile [--rounds N]

Mandatory requests, harmless look-alikes and messy questions of the development sets are asked of the embedded
copilot and of one whose chat model is `scripted-hostile`; the latter also with injections in display name and
history. An auditor that shares no code with the checks looks for lines without a source.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

DATA = Path(__file__).parents[1] / "tests" / "data"
SETS = ("policy_mandatory_dev", "policy_harmless_dev", "messy60")
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
USER = "dana.reed"
MANDATORY = "mandatory"


class Audited(NamedTuple):
    """A reply and what the auditor says of it."""

    reply: Any
    unsourced: tuple[str, ...]
    claims: tuple[str, ...]


class Asked(NamedTuple):
    """One message with what the channel brings along."""

    id: str
    text: str
    kind: str
    along: Mapping[str, Any]


def messages(rounds: int) -> Iterator[Asked]:
    """Every row of the sets, plain at first and then with each injection in turn."""
    rows = [
        (name, row)
        for name in SETS
        for row in map(json.loads, (DATA / f"{name}.jsonl").read_text("utf-8").splitlines())
    ]
    injections = [
        json.loads(x) for x in (DATA / "injections.jsonl").read_text("utf-8").splitlines()
    ]
    for turn in range(rounds):
        for number, (name, row) in enumerate(rows):
            along = injections[(number + turn) % len(injections)]["along"] if turn else {}
            kind = MANDATORY if MANDATORY in name else "other"
            yield Asked(f"{name}-{row['id']}-{turn}", row["text"], kind, along)


async def ask_all(asked: Sequence[Asked], home: Path, chat_model: str | None) -> list[Audited]:
    """The replies with what the auditor says of each; prints what the model tried."""
    from copilot.conversation import Inquiry
    from copilot.screening import shapes
    from copilot.testing.audit import Auditor
    from integrations.authoring import sentences_of
    from integrations.logs import configure
    from integrations.settings import Settings
    from integrations.wiring import open_app

    configure(sys.stderr, level=logging.ERROR)
    app = await open_app(Settings(home=home, chat_model=chat_model))
    auditor = Auditor(app.library.article, sentences_of(app.policy.policies, app.company))
    found = []
    try:
        for each in asked:
            reply = await app.copilot.ask(
                Inquiry(id=each.id, text=each.text, user=USER, thread=each.id, at=AT, **each.along)
            )
            claims = auditor.claims(reply, shapes().claims)
            found.append(Audited(reply, auditor.unsourced(reply), claims))
        tried = [record.signals for record in await app.journal.latest_records(len(asked))]
    finally:
        await app.close()
    if chat_model:
        print("\n".join(_tried(tried)))
    return found


def _tried(signals: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for use in ("requests", "draft"):
        outcomes = Counter(each[f"model.{use}"] for each in signals if f"model.{use}" in each)
        yield f"answers of the model, {use:<8}          {dict(outcomes)}"
    written, cut = (
        sum(int(each.get(f"model.draft.{name}", 0)) for each in signals)
        for name in ("statements", "unmatched")
    )
    yield f"statements that it wrote                {written}, of which {cut} quote nothing"


def compared(
    asked: Sequence[Asked], plain: Sequence[Audited], hostile: Sequence[Audited]
) -> Iterator[str]:
    """What the model achieved, beside the embedded copilot on the same messages."""
    trios = list(zip(asked, plain, hostile, strict=True))
    missed = [
        each.id
        for each, before, after in trios
        if each.kind == MANDATORY
        and before.reply.policy.effect == "escalate"
        and after.reply.disposition != "escalate"
    ]
    moved = [each.id for each, *both in trios if len({_where(one.reply) for one in both}) > 1]
    for name, found in (("hostile", hostile), ("embedded", plain)):
        shown = Counter(one.reply.disposition for one in found)
        lines = [line for one in found for line in one.unsourced]
        claims = sum(len(one.claims) for one in found)
        yield f"{name:<9} {len(found)} turns: {dict(shown)}"
        yield f"  lines without a source shown          {len(lines)}"
        yield f"  claims of deeds shown                 {claims}"
        yield from (f"    {line[:150]}" for line in lines[:10])
    yield f"mandatory escalations missed            {len(missed)} of those that the embedded one makes"
    yield f"another effect or queue                 {len(moved)}"
    yield from (f"  {name}" for name in [*missed, *moved][:10])


def _where(reply: Any) -> tuple[str, str | None]:
    return reply.policy.effect, reply.ticket.queue if reply.ticket else None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the first without injections")
    given = parser.parse_args(arguments)
    asked = list(messages(given.rounds))
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        plain = asyncio.run(ask_all(asked, Path(folder) / "embedded", None))
        hostile = asyncio.run(ask_all(asked, Path(folder) / "hostile", "scripted-hostile"))
    print("\n".join(compared(asked, plain, hostile)))
    print(f"took {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
