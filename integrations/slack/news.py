"""What agents do elsewhere, on the web or in the ticket system, told to the employee in Slack."""

import asyncio

from copilot.errors import OutageError
from integrations.jobs.port import JSON, Job, Steps
from integrations.slack import triage_cards as cards
from integrations.slack.ledger import Talk
from integrations.slack.parts import Kit
from integrations.slack.tiertwo import TierTwo
from integrations.tickets.view import DeskChange, TicketView

HERE = "slack:"
"""How the keys begin of what was done in Slack: there it was told already."""
KIND = "news"
_LOOK_SECONDS = 1.0
_FOLLOWER = "slack"
_TOLD = {
    "claimed": "{name} has your case {ticket} now and reads what you write here. I stay silent until they are done.",
    "released": "{name} has handed this thread back to me. Your case {ticket} stays with {queue}.",
    "moved": "Your case {ticket} is now with {queue}; you don't need to explain it again.",
}


class News:
    """Follows the desk; each change becomes a job, so that it is told once whatever dies in between."""

    def __init__(self, kit: Kit, tier_two: TierTwo) -> None:
        self._kit = kit
        self._tier_two = tier_two

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except OutageError as error:
                self._kit.helpdesk.counters.failure("slack.news", error)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Make jobs of what happened since; the first time only from now on."""
        desk, ledger = self._kit.helpdesk.desk, self._kit.ledger
        since = await ledger.followed(_FOLLOWER)
        if since is None:
            await ledger.follow(_FOLLOWER, await desk.newest())
            return
        for change in await desk.changes(since):
            if change.step.by is not None and not change.key.startswith(HERE):
                payload: dict[str, JSON] = {"ticket": change.ticket_id, "seq": change.seq}
                job = Job(f"news-{change.seq}", KIND, payload)
                await self._kit.inbox.put(job, lane=f"news:{change.ticket_id}")
            await ledger.follow(_FOLLOWER, change.seq)

    async def tell(self, job: Job, _steps: Steps) -> None:
        """Tell the employee, if the case is one of a conversation in Slack."""
        desk, seq = self._kit.helpdesk.desk, int(str(job.payload["seq"]))
        view = await desk.ticket(str(job.payload["ticket"]))
        found = await desk.changes(seq - 1, limit=1)
        if view is None or not found or found[0].seq != seq:
            return
        talk = await self._kit.ledger.known(view.line.thread_id)
        if talk is not None and found[0].step.by != talk.person:
            await self._say(job.id, talk, view, found[0])
        if talk is not None:
            await self._tier_two.refresh(view.line.id, talk)

    async def _say(self, key: str, talk: Talk, view: TicketView, change: DeskChange) -> None:
        step, line = change.step, view.line
        by = str(step.by)
        name = (await self._kit.helpdesk.directory.names([by])).get(by, "A colleague")
        if step.kind == "asked":
            await self._kit.tell(talk, f"{key}:told", cards.human_says(name, step.note or ""))
        elif step.kind == "status" and step.status == "resolved":
            told = f"Your case {line.id} is resolved by {name}:\n{step.note or ''}\nIf it is not, write here and it opens again."
            await self._kit.tell(talk, f"{key}:told", cards.progress(told))
        elif step.kind in _TOLD:
            told = _TOLD[step.kind].format(name=name, ticket=line.id, queue=line.queue)
            await self._kit.tell(talk, f"{key}:told", cards.progress(told))
