"""How a run goes, for the person at the terminal: a bar with the time left and the cost so far, on standard error."""

import sys
from typing import TYPE_CHECKING

from evals.episode import Episode
from evals.results import cost_of

if TYPE_CHECKING:
    from tqdm import tqdm


class Terminal:
    """A bar where standard error is a terminal; elsewhere only what a person should know."""

    def __init__(self, *, bar: bool | None = None) -> None:
        self._wanted = sys.stderr.isatty() if bar is None else bar
        self._bar: tqdm[object] | None = None
        self._failed = 0
        self.cost = 0.0

    def began(self, rows: int) -> None:
        if self._wanted and rows:
            from tqdm import tqdm

            self._bar = tqdm(total=rows, unit="case", file=sys.stderr, dynamic_ncols=True)

    def recorded(self, episode: Episode) -> None:
        self.cost += 0.0 if episode.cached else cost_of(episode)
        self._failed += episode.status not in ("ok", "not_deliverable")
        if self._bar is not None:
            told = f"${self.cost:.2f}" + (f", {self._failed} failed" if self._failed else "")
            self._bar.set_postfix_str(told, refresh=False)
            self._bar.update()

    def said(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            sys.stderr.write(line + "\n")

    def ended(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
