"""How many mandatory requests are seen, and how many harmless ones are stopped.

    python -m benchmarks.recognition [--split dev|test] [--misses]   the whole product on the labelled sets
    python -m benchmarks.recognition --held-out                      the recogniser on held-out examples

The test split was written by writers who saw neither utterances nor rules; its hash was committed before
any tuning (tests/data/policy_test.sha256). Shares come with exact (Clopper-Pearson) 95 % bounds.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scipy.stats import beta

DATA = Path(__file__).parents[1] / "tests" / "data"
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
USER = "dana.reed"


def bounds(hits: int, n: int) -> tuple[float, float]:
    """Exact two-sided 95 % interval of a share."""
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(0.975, hits + 1, n - hits))
    return low, high


def share(values: Iterable[bool]) -> str:
    given = list(values)
    if not given:
        return "none"
    low, high = bounds(sum(given), len(given))
    return f"{sum(given)} of {len(given)} = {sum(given) / len(given):.3f} [{low:.3f}, {high:.3f}]"


async def _replies(rows: Sequence[Mapping[str, str]], home: Path) -> list[Any]:
    """Each text as the first message of a conversation of its own."""
    from copilot.conversation import Inquiry
    from integrations.logs import configure
    from integrations.settings import Settings
    from integrations.wiring import open_app

    configure(sys.stderr, level=logging.ERROR)
    app = await open_app(Settings(home=home))
    try:
        return [
            await app.copilot.ask(
                Inquiry(id=row["id"], text=row["text"], user=USER, thread=f"t-{row['id']}", at=AT)
            )
            for row in rows
        ]
    finally:
        await app.close()


def _load(kind: str, split: str) -> list[dict[str, str]]:
    path = DATA / f"policy_{kind}_{split}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def sets(split: str, *, misses: bool) -> None:
    from integrations.company import load_company, shipped_company
    from policies.catalogue import load_catalogue

    catalogue = load_catalogue(load_company(shipped_company()).actions)
    asked, harmless = _load("mandatory", split), _load("harmless", split)
    with TemporaryDirectory() as home:
        replies = asyncio.run(_replies([*asked, *harmless], Path(home)))
    seen = [reply.policy.effect == "escalate" for reply in replies[: len(asked)]]
    print(f"split {split}\nmandatory requests escalated by policy  {share(seen)}")
    people = [r.disposition == "escalate" for r in replies[: len(asked)]]
    print(f"  escalated for any reason               {share(people)}")
    right = [
        row["class"]
        in {
            catalogue.actions[a].mandatory_class
            for a in reply.policy.actions
            if a in catalogue.actions
        }
        for row, reply, hit in zip(asked, replies, seen, strict=False)
        if hit
    ]
    print(f"  of the right class, where seen         {share(right)}")
    for field in ("kind", "language", "class"):
        groups: dict[str, list[bool]] = defaultdict(list)
        for row, hit in zip(asked, seen, strict=True):
            groups[row[field]].append(hit)
        print(
            f"  by {field}: "
            + "; ".join(f"{k} {sum(v)}/{len(v)}" for k, v in sorted(groups.items()))
        )
    others = replies[len(asked) :]
    stopped = [reply.policy.effect != "permit" for reply in others]
    print(f"harmless ones stopped by a policy effect {share(stopped)}")
    dispositions = Counter(reply.disposition for reply in others)
    print("  dispositions: " + ", ".join(f"{k} {v}" for k, v in sorted(dispositions.items())))
    if misses:
        _list("missed", asked, replies, [not hit for hit in seen])
        _list("stopped", harmless, others, stopped)


def _list(
    what: str, rows: Sequence[Mapping[str, str]], replies: Sequence[Any], wrong: Sequence[bool]
) -> None:
    for row, reply, shown in zip(rows, replies, wrong, strict=False):
        if shown:
            print(f"{what} {row['id']} {', '.join(reply.policy.actions)}: {row['text']}")


def held_out() -> None:
    """Trains on three quarters (minutes) and reads the rest, as set-up does for its thresholds."""
    from copilot.understanding.recogniser import DECLINED, HARMLESS, PERMITTED, TOPIC
    from copilot.understanding.recogniser_training import train_recogniser
    from integrations.bundling import shipped_material
    from integrations.indexing import taught
    from integrations.settings import Settings
    from integrations.training import ACTION, lessons
    from knowledge.embedding import Embedder, find_model, find_tuned, read_manifest
    from knowledge.vectors import VectorStore

    settings = Settings()
    material = shipped_material(settings)
    learnt = lessons(
        taught(material)[ACTION], material.catalogue, material.company.always_escalated
    )
    tuned, plain = (
        Embedder(folder, cache=VectorStore(read_manifest(folder).fingerprint, None))
        for folder in (find_tuned(settings.models_dir), find_model(settings.models_dir))
    )
    _, trial = train_recogniser(
        learnt, tuned.embed_documents, plain.embed_documents, miss_rate=settings.miss_rate
    )
    texts = [sample.text for sample in trial.held_out]
    groups: dict[str, list[bool]] = defaultdict(list)
    vectors = zip(
        trial.held_out, tuned.embed_documents(texts), plain.embed_documents(texts), strict=True
    )
    for sample, adapted, base in vectors:
        reading = trial.recogniser.read(sample.text, adapted, base)
        hit = reading.mandatory >= trial.recogniser.thresholds[0]
        kind = learnt.kinds[sample.label]
        if kind not in (HARMLESS, DECLINED, PERMITTED) and not sample.label.startswith(TOPIC):
            for group in ("mandatory", f"mandatory {kind}", f"mandatory, {sample.language}"):
                groups[group].append(hit)
        elif sample.label in learnt.everyday:
            groups["everyday questions handed over"].append(hit)
        elif sample.label == "none:near":
            groups["near misses handed over"].append(hit)
    for group, hits in sorted(groups.items()):
        print(f"{group:45} {share(hits)}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--misses", action="store_true", help="list what went wrong")
    parser.add_argument("--held-out", action="store_true")
    given = parser.parse_args(arguments)
    if given.held_out:
        held_out()
    else:
        sets(given.split, misses=given.misses)


if __name__ == "__main__":
    main(sys.argv[1:])
