"""What the company calls queues, states and priorities, and what the vendor calls them. Pure."""

import re
from collections.abc import Mapping

from pydantic import Field

from copilot.conversation import Priority, Value
from integrations.tickets.port import RemoteStatus

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_PAGE = re.compile(r"https?://[^\s<>\"]{1,500}")


def is_number(ticket_id: str) -> bool:
    """Whether it can be the id of a ticket that is numbered; anything else never becomes part of a request."""
    return _NUMBER.fullmatch(ticket_id) is not None


def is_page(address: str) -> bool:
    return _PAGE.fullmatch(address) is not None


class Names(Value):
    """Both ways: ours to theirs, and theirs to ours."""

    queues: Mapping[str, str] = Field(default_factory=dict)
    """The company's queues, and what the vendor calls each. One that is not here is not handed over to."""
    statuses: Mapping[RemoteStatus, str]
    """What the vendor calls each state. Several may share one: it is read back as the first of them."""
    also_read: Mapping[str, RemoteStatus] = Field(default_factory=dict)
    """States that only people at the vendor set, and what each counts as."""
    priorities: Mapping[Priority, str]
    """What the vendor calls each priority."""

    def queue_of(self, theirs: str) -> str:
        """The company's name of a queue; the vendor's own where it has none."""
        return next((ours for ours, name in self.queues.items() if name == theirs), theirs)

    def status_of(self, theirs: str) -> RemoteStatus:
        """A state that nobody told us about counts as open: people look at what is open."""
        for ours, name in self.statuses.items():
            if name == theirs:
                return ours
        return self.also_read.get(theirs, "open")

    def priority_of(self, theirs: str) -> Priority | None:
        return next((ours for ours, name in self.priorities.items() if name == theirs), None)

    def unknown_queue(self, system: str, queue: str) -> str:
        """Why a queue is rejected."""
        known = ", ".join(sorted(self.queues)) or "none"
        return f"No queue of {system} is named for '{queue}'. Known are: {known}. Add it to COPILOT_TICKETS_QUEUES."

    def unknown_status(self, system: str, status: str) -> str:
        """Why a state is rejected."""
        return f"No state of {system} is named for '{status}'. Add it to COPILOT_TICKETS_STATUSES."
