"""Replies that were paid for once: kept by what was sent, to whom, and in which epoch.

The key holds what the system sees of a case and nothing of its label, so a corrected label asks nobody again.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from evals.case import Value
from evals.episode import Exchange
from evals.systems.system import Ask, Played


class _Kept(Value):
    exchanges: tuple[Exchange, ...]
    delivered: bool | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of replies. `None` keeps nothing."""

    folder: Path | None

    def get(self, system: str, ask: Ask) -> Played | None:
        """The kept conversation of a system's hash; `None` where there is none, or it can't be read."""
        path = self._path(system, ask)
        if path is None:
            return None
        try:
            kept = _Kept.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None
        return Played(kept.exchanges, kept.delivered, kept.attempts, cached=True)

    def put(self, system: str, ask: Ask, played: Played) -> None:
        path = self._path(system, ask)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = _Kept(
            exchanges=played.exchanges, delivered=played.delivered, attempts=played.attempts
        )
        draft = path.with_suffix(".draft")
        draft.write_text(kept.model_dump_json(), "utf-8")
        draft.replace(path)

    def _path(self, system: str, ask: Ask) -> Path | None:
        if self.folder is None:
            return None
        sent = ask.case.model_dump(
            mode="json",
            include={"id", "turns", "user", "display_name", "environment", "channel", "attack"},
        )
        told = [system, sent, ask.person.model_dump(), ask.at.isoformat(), ask.epoch]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return self.folder / digest[:2] / f"{digest}.json"
