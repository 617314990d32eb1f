"""`evals report`: what came of a run, to read and to hand on."""

import sys
from pathlib import Path

import click

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
"""Variables of which a desktop sets one; without them, openers only complain or fill the terminal."""


@click.command("report")
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where the files go (default: the folder of the run).",
)
@click.option("--suite", default=None, help="The suite, where it is not where the run found it.")
@click.option("--reference", default=None, help="The system that the others are compared with.")
@click.option(
    "--economics",
    "prices",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Your own price book (default: the shipped, synthetic one).",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def command(
    folders: tuple[Path, ...],
    out: Path | None,
    suite: str | None,
    reference: str | None,
    prices: Path | None,
    show: bool,
) -> None:
    """Write report.html, tickets.csv, summary.md and junit.xml for the runs in FOLDERS.

    The page is one file and fetches nothing. Several runs of the same cases are compared in one report.
    """
    from evals.commands.failures import told

    with told():
        from evals.reporting import report

        page = report(folders, out, suite=suite, reference=reference, prices=prices)
        click.echo(str(page))
        if show:
            _shown(page)


def _shown(page: Path) -> None:
    """Open it where there is a screen; else say how."""
    from evals.environment import variable

    if sys.platform in ("win32", "darwin") or any(map(variable, _SCREENS)):
        click.launch(str(page))
    else:
        click.echo(
            f"There is no screen here to open it on. In a browser: {page.resolve().as_uri()}"
        )
