"""The working side of Slack: takes what the ingress stored, and answers. Owns neither index nor store."""

from collections.abc import Mapping
from datetime import timedelta

from copilot.errors import OutageError
from integrations.jobs.port import Inbox, Job, Steps, Work
from integrations.slack.client import Slack, Token
from integrations.slack.incoming import ADDRESSED
from integrations.slack.ledger import Ledger, Place
from integrations.slack.message import plain
from integrations.slack.news import KIND as NEWS
from integrations.slack.news import News
from integrations.slack.parts import Kit
from integrations.slack.people import Members
from integrations.slack.posting import Poster
from integrations.slack.replacing import Replacing
from integrations.slack.runtime import Helpdesk, Options
from integrations.slack.selfservice import SelfService
from integrations.slack.talking import Talking
from integrations.slack.tapping import Tapping
from integrations.slack.tiertwo import TierTwo
from integrations.store.database import Database

_MEMBERS_KEPT = timedelta(minutes=10)
_TOLD = "told"


class SlackWork:
    """What is done for each kind of job, and what is said when a job is given up."""

    def __init__(self, kit: Kit, examples: tuple[str, ...]) -> None:
        self._kit = kit
        tier_two, self_service = TierTwo(kit), SelfService(kit)
        self.news = News(kit, tier_two)
        talking = Talking(kit, tier_two, self_service)
        replacing = Replacing(kit.slack, kit.poster)
        tapping = Tapping(kit, talking, tier_two, self_service, replacing, examples)
        self.by_kind: Mapping[str, Work] = {
            "message": talking.message,
            "edit": talking.edit,
            "deletion": talking.deletion,
            "stopped": talking.stopped,
            "command": talking.command,
            "shortcut": talking.shortcut,
            "tap": tapping.tap,
            "submission": tier_two.submission,
            "opened": tapping.opened,
            "check_in": tapping.check_in,
            "still_fine": tapping.still_fine,
            _TOLD: _nothing,
            NEWS: self.news.tell,
        }

    async def given_up(self, job: Job, error: Exception) -> None:
        """Tell who waits, and a human, that a job can't be done. Needs no store: that may be why."""
        self._kit.helpdesk.counters.failure("slack", error)
        self._kit.count("given_up", kind=job.kind)
        if job.kind not in ADDRESSED:
            return
        # Once, also when telling is tried again: the note of it is as durable as the job.
        if await self._kit.inbox.put(Job(f"told-{job.id}", _TOLD, {}), lane=f"told:{job.id}"):
            await self._tell(job, error)

    async def _tell(self, job: Job, error: Exception) -> None:
        team, member = str(job.payload["team"]), str(job.payload["user"])
        numbers = self._kit.helpdesk.company.hotline_text()
        channel = self._kit.options.triage_channel
        seen = f"<@{member}>: a {job.kind} could not be worked on ({type(error).__name__}). Please look after them."
        is_seen = channel is not None and await self._post(Place(team, channel), seen)
        who = "The service desk has been told." if is_seen else "Please call the service desk."
        told = f"Something on our side is not working, so I can't answer this. {who} If it is urgent, call: {numbers}"
        await self._post(Place(team, member), plain(told).text)

    async def _post(self, place: Place, text: str) -> bool:
        """Say it without the store, which may be why; says whether it could be said."""
        try:
            await self._kit.slack.call(
                place.team, "chat.postMessage", channel=place.channel, text=text
            )
        except OutageError as error:
            self._kit.helpdesk.counters.failure("slack", error)
            return False
        return True

    async def close(self) -> None:
        await self._kit.slack.close()


def slack_work(
    helpdesk: Helpdesk,
    *,
    database: Database,
    inbox: Inbox,
    token: Token,
    base_url: str,
    rate_retries: int,
    options: Options,
    examples: tuple[str, ...],
) -> SlackWork:
    """Put the parts together."""
    slack = Slack(token, base_url=base_url, seconds=options.call_seconds, rate_retries=rate_retries)
    ledger = Ledger(database)
    members = Members(slack, helpdesk.directory, helpdesk.clock, keep=_MEMBERS_KEPT)
    kit = Kit(helpdesk, slack, ledger, Poster(slack, ledger), members, inbox, options)
    return SlackWork(kit, examples)


async def _nothing(_job: Job, _steps: Steps) -> None:
    """A job whose id is all there is to it: whoever stores it first may do what it stands for."""
