"""Slack's Web API as the worker uses it: one session, and faults told apart by who must act."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from copilot.errors import OutageError

_UNREADABLE = "unreadable_answer"
_LOST = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable",
                   "request_timeout", "team_added_to_org", _UNREADABLE})  # fmt: skip
"""Errors of the moment: the same call may work later."""
_SERVER_ERROR = 500
_RESPONSES = "hooks.slack.com"
"""Where Slack takes responses to interactions."""

_FORM_ONLY = frozenset({"chat.getPermalink", "conversations.history", "conversations.info",
                        "conversations.replies", "users.info", "users.lookupByEmail"})  # fmt: skip
"""Methods that read something: Slack overlooks a JSON body of theirs."""


class SlackUnavailableError(OutageError):
    """Slack did not answer, or not in time: whether the call took effect is not known."""


class SlackRefusedError(OutageError):
    """Slack refused a call; repeating it changes nothing. `code` is Slack's own word for it."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"Slack refused {method}: {code}. Run `copilot doctor slack` to see why.")
        self.code = code


Token = Callable[[str], Awaitable[str]]
"""The bot's token of a workspace. Raises `SlackRefusedError` where it is not installed."""


class Slack:
    """Calls by method name, with the token of the workspace. One HTTP session for all."""

    def __init__(self, token: Token, *, base_url: str, seconds: float, rate_retries: int) -> None:
        self._token = token
        self._base_url = base_url
        self._seconds = seconds
        self._retries = rate_retries
        self._session: aiohttp.ClientSession | None = None
        self._clients: dict[str, AsyncWebClient] = {}
        self._self: dict[str, str] = {}

    async def call(self, team: str, method: str, **arguments: object) -> Mapping[str, Any]:
        """Slack's answer.

        Raises `SlackUnavailableError` when nothing is known of the outcome, `SlackRefusedError`
        when Slack said no.
        """
        client = await self._client(team)
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            if method in _FORM_ONLY:
                answer = await client.api_call(method, data=_form(given))
            else:
                answer = await client.api_call(method, json=given)
        except SlackApiError as error:
            raise _told(method, error) from error
        except (aiohttp.ClientError, TimeoutError, SlackRequestError) as error:
            raise SlackUnavailableError(
                f"Slack did not answer {method} in {self._seconds:g} seconds ({type(error).__name__})."
            ) from error
        data = answer.data
        return data if isinstance(data, dict) else {}

    async def bot(self, team: str) -> str:
        """The copilot's own user id in a workspace."""
        if team not in self._self:
            self._self[team] = str((await self.call(team, "auth.test"))["user_id"])
        return self._self[team]

    async def respond(self, address: str, body: Mapping[str, object]) -> None:
        """Answer at the address that came with an interaction. It is good for half an hour.

        An address that is not Slack's own is not called.
        """
        if urlsplit(address).netloc not in (_RESPONSES, urlsplit(self._base_url).netloc):
            raise SlackRefusedError("a response", "foreign_response_url")
        session = self._opened()
        try:
            async with session.post(address, json=body) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackUnavailableError(
                f"Slack did not take a response ({type(error).__name__})."
            ) from error
        if status >= _SERVER_ERROR:
            raise SlackUnavailableError(f"Slack could not take a response now ({status}).")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _client(self, team: str) -> AsyncWebClient:
        token = await self._token(team)
        if token not in self._clients:
            self._clients[token] = AsyncWebClient(
                token=token,
                base_url=self._base_url,
                session=self._opened(),
                timeout=max(1, round(self._seconds)),
                # Only what is sure not to have happened is repeated here. A lost connection may
                # have carried a message: the caller looks whether it is there first.
                retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=self._retries)],
            )
        return self._clients[token]

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._seconds)
            )
        return self._session


def _form(given: Mapping[str, object]) -> dict[str, str]:
    return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}


def code_of(error: SlackApiError) -> str:
    """Slack's own word for what was wrong."""
    data = getattr(error.response, "data", None)
    return str(data.get("error")) if isinstance(data, dict) else _UNREADABLE


def _told(method: str, error: SlackApiError) -> OutageError:
    response = error.response
    status = int(getattr(response, "status_code", 0) or 0)
    code = code_of(error)
    if status >= _SERVER_ERROR or code in _LOST:
        return SlackUnavailableError(f"Slack could not do {method} now ({status}, {code}).")
    return SlackRefusedError(method, code)
