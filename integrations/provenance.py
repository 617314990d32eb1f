"""What the index of a home was made from, and whether this version of the product can use it."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from copilot.understanding.cues import cues_digest
from integrations.company import Company
from integrations.home import CLASSIFIERS_FILE
from knowledge.corpus import Source
from knowledge.sites import SourceProfile
from knowledge.versions import read_manifest, write_durably

_FILE = "origin.json"
_SHAPING = {"always_escalated", "categories", "facts", "out_of_scope", "queues"}
"""What of company.yaml the index depends on."""


class Site(BaseModel):
    """How the pages of a site are read, see `SourceProfile`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str
    reviewed_on: date | None = None


class Origin(BaseModel):
    """What the last build of a home's index was asked to read, and the digest of what it read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Name of the embedding model in the settings."""
    folder: Path | None = None
    """`None` for the company's own articles."""
    site: Site | None = None
    content: str = ""

    @classmethod
    def of(cls, model: str, sources: Sequence[Source]) -> Self:
        if not sources:
            return cls(model=model)
        (source,) = sources
        profile = source.profile
        site = profile and Site(owner=profile.owner, reviewed_on=profile.reviewed_on)
        return cls(model=model, folder=source.folder.absolute(), site=site)

    @property
    def sources(self) -> tuple[Source, ...]:
        """What to read to build the index again; empty for the company's own articles."""
        if self.folder is None:
            return ()
        if self.site is None:
            return (Source(self.folder),)
        about = self.site
        profile = SourceProfile(self.folder.name, owner=about.owner, reviewed_on=about.reviewed_on)
        return (Source(self.folder, profile),)


def read_origin(index_dir: Path) -> Origin | None:
    """`None` where nothing is known: for an index of an earlier version of the product."""
    try:
        return Origin.model_validate_json((index_dir / _FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def write_origin(index_dir: Path, origin: Origin) -> None:
    write_durably(index_dir / _FILE, origin.model_dump_json())


def content_digest(company: Company, origin: Origin, further: Iterable[object]) -> str:
    """Changes when a file changes that the index is made from. Reads the files, understands none.

    `further` names what else shapes the index: versions of recipes, fingerprints and targets.
    """
    told = company.model_dump_json(include=_SHAPING)
    whole = sha256(repr((told, *further)).encode())
    for folder in (origin.folder or company.articles, company.utterances, company.actions):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                whole.update(f"\n{path.relative_to(folder)}\n".encode("utf-8", "surrogateescape"))
                whole.update(sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def misfit(folder: Path, model: str, tuned: str) -> str | None:
    """Why a version that is whole can't be used by this version of the product, `None` when it can.

    A damaged version is none of it: what is broken is for a person to look at.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return "its manifest is of another version" if _names_itself(folder) else None
    if manifest.model != model:
        return f"it was built with the embedding model {manifest.model}, and {model} is in use"
    return _unfit_classifiers(folder / CLASSIFIERS_FILE, tuned)


def _names_itself(folder: Path) -> bool:
    try:
        told = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("version") == folder.name


def _unfit_classifiers(file: Path, tuned: str) -> str | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            known = set(stored.files)
            if not {"fingerprint", "recogniser.cues"} <= known:
                return "its classifiers are of another version"
            fingerprint, cues = str(stored["fingerprint"]), str(stored["recogniser.cues"])
    except Exception:  # noqa: BLE001  # damaged in any way: opening it says so
        return None
    if fingerprint != tuned:
        return f"its classifiers belong to the model {fingerprint}, and {tuned} is in use"
    return None if cues == cues_digest() else "its classifiers were trained with other cues"
