"""Build what serving reads: the index version with its classifiers and its calibrated doubt inside."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from copilot.understanding.classifier import Classifiers, LinearClassifier
from copilot.understanding.cues import cues_digest
from copilot.understanding.ngrams import buckets
from copilot.understanding.recogniser_training import train_recogniser
from copilot.understanding.scores import Floats
from copilot.understanding.training import RECIPE, Sample, train
from copilot.understanding.utterances import Utterances, load_utterances
from integrations.company import Company, shipped_company
from integrations.home import CLASSIFIERS_FILE
from integrations.progress import Progress
from integrations.training import ACTION, groups, lessons
from knowledge.article import Vocabulary
from knowledge.confidence import Sample as Judged
from knowledge.confidence import TooFewSamplesError, fit
from knowledge.corpus import Corpus, Source, load_corpus
from knowledge.embedding import Embedder
from knowledge.index import BuildReport, build_version
from knowledge.search import CONFIDENCE_FILE, Library
from policies.catalogue import Catalogue

_TRIAL_FILE, _HELD_OUT = "trial.npz", "held_out.json"


@dataclass(frozen=True, slots=True)
class Models:
    """The embedding model twice: as it is, for searching, and tuned to tell apart what people ask."""

    search: Embedder
    tuned: Embedder


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that an index version is made from."""

    corpus: Corpus
    utterances: Utterances
    catalogue: Catalogue
    company: Company
    target_precision: float
    miss_rate: float

    @property
    def key(self) -> str:
        """Changes when anything but the articles changes."""
        parts = (
            RECIPE,
            cues_digest(),
            self.target_precision,
            self.miss_rate,
            self.company.always_escalated,
            self.company.out_of_scope,
            self.utterances,
            [action.model_dump(mode="json") for action in self.catalogue.actions.values()],
        )
        return sha256(repr(parts).encode()).hexdigest()[:16]


def vocabulary(company: Company) -> Vocabulary:
    """The names that a company's articles may use."""
    return Vocabulary(
        labels={category: frozenset(subs) for category, subs in company.categories.items()},
        owners=frozenset(company.queues),
        facts=frozenset(company.facts),
    )


def gather(
    company: Company,
    catalogue: Catalogue,
    *,
    target_precision: float,
    miss_rate: float,
    sources: Sequence[Source] = (),
) -> Material:
    """Read articles and utterances. A company without general utterance files takes the shipped ones."""
    from integrations.company import load_company

    corpus = load_corpus(sources or [Source(company.articles)], vocabulary(company))
    utterances = load_utterances(company.utterances)
    if not utterances.complete:
        general = load_utterances(load_company(shipped_company()).utterances)
        utterances = utterances.merged_with(general)
    return Material(corpus, utterances, catalogue, company, target_precision, miss_rate)


def build(
    index_dir: Path,
    material: Material,
    models: Models,
    *,
    trained_dir: Path | None,
    keep_trained: bool = False,
    keep: int,
    progress: Progress,
    save_vectors: Callable[[], object],
) -> BuildReport:
    """Build and swap in a version.

    `trained_dir` holds classifiers by what they were trained from; only set-up adds to it
    (`keep_trained`), since everything else that is written lies in the home.
    """

    def extras(folder: Path) -> None:
        with progress.step("training the classifiers"):
            trial = _classifiers(folder, material, models, trained_dir, progress, keep_trained)
        with progress.step('calibrating when to say "I am not sure"'):
            if not _calibrate(folder, material, models, trial):
                progress.announce(
                    "  Too few questions of the utterances are about these articles to calibrate on; "
                    "the shipped thresholds decide."
                )

    report = build_version(
        index_dir,
        material.corpus,
        models.search,
        extras=extras,
        extras_key=f"{material.key} {models.tuned.fingerprint}",
        keep=keep,
        progress=progress.count,
    )
    save_vectors()
    return report


def is_trained(material: Material, tuned: Embedder, trained_dir: Path) -> bool:
    """Whether the classifiers of the material are kept already."""
    return (trained_dir / _trained_key(material, tuned) / _HELD_OUT).is_file()


def trial_of(material: Material, tuned: Embedder, trained_dir: Path) -> "Trial | None":
    """The kept trial of the material, if there is one."""
    kept = trained_dir / _trained_key(material, tuned)
    return Trial.load(kept) if (kept / _HELD_OUT).is_file() else None


def training_texts(material: Material) -> tuple[str, ...]:
    """Every text that training and calibration embed, for the bundled vectors."""
    return tuple(dict.fromkeys(s.text for samples in taught(material).values() for s in samples))


