"""The copilot of this product, in this process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from evals.case import Case, Value
from evals.systems.system import System


class CopilotConfig(Value):
    """`kind: copilot`: the product as its own settings have it (`COPILOT_…`)."""

    kind: Literal["copilot"] = "copilot"
    name: str = "copilot"
    home: Path | None = None
    """A home whose index is copied; the settings' where nothing is said. Nothing is written to it."""
    as_reviewed: bool = False
    """Whether planted articles count as reviewed, so that they may be quoted."""


@asynccontextmanager
async def opened(config: CopilotConfig, cases: Sequence[Case]) -> AsyncIterator[System]:
    """The copilot, ready to be asked. Raises `SystemConfigError` when it can't be started."""
    from evals import subject

    async with subject.copilot(cases, home=config.home, as_reviewed=config.as_reviewed) as ready:
        yield ready
