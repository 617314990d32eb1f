"""How one company's Jira Service Management is used."""

from collections.abc import Mapping

from pydantic import Field, SecretStr

from copilot.conversation import Priority
from integrations.tickets.port import RemoteStatus
from integrations.tickets.systems.config import SystemConfig

_STATUSES: dict[RemoteStatus, str] = {
    "new": "Waiting for support",
    "open": "In progress",
    "pending_user": "Waiting for customer",
    "pending_vendor": "Pending",
    "resolved": "Resolved",
    "closed": "Closed",
}


class JiraConfig(SystemConfig):
    """How one company's Jira Service Management is used."""

    user: str
    """E-mail address of the copilot's own account."""
    token: SecretStr
    """API token of that account."""
    service_desk: str
    """Number of the service desk that requests are made at."""
    request_type: str
    """Number of the request type; summary, description, labels and the queue's field must be on its form."""
    queue_field: str
    """Id of the select field that holds the support group, like `customfield_10040`."""
    queues: Mapping[str, str]
    """The company's queues, and the option of that field for each."""
    statuses: Mapping[RemoteStatus, str] = Field(default_factory=lambda: dict(_STATUSES))
    """Our states in the names of the workflow's."""
    also_read: Mapping[str, RemoteStatus] = {"Canceled": "closed", "Escalated": "open"}
    """States that only people set."""
    through: Mapping[str, str] = {
        "Closed": "Resolved",
        "In progress": "Waiting for support",
        "Waiting for customer": "Waiting for support",
        "Pending": "Waiting for support",
        "Resolved": "Waiting for support",
    }
    """The state to go through where the workflow leads to one in more than a step."""
    priorities: Mapping[Priority, str] = {"P1": "Highest", "P2": "High", "P3": "Medium", "P4": "Low"}  # fmt: skip
    """Jira's name of each priority."""
    fields: Mapping[str, str] = Field(default_factory=dict)
    """Further text fields of the form that are filled, and the part of the handoff that each takes."""
    resolution: str = "Done"
    """Resolution where a transition asks for one."""
    label: str = "it-copilot"
    """Label of every request that the copilot makes; a second one is this and the correlation id."""
    link_type: str = "Relates"
    """Type of the links between tickets."""
    stretch_seconds: float = Field(default=180.0, ge=0)
    """How late a change may show up in the search and is told all the same."""