def taught(material: Material) -> Mapping[str, tuple[Sample, ...]]:
    return groups(
        material.utterances,
        material.catalogue,
        material.corpus.articles,
        material.company.always_escalated,
        material.company.out_of_scope,
    )


def _classifiers(
    folder: Path,
    material: Material,
    models: Models,
    trained_dir: Path | None,
    progress: Progress,
    keep_trained: bool,
) -> "Trial":
    """Train, or take what was trained from the very same texts before."""
    kept = trained_dir / _trained_key(material, models.tuned) if trained_dir else None
    if kept and (kept / _HELD_OUT).is_file():
        shutil.copyfile(kept / CLASSIFIERS_FILE, folder / CLASSIFIERS_FILE)
        return Trial.load(kept)

    def embed(texts: Sequence[str]) -> Floats:
        return models.tuned.embed_documents(texts, progress.count)

    samples = dict(taught(material))
    asked = lessons(samples.pop(ACTION), material.catalogue, material.company.always_escalated)
    trained, fits = train(samples, embed, models.tuned.fingerprint)
    recogniser, _ = train_recogniser(
        asked,
        embed,
        lambda texts: models.search.embed_documents(texts, progress.count),
        miss_rate=material.miss_rate,
    )
    trained = replace(trained, recogniser=recogniser)
    trained.save(folder / CLASSIFIERS_FILE)
    label = next(fit for fit in fits if fit.name == "label")
    trial = Trial(label.trial, label.held_out)
    if kept and keep_trained:
        _keep(folder, kept, trial)
    return trial


def _keep(folder: Path, kept: Path, trial: "Trial") -> None:
    """Keep what was trained for the next empty home. Not being able to costs only time."""
    aside = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        aside.mkdir(parents=True)
        shutil.copyfile(folder / CLASSIFIERS_FILE, aside / CLASSIFIERS_FILE)
        trial.save(aside)
        aside.replace(kept)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Trial:
    """A label classifier and the utterances that it never saw."""

    classifier: LinearClassifier
    held_out: tuple[Sample, ...]

    def save(self, folder: Path) -> None:
        Classifiers({"label": self.classifier}, frozenset(), "").save(folder / _TRIAL_FILE)
        rows = [(s.text, s.label, s.language) for s in self.held_out]
        (folder / _HELD_OUT).write_text(json.dumps(rows), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Trial":
        rows = json.loads((folder / _HELD_OUT).read_text("utf-8"))
        classifier = Classifiers.load(folder / _TRIAL_FILE)["label"]
        return cls(classifier, tuple(Sample(*row) for row in rows))


def _trained_key(material: Material, tuned: Embedder) -> str:
    texts = [(n, s.text, s.label) for n, samples in taught(material).items() for s in samples]
    kinds = [(a.id, a.mandatory_class, a.tier) for a in material.catalogue.actions.values()]
    return sha256(
        repr((RECIPE, cues_digest(), tuned.fingerprint, material.miss_rate, texts, kinds)).encode()
    ).hexdigest()[:16]


def _calibrate(folder: Path, material: Material, models: Models, trial: Trial) -> bool:
    """Fit the doubt on utterances that the label classifier did not see, and on unanswerable questions.

    `False` where these articles answer too few of them, as with the pages of a site.
    """
    samples: list[Judged] = []
    with Library.at(folder) as library:
        known = {f"{card.category}.{card.subcategory}" for card in library.cards}
        asked = [
            *((s.text, s.language, s.label) for s in trial.held_out),
            *((u.text, u.language, "") for u in material.utterances.unanswerable),
        ]
        texts = [text for text, *_ in asked]
        found = zip(
            asked,
            models.search.embed_documents(texts),
            models.tuned.embed_documents(texts),
            strict=True,
        )
        for (text, language, right), vector, tuned in found:
            prior = trial.classifier.named(tuned, buckets(text))
            samples.append(
                _judged(library, text, language, right if right in known else "", vector, prior)
            )
        try:
            model = fit(samples, library.manifest.version, material.target_precision)
        except TooFewSamplesError:
            return False
    (folder / CONFIDENCE_FILE).write_text(model.to_json(), "utf-8")
    return True


def _judged(
    library: Library,
    text: str,
    language: str,
    right: str,
    vector: np.ndarray,
    prior: Mapping[str, float],
) -> Judged:
    from knowledge.ranking import features

    rated = library.rate(text, vector, prior=prior)
    first = library.cards[int(rated.ranked.articles[0])] if len(rated.ranked.articles) else None
    found = f"{first.category}.{first.subcategory}" if first else ""
    signals = features(rated.candidates, rated.ranked, len(text.split()))
    return Judged(features=signals, right=bool(right) and found == right, language=language)
