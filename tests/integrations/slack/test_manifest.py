"""The manifest, the doctor and the settings say what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from integrations.sandbox.slack.simulator import SCOPES as SIMULATED
from integrations.sandbox.slack.simulator import TRIAGE, Setup, running
from integrations.settings import SlackSettings
from integrations.slack.diagnosing import MANIFEST, Doubts, findings, manifest_findings
from integrations.slack.listeners import EVENTS

DOCUMENT = Path(__file__).parents[3] / "docs" / "slack.md"
loopback = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


def test_the_manifest_covers_every_listener_event_command_and_scope() -> None:
    assert [finding.level for finding in manifest_findings()] == ["ok"]


@pytest.mark.parametrize("what", ["message.im", "users:read.email", "/it", "get_it_help"])
def test_what_the_manifest_lacks_is_named(tmp_path: Path, what: str) -> None:
    text = MANIFEST.read_text("utf-8")
    changed = tmp_path / "manifest.yaml"
    if what == "message.im":
        text = re.sub(r"      - message\.\w+\n", "", text)
    changed.write_text(text.replace(what, "something_else"))
    (finding,) = manifest_findings(changed)
    assert finding.level == "fail"
    assert what.partition(".")[0] in finding.text


def test_the_manifest_is_for_the_agent_view() -> None:
    features = yaml.safe_load(MANIFEST.read_text("utf-8"))["features"]
    assert "assistant_view" not in features
    assert len(features["agent_view"]["agent_description"]) <= 300
    assert not features["app_home"]["messages_tab_read_only_enabled"]
    assert {"agent_session_stopped", "app_home_opened"} <= set(EVENTS)


def test_every_setting_of_slack_is_in_its_document() -> None:
    told = set(re.findall(r"COPILOT_SLACK_[A-Z_]+", DOCUMENT.read_text("utf-8")))
    assert told == {f"COPILOT_SLACK_{name.upper()}" for name in SlackSettings.model_fields}


@pytest.mark.parametrize(
    ("transport", "named"),
    [("http", "COPILOT_SLACK_SIGNING_SECRET"), ("socket", "COPILOT_SLACK_APP_TOKEN")],
)
def test_a_missing_secret_is_named_at_the_start(transport: str, named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        SlackSettings.model_validate({"transport": transport, "bot_token": "xoxb-1"})


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize(
    ("setup", "changes", "level", "said"),
    [
        (Setup(), {}, "ok", "all 13 are granted"),
        (Setup(scopes=SIMULATED - {"chat:write"}), {}, "fail", "lacks chat:write"),
        (Setup(), {"bot_token": "xoxb-other"}, "fail", "Copy the bot token"),
        (Setup(), {"triage_channel": "C0NOWHERE"}, "fail", "Invite the app"),
        (Setup(), {"triage_channel": None}, "warn", "COPILOT_SLACK_TRIAGE_CHANNEL"),
        (Setup(), {"app_token": "xapp-other"}, "fail", "connections:write"),
        (Setup(), {"base_url": "http://127.0.0.1:9/api/"}, "fail", "can't be reached"),
        (Setup(), {"ingress_url": "http://127.0.0.1:9"}, "warn", "copilot serve"),
    ],
)
async def test_the_doctor_says_what_to_mend(
    setup: Setup, changes: dict[str, Any], level: str, said: str
) -> None:
    async with running(setup) as sim:
        doubts = Doubts("socket", sim.api_url, setup.bot_token, setup.app_token, TRIAGE, None)
        found = [finding async for finding in findings(doubts._replace(**changes))]
    assert any(finding.level == level and said in finding.text for finding in found), found


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_SLACK_FOLLOW_UP_DAYS", "2, 14")
    monkeypatch.setenv("COPILOT_SLACK_PRIVATE_CATEGORIES", "mfa,password_reset")
    settings = SlackSettings()
    assert settings.follow_up_days == (2.0, 14.0)
    assert settings.private_categories == ("mfa", "password_reset")
    monkeypatch.setenv("COPILOT_SLACK_FOLLOW_UP_DAYS", "-1")
    with pytest.raises(ValidationError, match="above 0"):
        SlackSettings()
