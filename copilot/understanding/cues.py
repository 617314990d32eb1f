"""Surface cues in five languages: features that the recogniser of requested actions weighs."""

import re
from functools import lru_cache
from hashlib import sha256
from importlib import resources

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

_APOSTROPHES = str.maketrans("\u2019\u2018`\u00b4", "''''")


class CueFile(BaseModel):
    """`cues.yaml`: patterns by cue; a cue is present when any of its patterns occurs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cues: dict[str, tuple[str, ...]]
    exact: dict[str, tuple[str, ...]]
    """Patterns in which capital letters count."""


class Cues:
    """The cues in a fixed order, compiled."""

    def __init__(self, file: CueFile) -> None:
        # Lower-case patterns on a lower-case text find the same as ignoring case, in half the time.
        self._folded = tuple(_compiled(parts) for parts in file.cues.values())
        self._exact = tuple(_compiled(parts) for parts in file.exact.values())
        self.names = (*file.cues, *file.exact)

    def present(self, text: str) -> NDArray[np.float32]:
        """Shape (cues,): 1 where a cue occurs in the text, else 0."""
        plain = text.translate(_APOSTROPHES)
        lower = plain.lower()
        found = [
            *(pattern.search(lower) is not None for pattern in self._folded),
            *(pattern.search(plain) is not None for pattern in self._exact),
        ]
        return np.array(found, dtype=np.float32)


@lru_cache(maxsize=1)
def cues() -> Cues:
    """The shipped cues."""
    raw = resources.files("copilot.understanding").joinpath("cues.yaml").read_text("utf-8")
    return Cues(CueFile.model_validate(yaml.safe_load(raw)))


def cues_digest() -> str:
    """Changes when a cue does: what was trained with other cues no longer fits."""
    raw = resources.files("copilot.understanding").joinpath("cues.yaml").read_bytes()
    return sha256(raw).hexdigest()[:16]


def _compiled(parts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(part.replace("{w}", r"\w*") for part in parts))
