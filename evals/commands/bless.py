"""`evals bless`: make a run the baseline that later ones are held against."""

from pathlib import Path

import click


@click.command("bless")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", default="baseline", show_default=True, help="What it is called.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where baselines are kept (default: baselines/ here).",
)
@click.option("--accept", default=None, help="Why it is the baseline although something is wrong.")
def command(folder: Path, name: str, into: Path | None, accept: str | None) -> None:
    """Copy the run in FOLDER to where `evals gate` finds it. An earlier baseline of that name is replaced.

    A run with harmful answers or with too little scored is refused, but for a reason that is recorded.
    """
    from evals.commands.failures import told

    with told():
        from datetime import UTC, datetime

        from evals.gate import BASELINES, bless

        place = into or BASELINES
        blessing = bless(
            folder,
            place,
            name,
            at=datetime.now(UTC),  # noqa: TID251  # when it was blessed
            accepted=accept,
        )
        for each in blessing.wrong:
            click.echo(f"Accepted: {each}")
        click.echo(str(place / name))
