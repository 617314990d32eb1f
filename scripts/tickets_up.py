#!/usr/bin/env python3
"""A simulated ServiceNow, Jira or Zendesk on this machine, to try the copilot with: `scripts/tickets_up.py jira`."""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from integrations.clock import wall_clock
from integrations.sandbox.jira import Jira
from integrations.sandbox.servicenow import ServiceNow
from integrations.sandbox.vendor import Account
from integrations.sandbox.zendesk import Zendesk

QUEUES = ("network", "print", "service-desk")
PORTS = {"servicenow": 8881, "jira": 8882, "zendesk": 8883}


def account(name: str, number: str, *, suffix: str = "") -> Account:
    address = f"{name}@corp.example"
    return Account(f"{address}{suffix}", f"{name}-secret", name, number, address)


def site(system: str) -> Starlette:
    suffix = "/token" if system == "zendesk" else ""
    copilot, human = account("copilot", "11", suffix=suffix), account("agent", "12", suffix=suffix)
    if system == "servicenow":
        return ServiceNow(copilot=copilot, human=human, clock=wall_clock, groups=QUEUES).site()
    if system == "jira":
        return Jira(copilot=copilot, human=human, clock=wall_clock, groups=QUEUES).site()
    groups = {name: number for number, name in enumerate(QUEUES, 501)}
    return Zendesk(copilot=copilot, human=human, clock=wall_clock, groups=groups).site()


def main() -> None:
    system = sys.argv[1] if len(sys.argv) > 1 else ""
    if system not in PORTS:
        sys.exit(f"usage: scripts/tickets_up.py {'|'.join(PORTS)}")
    print(f"{system} at http://127.0.0.1:{PORTS[system]}")  # for who started it
    print("accounts copilot@corp.example and agent@corp.example, secrets copilot-secret and agent-secret")  # fmt: skip
    uvicorn.run(site(system), port=PORTS[system], log_level="warning", date_header=False)


if __name__ == "__main__":
    main()
