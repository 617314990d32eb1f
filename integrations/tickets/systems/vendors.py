"""The desk of a ticket system, from settings."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from integrations.tickets.port import TicketDesk, TicketSystemRefusedError
from integrations.tickets.systems.config import SystemConfig
from integrations.tickets.systems.jira import JiraDesk
from integrations.tickets.systems.jira_config import JiraConfig
from integrations.tickets.systems.roundup import RoundupConfig, RoundupDesk
from integrations.tickets.systems.rt import RtConfig, RtDesk
from integrations.tickets.systems.servicenow import ServiceNowConfig, ServiceNowDesk
from integrations.tickets.systems.zendesk import ZendeskConfig, ZendeskDesk

Vendor = Literal["rt", "roundup", "servicenow", "jira", "zendesk"]
_DESKS: Mapping[Vendor, tuple[type[SystemConfig], Callable[[Any], TicketDesk]]] = {
    "rt": (RtConfig, RtDesk),
    "roundup": (RoundupConfig, RoundupDesk),
    "servicenow": (ServiceNowConfig, ServiceNowDesk),
    "jira": (JiraConfig, JiraDesk),
    "zendesk": (ZendeskConfig, ZendeskDesk),
}


def vendor_desk(
    vendor: Vendor, common: Mapping[str, object], own: Mapping[str, object]
) -> TicketDesk:
    """`common` are the settings that every system has, `own` those of this vendor; what is empty takes its default."""
    config, desk = _DESKS[vendor]
    known = {name: value for name, value in common.items() if name in config.model_fields}
    given = {name: value for name, value in known.items() if value not in (None, "", {})}
    try:
        return desk(config.model_validate({**given, **own}))
    except ValidationError as error:
        # What was given is left out of the text: there are secrets in it.
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False))  # fmt: skip
        raise TicketSystemRefusedError(
            f"The settings of {vendor} are not complete or not right ({wrong}). See docs/tickets.md and docs/tickets_vendors.md; "
            "what is this vendor's own is named in COPILOT_TICKETS_VENDOR."
        ) from None
