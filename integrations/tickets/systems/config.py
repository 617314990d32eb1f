"""What the configuration of every ticket system has in common."""

from collections.abc import Mapping

from copilot.conversation import Priority
from integrations.tickets.port import RemoteStatus
from integrations.tickets.systems.calling import Connection
from integrations.tickets.systems.naming import Names


class SystemConfig(Connection):
    """Where a system is, and what it calls what the company has. Each system has defaults of its own."""

    queues: Mapping[str, str]
    """The company's queues, and what the system calls each."""
    statuses: Mapping[RemoteStatus, str]
    """Our states, and what the system calls each."""
    also_read: Mapping[str, RemoteStatus]
    """States that only people set, and what each counts as."""
    priorities: Mapping[Priority, str]
    """What the system calls each priority."""

    @property
    def names(self) -> Names:
        return Names(
            queues=self.queues,
            statuses=self.statuses,
            also_read=self.also_read,
            priorities=self.priorities,
        )
