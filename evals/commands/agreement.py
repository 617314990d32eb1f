"""`evals agreement`: how far two label passes agree."""

from pathlib import Path

import click

from evals.agreement import GOOD, USABLE, Agreement


@click.command("agreement")
@click.argument("first", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("second", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
def command(first: Path, second: Path, seed: int) -> None:
    """Compare the label passes FIRST and SECOND, a JSON label a line."""
    from evals.commands.failures import told

    with told():
        from evals import labels

        passes = labels.read(first), labels.read(second)
        for found in labels.compared(*passes, seed=seed):
            click.echo(_line(found))
        click.echo(f"Alpha: {USABLE} is usable, {GOOD:.2f} good; kappa of priority is quadratic.")


def _line(found: Agreement) -> str:
    alpha = "nothing varies"
    if found.alpha is not None:
        span = f" [{found.interval.low:.3f}, {found.interval.high:.3f}]" if found.interval else ""
        alpha = f"alpha {found.alpha:.3f}{span}"
    kappa = "" if found.kappa is None else f", kappa {found.kappa:.3f}"
    shown = f": {', '.join(found.differing)}" if found.differing else ""
    return (
        f"{found.field}: {alpha}{kappa}, {found.same:.1%} of {found.n} alike, "
        f"{len(found.differing)} differ{shown}"
    )
