"""One change of the desk as calls to the ticket system. Repeating it changes nothing there."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from copilot.conversation import Handoff
from integrations.delivery.ledger import Elsewhere
from integrations.tickets.once import deliver_once
from integrations.tickets.port import (
    DONE,
    Applied,
    NewTicket,
    Outcome,
    RemoteStatus,
    TicketDesk,
    Visibility,
)
from integrations.tickets.systems.rendering import rendered
from integrations.tickets.view import DeskChange, TicketStatus, TicketView

_STATUSES: dict[TicketStatus, RemoteStatus] = {
    "open": "open",
    "in_progress": "open",
    "waiting": "pending_user",
    "resolved": "resolved",
    "closed": "closed",
}


@dataclass(frozen=True, slots=True)
class Contact:
    """How the ticket system knows a person."""

    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """What is said to one ticket system, for one installation of the copilot."""

    remote: TicketDesk
    installation: str
    """Part of every correlation id: two homes may both have a first ticket."""
    contact: Callable[[str], Awaitable[Contact]]
    create_tries: int = 3
    """How often making a ticket is tried in a row when nobody knows whether it was made."""
    look_seconds: Sequence[float] = (1.0, 5.0, 15.0)
    """When it is looked for after each such try."""
    pages: str = ""
    """Address of the copilot's own pages, for the link to the conversation."""

    @property
    def system(self) -> str:
        return self.remote.system

    def correlation(self, ticket_id: str) -> str:
        return f"{ticket_id}-{self.installation}"

    async def make(self, view: TicketView) -> Outcome:
        """The ticket of a case, made only if there is none. It begins with what was known first."""
        first = next((step.handoff for step in view.history if step.handoff), view.handoff)
        ticket = await self._as_new(view, first)
        return await deliver_once(
            self.remote, ticket, tries=self.create_tries, look_seconds=self.look_seconds
        )

    async def tell(self, change: DeskChange, view: TicketView, there: Elsewhere) -> Outcome | None:
        """What became of it; `None` where the ticket says it already."""
        step = change.step
        if step.kind == "opened":
            return None
        if step.kind == "updated" and step.handoff is not None:
            return await self._updated(change, view, there, step.handoff)
        if step.kind in ("note", "asked", "said"):
            return await self._written(change, there)
        if step.kind == "moved":
            return await self.remote.move(there.remote_id, view.line.queue)
        if step.note:
            visibility: Visibility = "public" if step.status == "resolved" else "internal"
            written = await self._comment(change, there, step.note, visibility)
            if not isinstance(written, Applied):
                return written
        return await self.remote.set_status(there.remote_id, _STATUSES[step.status])

    async def _updated(
        self, change: DeskChange, view: TicketView, there: Elsewhere, handoff: Handoff
    ) -> Outcome:
        text = f"The handoff as it is known now:\n\n{rendered(await self._as_new(view, handoff))}"
        written = await self._comment(change, there, text, "internal")
        if not isinstance(written, Applied):
            return written
        if written.ticket.queue != handoff.queue:
            written = await self.remote.move(there.remote_id, handoff.queue)
        if isinstance(written, Applied) and written.ticket.status in DONE:
            return await self.remote.set_status(there.remote_id, "open")
        return written

    async def _written(self, change: DeskChange, there: Elsewhere) -> Outcome:
        step = change.step
        who = (await self.contact(step.by)).name or step.by if step.by else "The copilot"
        visibility: Visibility = "internal" if step.kind == "note" else "public"
        return await self._comment(change, there, f"{who} writes:\n{step.note or ''}", visibility)

    async def _comment(
        self, change: DeskChange, there: Elsewhere, text: str, visibility: Visibility
    ) -> Outcome:
        key = f"{self.installation}:{change.seq}"
        if await self.remote.has_comment(there.remote_id, key):
            known = await self.remote.get(there.remote_id)
            if known is not None:
                return Applied(known)
        return await self.remote.comment(there.remote_id, text, visibility=visibility, key=key)

    async def _as_new(self, view: TicketView, handoff: Handoff) -> NewTicket:
        line, asker = view.line, await self.contact(view.line.opened_by)
        page = handoff.transcript_url
        return NewTicket(
            correlation_id=self.correlation(line.id),
            title=f"{line.id} {handoff.summary}",
            body=f"Made by the IT support copilot as {line.id}.",
            requester_id=line.opened_by,
            requester_email=asker.email,
            requester_name=asker.name,
            queue=handoff.queue,
            priority=handoff.priority,
            category=handoff.category,
            subcategory=handoff.subcategory,
            handoff=handoff,
            thread_url=f"{self.pages}{page}" if page and self.pages else None,
        )
