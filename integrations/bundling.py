"""Refresh what is shipped ready-made, after an article, utterance or action was edited.

make vectors    vectors of the shipped texts
make adapter    the adapter of the embedding model, then the vectors; about a quarter of an hour
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from copilot.understanding.training import is_held_out
from integrations.company import Company, load_company, shipped_company
from integrations.indexing import Material, taught, training_texts
from integrations.preparing import material_of
from integrations.settings import Settings
from integrations.training import ACTION, lessons
from knowledge.adapter import SHIPPED
from knowledge.bundle import Bundled, bundle
from knowledge.embedding import find_model, find_tuned
from policies.catalogue import load_catalogue

_TUNED_FOR = (ACTION, "label", "act", "ambiguity", "tone", "urgency")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", action="store_true", help="fit the adapter first")
    given = parser.parse_args(arguments)
    settings = Settings()
    material = shipped_material(settings)
    if given.adapter:
        _fit_adapter(settings, material)
    plain = find_model(settings.models_dir, settings.embedding_model)
    texts = training_texts(material)
    _say("plain", bundle(plain, [material.company.articles], texts, progress=_tell))
    tuned = find_tuned(settings.models_dir, settings.embedding_model)
    if tuned != plain:
        _say("adapted", bundle(tuned, [], texts, progress=_tell))


def shipped_material(settings: Settings) -> Material:
    """What the shipped company is trained from."""
    return company_material(settings, load_company(shipped_company()))


def company_material(settings: Settings, company: Company) -> Material:
    """What a company is trained from."""
    return material_of(settings, company, load_catalogue(company.actions))


def _fit_adapter(settings: Settings, material: Material) -> None:
    """Fit on what classifiers may train on: held-out texts stay unseen, for honest calibration."""
    from knowledge.export import export_tuned, locate, model_fingerprint
    from knowledge.tuning import tune

    groups = dict(taught(material))
    kinds = lessons(groups[ACTION], material.catalogue, material.company.always_escalated).kinds
    texts = {
        name: [(s.text, s.label) for s in groups[name] if not is_held_out(s.text)]
        for name in _TUNED_FOR
    }
    texts["kind"] = [(text, kinds[label]) for text, label in texts[ACTION]]
    source = locate(settings.embedding_model)
    adapter = tune(source, texts, progress=lambda n, loss: _tell(f"epoch {n}, loss {loss:.3f}"))
    adapter.save(SHIPPED / f"{model_fingerprint(source)}.npz")
    export_tuned(settings.models_dir, settings.embedding_model, _tell)


def _tell(step: str, done: int | None = None, total: int | None = None) -> None:
    sys.stderr.write(f"{step}\n" if done is None else f"{step}: {done} of {total}\n")


def _say(purpose: str, done: Bundled) -> None:
    _tell(f"{purpose}: {done.texts} texts, {done.embedded} embedded, {done.dropped} dropped")


if __name__ == "__main__":
    main()
