"""Any system behind HTTP: a request made from a template, a reply read by JSONPath."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from evals.case import Value
from evals.environment import Variables, filled, named_in
from evals.episode import Exchange
from evals.errors import SystemConfigError
from evals.systems import templates
from evals.systems.replies import Path, ReplyPaths, first, number
from evals.systems.responses import Words, response_of
from evals.systems.system import (
    Ask,
    HopelessError,
    Played,
    PlayError,
    Spoken,
    VendorError,
    VendorTimeoutError,
    conversed,
    reachable,
    sent,
)

if TYPE_CHECKING:
    import httpx
    from aiolimiter import AsyncLimiter

_OK, _MULTIPLE, _TOO_MANY, _SERVER_FAULT = 200, 300, 429, 500
_EXCERPT = 200
_HISTORY = frozenset({"turns", "history", "planted"})
_MILLION = 1_000_000


class Retries(Value):
    """Only answers that may get better are asked for again: 429, 5xx, broken connections, timeouts."""

    times: int = Field(default=3, ge=0, le=10)
    first_wait_seconds: float = Field(default=1.0, ge=0)
    """Doubled each time."""
    longest_wait_seconds: float = Field(default=60.0, ge=0)
    """A vendor that asks for a longer wait (Retry-After) is not waited for."""


class Rate(Value):
    """At most so many calls in any so many seconds: they are spread evenly, so that no burst comes on top."""

    calls: float = Field(gt=0)
    seconds: float = Field(default=60.0, gt=0)


class Cost(Value):
    """What a call costs, in US dollars; the parts add up."""

    per_call: float = Field(default=0.0, ge=0)
    per_million_input: float = Field(default=0.0, ge=0)
    per_million_output: float = Field(default=0.0, ge=0)
    input_tokens: Path | None = None
    """Where the reply tells how many tokens were read."""
    output_tokens: Path | None = None
    usd: Path | None = None
    """Where the reply tells its cost."""

    @model_validator(mode="after")
    def _can_be_counted(self) -> "Cost":
        priced = (
            ("input", self.per_million_input, self.input_tokens),
            ("output", self.per_million_output, self.output_tokens),
        )
        for name, price, path in priced:
            if price and path is None:
                raise ValueError(f"per_million_{name} needs the JSONPath `{name}_tokens`.")
        return self

    def of(self, reply: object) -> float:
        tokens = self.per_million_input * number(self.input_tokens, reply)
        tokens += self.per_million_output * number(self.output_tokens, reply)
        return self.per_call + tokens / _MILLION + number(self.usd, reply)


class HttpConfig(Value):
    """`kind: http`. `${NAME}` in url and headers is a variable of the environment."""

    kind: Literal["http"]
    name: str
    url: str
    method: Literal["POST", "PUT", "GET"] = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    request: JsonValue = None
    """A template of the JSON that is sent; see `evals.systems.templates`."""
    turn: templates.TurnShape = templates.TurnShape()
    reply: ReplyPaths
    words: Words = Words()
    full_confidence: float = Field(default=1.0, gt=0)
    """What the vendor calls being certain: 1 or 100."""
    timeout_seconds: float = Field(default=60.0, gt=0)
    retries: Retries = Retries()
    rate: Rate | None = None
    cost: Cost = Cost()
    give_up_after: int = Field(default=5, ge=1)
    """Hopeless failures in a row (unreachable, refused, unreadable) after which it is asked no more."""
    cache: bool = True
    """Whether replies are kept, so that the same question is not paid for twice."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://", "${")):
            raise ValueError(f"'{url}' is no address. Begin with https:// or http://.")
        return url

    @field_validator("request")
    @classmethod
    def _asks_for_what_is_there(cls, request: JsonValue) -> JsonValue:
        asked = set(templates.placeholders(request))
        for name in sorted(asked):
            if not templates.is_known(name):
                raise ValueError(f"{{{{{name}}}}} is unknown. Known are: {templates.MEANT}.")
        if not asked & {"text", "turns"}:
            raise ValueError("The request sends neither {{text}} nor {{...turns}}. Add one.")
        return request


@asynccontextmanager
async def opened(
    config: HttpConfig, variables: Variables, source: str, clock: Callable[[], float] = time.time
) -> AsyncIterator["HttpSystem"]:
    """The vendor, ready to be asked. Raises `SystemConfigError` for a variable that is not set."""
    import httpx

    texts = {"url": config.url, **{f"headers.{k}": v for k, v in config.headers.items()}}
    values = dict(_values(texts, variables, source))
    url, headers = (
        filled(config.url, values),
        {k: filled(v, values) for k, v in config.headers.items()},
    )
    async with httpx.AsyncClient(headers=headers, timeout=config.timeout_seconds) as client:
        yield HttpSystem(config, client, url, tuple(values.values()), clock, _limiter(config.rate))


def _values(
    texts: Mapping[str, str], variables: Variables, source: str
) -> Iterator[tuple[str, str]]:
    for key, text in texts.items():
        for name in named_in(text):
            value = variables(name)
            if not value:
                raise SystemConfigError(
                    f"{source}: {key} names the variable {name}, which is not set. Set it: export {name}=…"
                )
            yield name, value


def _limiter(rate: Rate | None) -> "AsyncLimiter | None":
    if rate is None:
        return None
    from aiolimiter import AsyncLimiter

    return AsyncLimiter(1, rate.seconds / rate.calls)


