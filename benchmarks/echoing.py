"""The echo tickets asked, kept and graded, with the parts of `evals run`: `python -m benchmarks.echoing SUITE RUN`.

The only article says what the tickets say, so that every criterion of the rubric is decided, those on sources too.
"""

import asyncio
import sys
from datetime import date
from pathlib import Path

from evals.caching import Cache
from evals.episode import Episode
from evals.finishing import grade
from evals.results import Rows, order_of
from evals.run import Plan, ask_all
from evals.sources import Article, Register
from evals.suite import load
from evals.systems.config import specs

TRANSCRIPT = "echo.jsonl"
_ARTICLE = Article(
    id="kb-echo",
    title="Certificate validation failure",
    text="The VPN says certificate validation failure when the certificate of the device has expired.",
    facts=("VPN-05",),
    reviewed_on=date(2026, 11, 1),
    review_every_days=365,
)


class Quiet:
    """A watch that shows nothing."""

    def began(self, rows: int) -> None: ...

    def recorded(self, episode: Episode) -> None: ...

    def said(self, line: str) -> None:
        print(line, file=sys.stderr)


def run(folder: Path, out: Path) -> int:
    """Ask the transcript in the folder of a suite all its cases, and grade the rows. Returns how many were graded."""
    out.mkdir()
    suite = load(folder)
    chosen = specs([str(folder / TRANSCRIPT)])
    rows = Rows.opened(out, suite=suite.hash)
    plan = Plan(suite, chosen, 1, frozenset(suite.by_id))
    asyncio.run(ask_all(plan, rows, Cache(None), lambda _: None, Quiet()))
    rows.put_in_order(order_of(suite, [spec.name for spec in chosen], plan.epochs))
    rows.close()
    return grade(out, suite, Register([_ARTICLE]))


if __name__ == "__main__":
    print(run(Path(sys.argv[1]), Path(sys.argv[2])))
