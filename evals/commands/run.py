"""`evals run`: ask, grade, summarise."""

from pathlib import Path
from typing import Any

import click


@click.command("run")
@click.option(
    "--suite",
    default=None,
    help="Folder of a suite, or the name of a shipped one (default: the shipped one).",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    help="copilot, a calibrating system, calibrating (all six), a .yaml, or a transcript; may be repeated.",
)
@click.option("--epochs", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=4,
    show_default=True,
    help="Cases that one remote system is asked at the same time.",
)
@click.option("--split", type=click.Choice(["dev", "test"]), default=None, help="Default: both.")
@click.option("--limit", type=click.IntRange(1), default=None, help="Only the first so many cases.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of the run (default: runs/<suite>-<time>).",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Go on with the run of this folder; it says itself what is asked.",
)
@click.option("--retry-failed", is_flag=True, help="With --resume: ask failed cases again.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where vendors' replies are kept (default: replies/ beside the run).",
)
@click.option("--no-cache", is_flag=True, help="Ask vendors for everything, and keep nothing.")
@click.option("--judge", default=None, help="Chat model for judged criteria: `module:factory`.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked and what it would cost.")
@click.option("--no-grade", is_flag=True, help="Ask only; grade later with `evals regrade`.")
def command(**options: Any) -> None:
    """Ask systems the cases of a suite, grade the replies, and summarise.

    Rows are written as they come. A run that was stopped, by Ctrl-C or otherwise, goes on with --resume.
    """
    from evals.commands.failures import told

    with told():
        from evals.running import Options, run

        raise SystemExit(run(Options(**options)))
