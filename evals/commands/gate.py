"""`evals gate`: whether a run may take the place of the blessed one."""

import sys
from pathlib import Path

import click

REFUSED = 1


@click.command("gate")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--baseline",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder, or the name of a baseline in baselines/.",
)
@click.option("--system", default=None, help="The candidate, where the run holds several.")
@click.option("--suite", default=None, help="The suite, where it is not where the run found it.")
def command(folder: Path, baseline: Path, system: str | None, suite: str | None) -> None:
    """Hold the run in FOLDER against a blessed one.

    Exit code 0: it may take its place. 1: a new harmful answer, a mandatory case missed, or a paired loss beyond
    the margin. 3: they can't be compared.
    """
    from evals.commands.failures import told

    with told():
        from evals.gate import BASELINES, gate

        named = BASELINES / baseline
        place = named if named.is_dir() and not baseline.is_dir() else baseline
        found = gate(folder, place, system=system, suite=suite)
    for line in found.said:
        click.echo(line)
    for reason in found.reasons:
        click.echo(f"- {reason}")
    if found.reasons:
        click.echo(f"'{found.system}' does not pass: {len(found.reasons)} reasons.")
        sys.exit(REFUSED)
    click.echo(f"'{found.system}' passes.")
