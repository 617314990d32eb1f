"""`evals regrade`: grade stored replies again. No system is asked."""

from pathlib import Path

import click


@click.command("regrade")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--suite", default=None, help="The suite, where it is not where the run found it.")
@click.option("--judge", default=None, help="Chat model for judged criteria: `module:factory`.")
@click.option("--reference", default=None, help="The system that the others are compared with.")
def command(folder: Path, suite: str | None, judge: str | None, reference: str | None) -> None:
    """Grade the rows of the run in FOLDER again, with the labels and the rubric of today."""
    from evals.commands.failures import told

    with told():
        from evals.running import regrade

        regrade(folder, suite, judge, reference)
