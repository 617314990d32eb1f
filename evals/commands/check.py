"""`evals check`: whether a suite can be trusted, before anybody is asked."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evals.audit import Audit

FAILED = 1
_SHOWN, _WIDTH, _INDENT = 10, 28, 11


@click.command("check")
@click.argument("suite", required=False)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The day on which labels must be valid (default: today).",
)
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write everything that was found into a file, for machines.",
)
@click.option(
    "--all", "everything", is_flag=True, help=f"Show every finding, not {_SHOWN} a check."
)
@click.option(
    "--no-embeddings",
    is_flag=True,
    help="Tell copies by their letters alone: a few seconds less, and rewordings are not found.",
)
def command(
    suite: str | None, at: datetime | None, file: Path | None, everything: bool, no_embeddings: bool
) -> None:
    """Audit SUITE: a folder, or the name of a shipped suite (default: the shipped one).

    \b
    schema          every fault of every file, with its line
    labels          two passes, each case in both, by two people
    adjudication    what was settled where the passes differ; a case that is not settled is
                    blocked, and no run asks it
    agreement       Krippendorff's alpha and kappa of every field: usable from 0.667, good from 0.80
    demand          shares of the categories beside the company's demand
    counts          the numbers that suite.yaml asks for, by kind
    subcategories   each of the company's has cases
    synthetic       how many cases are, and that the suite says so
    staleness       labels that have run out
    facts           cited facts that no served article carries
    splits          no twin and no pair on both sides
    leakage         copies among the cases that are not declared to be kin
    copies of the product
                    cases that repeat what the product learns from: utterances, examples of
                    actions, decision cases, attacks, titles of articles

    Bounds are set in suite.yaml under `audit`. Exit code 1 where a check fails.
    """  # noqa: D301  # click looks for the character itself
    from evals.commands.failures import told

    with told():
        found = _audited(suite, at.date() if at else _today(), embedding=not no_embeddings)
        for line in found.lines:
            state = click.style(f"{line.state:<8}", fg=_COLOURS[line.state])
            click.echo(f"{state} {line.check:<{_WIDTH}} {line.told}")
            shown = line.details if everything else line.details[:_SHOWN]
            for detail in shown:
                click.echo(f"{'':<{_INDENT}}{detail}")
            if more := len(line.details) - len(shown):
                click.echo(f"{'':<{_INDENT}}… and {more} more: --all shows them.")
        if found.blocked:
            click.echo(f"Blocked: {', '.join(found.blocked)}")
        if file is not None:
            file.write_text(found.model_dump_json(indent=1) + "\n", "utf-8")
        click.echo(_verdict(found))
        raise SystemExit(FAILED if found.failed else 0)


def _audited(name: str | None, at: date, *, embedding: bool) -> "Audit":
    from evals import subject
    from evals.audit import audit
    from evals.checks.line import Product
    from evals.suite import named

    product = Product(articles=subject.register(), labels=subject.labels(), taught=subject.taught())
    return audit(
        named(name), at=at, product=product, embed=subject.embedder() if embedding else None
    )


def _verdict(found: "Audit") -> str:
    counted = {state: sum(line.state == state for line in found.lines) for state in _COLOURS}
    many = ", ".join(f"{number} {state}" for state, number in counted.items())
    return f"{found.suite}: {many}. {'Not fit to be run as it is.' if found.failed else 'Fit to be run.'}"


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251  # the day of the audit, where none is given


_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}
