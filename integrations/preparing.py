"""Makes the index of a home: when there is none, when it does not fit, and when its texts changed."""

from collections.abc import Sequence
from pathlib import Path

from copilot.understanding.cues import cues_digest
from copilot.understanding.training import RECIPE
from integrations.company import Company
from integrations.home import CLASSIFIERS_FILE, Home
from integrations.indexing import Material, Models, build, gather
from integrations.progress import Progress
from integrations.provenance import Origin, content_digest, misfit, read_origin, write_origin
from integrations.settings import Settings
from knowledge.chunking import CHUNKER
from knowledge.corpus import CorpusError, Source
from knowledge.embedding import Embedder, find_model, find_tuned, read_manifest
from knowledge.index import LAYOUT, BuildError, BuildReport
from knowledge.vectors import VectorStore
from knowledge.versions import damage, read_pointer, version_dir
from policies.catalogue import Catalogue


def prepare(
    settings: Settings,
    profile: Company,
    catalogue: Catalogue,
    progress: Progress,
    *,
    follow: bool = False,
) -> None:
    """Give the home an index that this version of the product can use; quick when it has one.

    `follow`: it is also made anew when what it was made from has changed. What serves stays until
    the new one is whole. Raises what the build raises when there is nothing else to serve.
    """
    index = Home.at(settings.home).index
    version = read_pointer(index)
    if version is None or not (version_dir(index, version) / CLASSIFIERS_FILE).is_file():
        _build(
            settings,
            profile,
            catalogue,
            progress,
            "Preparing the knowledge index (once for this home)",
        )
        return
    origin = read_origin(index)
    if origin is not None and origin.model != settings.embedding_model:
        return  # A model of another name was chosen: opening says what to do.
    if reason := misfit(version_dir(index, version), *_fingerprints(settings)):
        _build(
            settings, profile, catalogue, progress, f"Building the knowledge index again: {reason}"
        )
    elif origin is None or origin.content != _digest(settings, profile, origin):
        whole = damage(version_dir(index, version)) is None
        _follow(settings, profile, catalogue, progress, follow=follow and whole)


def _follow(
    settings: Settings, profile: Company, catalogue: Catalogue, progress: Progress, *, follow: bool
) -> None:
    """Take in changed texts, or say that there are some. A fault in them leaves the old index serving."""
    known = read_origin(Home.at(settings.home).index) is not None
    changed = "What the knowledge index was made from has changed"
    if not follow:
        if known:
            progress.announce(f"{changed}. Take it in with `copilot index sync`.")
        return
    why = f"{changed}; taking it in" if known else "Checking the knowledge index against its texts"
    try:
        _build(settings, profile, catalogue, progress, why)
    except (CorpusError, BuildError, OSError) as error:
        progress.announce(f"It can't be taken in, so the index serves as it is. {error}")


def _build(
    settings: Settings, profile: Company, catalogue: Catalogue, progress: Progress, why: str
) -> None:
    progress.announce(why)
    origin = read_origin(Home.at(settings.home).index)
    sources = origin.sources if origin else ()
    material = material_of(settings, profile, catalogue, sources)
    report = build_index(settings, material, progress, sources=sources)
    progress.announce(
        f"  {report.articles} articles, {report.passages} passages, version {report.version}"
    )


def material_of(
    settings: Settings, company: Company, catalogue: Catalogue, sources: Sequence[Source] = ()
) -> Material:
    """What an index version of the company is made from, with the targets of the settings."""
    return gather(
        company,
        catalogue,
        target_precision=settings.target_precision,
        miss_rate=settings.miss_rate,
        sources=sources,
    )


def build_index(
    settings: Settings,
    material: Material,
    progress: Progress,
    *,
    sources: Sequence[Source] = (),
    keep_trained: bool = False,
) -> BuildReport:
    """Build a version in the home with the environment's model and vectors.

    `sources` are those of the material. `keep_trained`: set-up keeps what it trained for the homes to come.
    """
    home = Home.at(settings.home)
    origin = Origin.of(settings.embedding_model, sources)
    content = _digest(settings, material.company, origin)
    (search, kept), (tuned, kept_tuned) = (_caching(home, folder) for folder in _models(settings))
    report = build(
        home.index,
        material,
        Models(search, tuned),
        trained_dir=settings.trained_dir,
        keep_trained=keep_trained,
        keep=settings.keep_index_versions,
        progress=progress,
        save_vectors=lambda: [kept.save(), kept_tuned.save()],
    )
    write_origin(home.index, origin.model_copy(update={"content": content}))
    return report


def searching_embedder(settings: Settings) -> Embedder:
    """The model that searches, with the vectors that are shipped or kept in the home."""
    folder = find_model(settings.models_dir, settings.embedding_model)
    embedder, _ = _caching(Home.at(settings.home), folder)
    return embedder


def _caching(home: Home, folder: Path) -> tuple[Embedder, VectorStore]:
    """An exported model that keeps its vectors in the home."""
    store = VectorStore(read_manifest(folder).fingerprint, home.vectors)
    return Embedder(folder, cache=store, threads=2), store


def _models(settings: Settings) -> tuple[Path, Path]:
    """The exported model that searches, and the one that reads."""
    return (
        find_model(settings.models_dir, settings.embedding_model),
        find_tuned(settings.models_dir, settings.embedding_model),
    )


def _fingerprints(settings: Settings) -> tuple[str, str]:
    search, tuned = (read_manifest(folder).fingerprint for folder in _models(settings))
    return search, tuned


def _digest(settings: Settings, company: Company, origin: Origin) -> str:
    recipe = (LAYOUT, CHUNKER, RECIPE, cues_digest(), *_fingerprints(settings))
    targets = (settings.target_precision, settings.miss_rate)
    return content_digest(company, origin, (*recipe, *targets))
