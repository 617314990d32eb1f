"""Any program as a system: what is said goes in as JSON, the reply comes out as JSON.

The program is started for every turn. It reads one object: text, turns, user, display_name, environment, conversation,
message, at. It writes one: `text`, and whatever else of a `Response` it knows, with `cost_usd` where it costs.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, model_validator

from evals.case import Value
from evals.episode import Exchange
from evals.systems import templates
from evals.systems.responses import Words, response_of
from evals.systems.system import (
    Ask,
    HopelessError,
    Played,
    Spoken,
    VendorError,
    VendorTimeoutError,
    conversed,
    reachable,
    sent,
)

_EXCERPT = 200
_SENT = ("text", "turns", "user", "display_name", "environment", "conversation", "message", "at")


class CommandConfig(Value):
    """`kind: command`."""

    kind: Literal["command"]
    name: str
    command: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments; no shell reads them."""
    folder: Path | None = None
    """Where it runs; the folder of the configuration where nothing is said."""
    timeout_seconds: float = Field(default=60.0, gt=0)
    words: Words = Words()
    cost_per_call: float = Field(default=0.0, ge=0)
    give_up_after: int = Field(default=5, ge=1)
    """Hopeless failures in a row (no program, no JSON) after which it is asked no more."""
    cache: bool = False
    """Whether replies are kept. A program changes without its configuration, so they are not."""

    @model_validator(mode="before")
    @classmethod
    def _starts_at_its_file(cls, data: object, info: ValidationInfo) -> object:
        folder = (info.context or {}).get("folder")
        if isinstance(data, dict) and folder is not None:
            return {**data, "folder": Path(folder) / (data.get("folder") or ".")}
        return data


@asynccontextmanager
async def opened(config: CommandConfig) -> AsyncIterator["CommandSystem"]:
    """The program; it is started with the first turn."""
    yield CommandSystem(config)


@dataclass(frozen=True, slots=True)
class CommandSystem:
    """One program."""

    config: CommandConfig

    async def play(self, ask: Ask) -> Played:
        reachable(ask, name=True, history=True)

        async def answer(spoken: Spoken) -> Exchange:
            values = templates.values_of(ask, spoken, templates.TurnShape())
            given = {name: values[name] for name in _SENT}
            started = time.perf_counter()
            out = await self._ran(json.dumps(given, ensure_ascii=False).encode())
            took = time.perf_counter() - started
            told = _object(out)
            cost = told.pop("cost_usd", None)
            return Exchange(
                said=spoken.text,
                response=response_of(told, self.config.words),
                latency_ms=round(took * 1000, 2),
                cost_usd=self.config.cost_per_call + _cost(cost),
            )

        return Played(await conversed(ask, answer), delivered=sent(ask))

    async def _ran(self, given: bytes) -> bytes:
        program = await self._started()
        try:
            out, errors = await asyncio.wait_for(
                program.communicate(given), self.config.timeout_seconds
            )
        except TimeoutError:
            seconds = self.config.timeout_seconds
            raise VendorTimeoutError(
                f"The program did not end within {seconds:g} seconds."
            ) from None
        finally:
            await _ended(program)
        if program.returncode:
            told = " ".join(errors.decode(errors="replace").split())[-_EXCERPT:] or "nothing"
            raise VendorError(
                f"The program ended with exit code {program.returncode}. It said: {told}"
            )
        return out

    async def _started(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        try:
            return await asyncio.create_subprocess_exec(
                *self.config.command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                cwd=self.config.folder,
                start_new_session=True,
            )
        except OSError as error:
            raise HopelessError(
                f"The program '{self.config.command[0]}' can't be started: {error.strerror}. "
                "Correct `command` or `folder`."
            ) from error


async def _ended(program: asyncio.subprocess.Process) -> None:
    """Nothing that the program started outlives its turn."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    await program.wait()


def _object(out: bytes) -> dict[str, object]:
    try:
        told = json.loads(out)
    except ValueError:
        shown = out.decode(errors="replace")[:_EXCERPT] or "nothing"
        raise HopelessError(
            f'The program wrote no JSON: {shown}. Write one object like {{"text": "…"}}.'
        ) from None
    if not isinstance(told, dict):
        raise HopelessError('The program wrote no JSON object. Write one like {"text": "…"}.')
    return told


def _cost(cost: object) -> float:
    return float(cost) if isinstance(cost, int | float) and cost >= 0 else 0.0
