"""`copilot setup`: what an installation makes once, outside every home."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from integrations.commands.failures import OUTAGE
from integrations.progress import Progress
from integrations.settings import Settings


def setup(force: bool) -> int:
    """Export the model, compile the scanner's rules, train the classifiers. Quick when done."""
    settings = Settings()
    progress = Progress.to_terminal()
    try:
        _export(settings, progress, force)
        _warm_scanner(settings, progress)
        _train(settings, progress)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        click.echo(
            f"Set-up can't write to {settings.models_dir.parent}: {reason}. Give this user the right "
            "to write there and about 200 MB, or name another folder with COPILOT_MODELS_DIR.",
            err=True,
        )
        return OUTAGE
    click.echo("Set-up is complete. Start with: copilot serve", err=True)
    return 0


def _export(settings: Settings, progress: Progress, force: bool) -> None:
    from knowledge.export import export_model, export_tuned

    for export in (export_model, export_tuned):
        folder = export(
            settings.models_dir,
            settings.embedding_model,
            lambda step: progress.announce(f"  {step}"),
            force=force,
        )
        if folder is not None:
            progress.announce(f"Embedding model: {folder}")


def _warm_scanner(settings: Settings, progress: Progress) -> None:
    from policies.redaction import Redactor

    with progress.step("compiling the rules of the secret scanner"):
        Redactor(settings.scanner_dir).warm()


def _train(settings: Settings, progress: Progress) -> None:
    """Prepare a throw-away home: what it trains is kept for every later one."""
    from integrations.company import load_company
    from integrations.indexing import is_trained
    from integrations.preparing import build_index, material_of
    from knowledge.embedding import Embedder, find_tuned
    from policies.catalogue import load_catalogue

    company = load_company(settings.company_dir)
    material = material_of(settings, company, load_catalogue(company.actions))
    tuned = Embedder(find_tuned(settings.models_dir, settings.embedding_model))
    if is_trained(material, tuned, settings.trained_dir):
        return
    progress.announce("Training the classifiers")
    with TemporaryDirectory(prefix="it-copilot-") as home:
        throw_away = settings.model_copy(update={"home": Path(home)})
        build_index(throw_away, material, progress, keep_trained=True)
