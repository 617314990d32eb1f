"""Who somebody in Slack is: the signed-in account decides, by the address that Slack vouches for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from copilot.people import Person
from integrations.slack.client import Slack, SlackRefusedError


class Colleagues(Protocol):
    async def person_by_email(self, address: str) -> Person | None: ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody whom the copilot does not serve, and why."""

    why: Literal["guest", "other_company", "unknown", "bot", "inactive"]


Known = Person | Visitor
Clock = Callable[[], datetime]


class Members:
    """Slack's users as the directory's people, remembered for a while."""

    def __init__(
        self, slack: Slack, directory: Colleagues, clock: Clock, *, keep: timedelta
    ) -> None:
        self._slack = slack
        self._directory = directory
        self._clock = clock
        self._keep = keep
        self._seen: dict[tuple[str, str], tuple[datetime, Known]] = {}

    async def who(self, team: str, member: str, *, from_team: str = "") -> Known:
        """The person behind a Slack account.

        May raise `SlackUnavailableError`, and `DirectoryUnavailableError` for somebody who is not remembered.
        """
        if from_team and team and from_team != team:
            return Visitor("other_company")
        now, known = self._clock(), self._seen.get((team, member))
        if known is not None and now - known[0] < self._keep:
            return known[1]
        found = await self._look(team, member)
        self._seen[team, member] = (now, found)
        return found

    def forget(self, team: str, member: str) -> None:
        self._seen.pop((team, member), None)

    async def _look(self, team: str, member: str) -> Known:
        try:
            user = (await self._slack.call(team, "users.info", user=member)).get("user") or {}
        except SlackRefusedError as error:
            if error.code in ("user_not_found", "user_not_visible"):
                return Visitor("unknown")
            raise
        if user.get("is_bot"):
            return Visitor("bot")
        if user.get("is_stranger") or (team and (user.get("team_id") or team) != team):
            return Visitor("other_company")
        if user.get("is_restricted") or user.get("is_ultra_restricted"):
            return Visitor("guest")
        return await self._by_address(str((user.get("profile") or {}).get("email") or ""))

    async def _by_address(self, address: str) -> Known:
        sought = address.strip()
        person = await self._directory.person_by_email(sought) if sought else None
        if person is None:
            return Visitor("unknown")
        return person if person.active else Visitor("inactive")