class _AgainError(Exception):
    """A failure that may pass; `wait` is how long the vendor wants to be left alone."""

    def __init__(self, error: PlayError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


@dataclass(slots=True)
class HttpSystem:
    """One vendor."""

    config: HttpConfig
    client: "httpx.AsyncClient"
    url: str
    secrets: tuple[str, ...]
    clock: Callable[[], float]
    limiter: "AsyncLimiter | None" = field(default=None)

    async def play(self, ask: Ask) -> Played:
        asked = set(templates.placeholders(self.config.request))
        reachable(ask, name="display_name" in asked, history=bool(asked & _HISTORY))
        talk = _Talk(self, ask)
        exchanges = await conversed(ask, talk.answer)
        return Played(exchanges, delivered=sent(ask), attempts=talk.attempts)

    def without_secrets(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "[removed]")
        return text


@dataclass(slots=True)
class _Talk:
    """One conversation with the vendor."""

    system: HttpSystem
    ask: Ask
    thread: str | None = None
    attempts: int = 0

    async def answer(self, spoken: Spoken) -> Exchange:
        config = self.system.config
        values = templates.values_of(self.ask, spoken, config.turn, self.thread)
        body = templates.filled(config.request, values)
        reply, took = await self._called(body)
        thread = first(config.reply.thread, reply)
        self.thread = str(thread) if thread is not None else self.thread
        told = config.reply.fields(reply)
        response = response_of(told, config.words, full_confidence=config.full_confidence)
        return Exchange(
            said=spoken.text,
            response=response,
            latency_ms=round(took * 1000, 2),
            cost_usd=config.cost.of(reply),
        )

    async def _called(self, body: object) -> tuple[object, float]:
        """The reply and how long its call took. Raises a `PlayError` when no attempt succeeded."""
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

        retries = self.system.config.retries
        tries = AsyncRetrying(
            retry=retry_if_exception_type(_AgainError),
            stop=stop_after_attempt(retries.times + 1),
            wait=lambda state: _wait(retries, state.attempt_number, state.outcome),
            reraise=True,
        )
        try:
            return await tries(self._attempt, body)
        except _AgainError as failed:
            failed.error.attempts = self.attempts
            raise failed.error from failed
        except PlayError as error:
            error.attempts = self.attempts
            raise

    async def _attempt(self, body: object) -> tuple[object, float]:
        import httpx

        system = self.system
        self.attempts += 1
        if system.limiter is not None:
            await system.limiter.acquire()
        started = time.perf_counter()
        try:
            given = {"json": body} if body is not None else {}
            got = await system.client.request(system.config.method, system.url, **given)  # type: ignore[arg-type]
        except httpx.TimeoutException as error:
            seconds = system.config.timeout_seconds
            late = VendorTimeoutError(f"No answer within {seconds:g} seconds.")
            raise _AgainError(late) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = system.without_secrets(str(error)) or type(error).__name__
            gone = HopelessError(
                f"{system.config.url} can't be reached: {reason}. Check url, network and proxy."
            )
            raise _AgainError(gone) from error
        took = time.perf_counter() - started
        return self._read(got), took

    def _read(self, got: "httpx.Response") -> object:
        if not _OK <= got.status_code < _MULTIPLE:
            raise self._refused(got)
        try:
            reply: object = json.loads(got.content)
        except ValueError as error:
            raise HopelessError(
                f"The vendor answered with no JSON: {self._excerpt(got)}. Check url and headers."
            ) from error
        return reply

    def _refused(self, got: "httpx.Response") -> Exception:
        status, said = got.status_code, f"HTTP {got.status_code}: {self._excerpt(got)}"
        if status == _TOO_MANY or status >= _SERVER_FAULT:
            wait = _retry_after(got.headers.get("retry-after"), self.system.clock())
            longest = self.system.config.retries.longest_wait_seconds
            if wait is not None and wait > longest:
                return VendorError(
                    f"{said} It asks to wait {wait:.0f} seconds, more than {longest:g}."
                )
            return _AgainError(VendorError(said), wait)
        advice = _ADVICE.get(status, "Check the request.")
        return HopelessError(f"{said} {advice}")

    def _excerpt(self, got: "httpx.Response") -> str:
        return self.system.without_secrets(" ".join(got.text.split())[:_EXCERPT]) or "nothing"


_ADVICE: Mapping[int, str] = {
    301: "Put the address that it redirects to into `url`.",
    302: "It redirects, perhaps to a sign-in page. Check `url` and `headers`.",
    400: "The vendor can't read the request. Compare `request` with its documentation.",
    401: "Check the key in `headers`.",
    403: "Check the key in `headers` and what it may do.",
    404: "Check `url`.",
    422: "The vendor can't read the request. Compare `request` with its documentation.",
}


def _wait(retries: Retries, attempt: int, outcome: object) -> float:
    error = outcome.exception() if outcome is not None else None  # type: ignore[attr-defined]
    if isinstance(error, _AgainError) and error.wait is not None:
        return error.wait
    doubled: float = retries.first_wait_seconds * 2 ** (attempt - 1)
    return min(doubled, retries.longest_wait_seconds)


def _retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait, of a header that holds seconds or a date."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - now)
        except ValueError:
            return None
