"""The policies in use, following their files: a broken edit changes nothing but what is said of it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import structlog

from integrations.logs import MAX_CHARS
from policies.catalogue import Catalogue
from policies.engine import Policies, decide
from policies.errors import PolicyLoadError, Problem
from policies.model import Decision, PolicyRequest

Stamp = tuple[tuple[str, int, int], ...]


class FollowingPolicy:
    """The policy port over a company's folders; an edit takes effect with the next decision.

    What can't be loaded is refused as a whole: the last good policies decide on, and `problems`
    names file, line and mend.
    """

    def __init__(self, load: Callable[[], Policies], folders: Sequence[Path]) -> None:
        """Raises `PolicyLoadError`: at the start there is nothing to go on with."""
        self._load = load
        self._folders = tuple(folders)
        self._stamp = _stamp(self._folders)
        self.policies = load()
        self._served = self.policies.catalogue
        self.problems: tuple[Problem, ...] = ()

    @property
    def version(self) -> str:
        return self.policies.version

    def decide(self, request: PolicyRequest) -> Decision:
        self.refresh()
        return decide(request, self.policies)

    def refresh(self) -> None:
        """Take up what changed on disk, or keep what is in use and say why."""
        stamp = _stamp(self._folders)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        log = structlog.get_logger("copilot")
        try:
            fresh = self._load()
            self.problems = tuple(_beyond_rules(self._served, fresh.catalogue))
        except PolicyLoadError as error:
            self.problems = error.problems
        for file, line, text in self.problems:
            log.error(
                "policies_kept",
                policy=self.version,
                where=f"{file}:{line}",
                problem=text[:MAX_CHARS],
            )
        if not self.problems:
            self.policies = fresh
            log.info("policies_loaded", policy=self.version)


def _stamp(folders: Sequence[Path]) -> Stamp:
    """What changes when a file of the folders is edited, added or removed."""
    return tuple(_stamps(path for folder in folders for path in sorted(folder.glob("*"))))


def _stamps(paths: Iterator[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            yield str(path), 0, 0  # on its way out: the next look sees it gone
        else:
            yield str(path), found.st_mtime_ns, found.st_size


def _beyond_rules(served: Catalogue, fresh: Catalogue) -> Iterator[Problem]:
    """What more than the rules depends on: recognition and handoffs took it up at the start."""
    for name in sorted({*served.actions, *fresh.actions}):
        if _taken_up(served, name) == _taken_up(fresh, name):
            continue
        file, line = fresh.places.get(name) or served.places.get(name) or ("actions", 1)
        text = (
            f"The action '{name}' is new, gone, or has another relation, class, title or subcategory. "
            "Restart `copilot serve` to take it up."
        )
        yield Problem(file, line, text)


def _taken_up(catalogue: Catalogue, name: str) -> tuple[str | None, ...] | None:
    action = catalogue.actions.get(name)
    if action is None:
        return None
    relation = catalogue.relation_of(name)
    return relation, action.mandatory_class, action.title, action.subcategory
