"""Asking through the server that owns the home, over its HTTP API."""

import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel, ValidationError

from copilot import errors
from copilot.conversation import Inquiry, Reply

OF_PROBLEM: dict[str, type[errors.CopilotError]] = {
    "inquiry-conflict": errors.InquiryConflictError,
    "foreign-thread": errors.ForeignThreadError,
    "unknown-user": errors.UnknownUserError,
    "unknown-inquiry": errors.UnknownInquiryError,
    "unknown-thread": errors.UnknownThreadError,
    "unavailable": errors.StoreUnavailableError,
    "broken": errors.OutageError,
    "not-ready": errors.OutageError,
}
"""The error that the server's copilot raised, by the last part of the problem's type."""


class About(BaseModel):
    """What the server says of itself."""

    now: datetime
    default_user: str | None = None


class Told(BaseModel):
    """The part of a problem that a client goes by."""

    type: str = "about:blank"
    detail: str = ""
    reasons: tuple[str, ...] = ()


class RemoteDoor:
    """The copilot of another process. Raises the same errors as the copilot itself."""

    def __init__(
        self,
        url: str,
        *,
        seconds: float,
        token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`token` is that of the home, where its server asks who is there."""
        self._url = url
        headers = {"Authorization": f"Bearer {token}"} if token else None
        # A proxy from the environment has no business between two processes of one machine.
        self._client = httpx.AsyncClient(
            base_url=url, timeout=seconds, trust_env=False, transport=transport, headers=headers
        )
        self._about = About(now=datetime.fromtimestamp(0, UTC))
        self._asked_at = time.monotonic()

    async def __aenter__(self) -> Self:
        try:
            self._about = About.model_validate_json((await self._send("GET", "/v1/about")).content)
        except BaseException:
            await self._client.aclose()
            raise
        self._asked_at = time.monotonic()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    @property
    def default_user(self) -> str:
        """Who asks where nobody is named. Raises `UnknownUserError` outside a demonstration."""
        if self._about.default_user is None:
            raise errors.UnknownUserError(
                f"The server at {self._url} has no default user. Name who asks with --user."
            )
        return self._about.default_user

    def now(self) -> datetime:
        """The server's clock, which may be a demonstration's."""
        return self._about.now + timedelta(seconds=time.monotonic() - self._asked_at)

    async def ask(self, inquiry: Inquiry) -> Reply:
        """As `Copilot.ask`."""
        answer = await self._send("POST", "/v1/ask", content=inquiry.model_dump_json())
        try:
            return Reply.model_validate_json(answer.content)
        except ValidationError as error:
            raise errors.OutageError(
                f"The server at {self._url} answers in a form that this version can't read. "
                "Run the same version on both sides."
            ) from error

    async def check(self) -> None:
        """Raises `OutageError` with the reasons when the server is not ready."""
        await self._send("GET", "/readyz")

    async def _send(self, method: str, path: str, *, content: str | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            answer = await self._client.request(method, path, content=content, headers=headers)
        except httpx.TimeoutException as error:
            raise errors.OutageError(
                f"The server at {self._url} took too long to answer. Try again, or restart it."
            ) from error
        except httpx.HTTPError as error:
            raise errors.OutageError(
                f"The server at {self._url} does not answer. Start it again with `copilot serve`."
            ) from error
        if answer.is_success:
            return answer
        raise self._error(answer)

    def _error(self, answer: httpx.Response) -> errors.CopilotError:
        try:
            told = Told.model_validate_json(answer.content)
        except ValidationError:
            return errors.OutageError(
                f"The server at {self._url} answered with status {answer.status_code}. Check its log."
            )
        kind = OF_PROBLEM.get(told.type.rpartition("/")[2], errors.InquiryError)
        said = " ".join([told.detail, *told.reasons]).strip()
        return kind(said or f"The server at {self._url} refused the request.")
