"""Desks of the cloud vendors are built from settings, and say what is missing without what is secret."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from integrations.settings import TicketSettings
from integrations.tickets.port import TicketSystemRefusedError
from integrations.tickets.systems.calling import Connection
from integrations.tickets.systems.jira_config import JiraConfig
from integrations.tickets.systems.servicenow import ServiceNowConfig
from integrations.tickets.systems.vendors import Vendor, vendor_desk
from integrations.tickets.systems.zendesk import ZendeskConfig

DOCUMENT = Path(__file__).parents[3] / "docs" / "tickets_vendors.md"
OWN: dict[Vendor, str] = {
    "servicenow": '{"close_code": "Fixed"}',
    "jira": '{"service_desk": "4", "request_type": "27", "queue_field": "customfield_10040"}',
    "zendesk": '{"links_field": 900}',
}


def settings(vendor: Vendor, own: str) -> TicketSettings:
    given = {"system": vendor, "url": "https://corp.example", "user": "copilot", "queues": '{"network": "Net"}'}  # fmt: skip
    secrets = {"token": SecretStr("tell-nobody"), "password": SecretStr("tell-nobody")}
    return TicketSettings.model_validate({**given, **secrets, "vendor": own})


@pytest.mark.parametrize("vendor", OWN)
async def test_a_desk_is_built_from_settings(vendor: Vendor) -> None:
    read = settings(vendor, OWN[vendor])
    desk = vendor_desk(vendor, dict(read), read.vendor)
    assert desk.system == vendor
    await desk.close()


@pytest.mark.parametrize("vendor", OWN)
def test_what_is_not_known_is_named_and_no_secret_is(vendor: Vendor) -> None:
    read = settings(vendor, '{"colour": "blue"}')
    with pytest.raises(TicketSystemRefusedError, match="colour") as refused:
        vendor_desk(vendor, dict(read), read.vendor)
    assert "COPILOT_TICKETS_VENDOR" in str(refused.value)
    assert "tell-nobody" not in str(refused.value)


@pytest.mark.parametrize("vendor", OWN)
def test_an_account_is_needed(vendor: Vendor) -> None:
    with pytest.raises(ValueError, match="COPILOT_TICKETS_USER"):
        TicketSettings.model_validate({"system": vendor, "url": "https://corp.example"})


@pytest.mark.parametrize("config", [ServiceNowConfig, JiraConfig, ZendeskConfig])
def test_every_own_setting_has_a_row_in_the_document(config: type[Connection]) -> None:
    own = set(config.model_fields) - set(TicketSettings.model_fields)
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert own - set(re.findall(r"`([a-z_]+)`", "\n".join(rows))) == set()
