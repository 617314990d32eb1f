"""A running copilot takes up edited policies, and keeps the last good ones when an edit is broken."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from copilot.conversation import Inquiry, Reply
from integrations import logs
from integrations.rulebook import FollowingPolicy
from integrations.settings import Settings
from integrations.web.app import create_site
from integrations.wiring import App, open_app
from policies.errors import PolicyLoadError
from policies.loader import load_policies
from policies.model import Asker, PolicyRequest, RequestedAction
from tests.own_rules import company_with_own_rules

HOUSE = Path(__file__).parents[1] / "policies" / "data"
OPEN_WINDOW = PolicyRequest(
    asker=Asker(id="somebody", employment="employee", verified=True),
    actions=(RequestedAction(action="open_window", relation="self"),),
)
MISSPELT = ("@reason", "@raeson")
MEND = "The annotation @raeson is unknown. Did you mean @reason?"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HOUSE, tmp_path / "house"))


@pytest.fixture
def follow(house: Path) -> Callable[[], FollowingPolicy]:
    rules, actions = house / "rules", house / "actions"
    return lambda: FollowingPolicy(lambda: load_policies(rules, actions), (rules, actions))


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    capture = LogCapture()
    before = structlog.get_config()
    everything = structlog.make_filtering_bound_logger(0)
    structlog.configure(processors=[*logs.processors(), capture], wrapper_class=everything)
    yield capture
    structlog.configure(**before)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_an_edited_rule_counts_with_the_next_decision(
    house: Path, follow: Callable[[], FollowingPolicy]
) -> None:
    policy = follow()
    before = policy.decide(OPEN_WINDOW)
    edit(house / "rules" / "house.cedar", "when { context.verified }", "when { context.lockdown }")
    after = policy.decide(OPEN_WINDOW)
    assert (before.effect, after.effect) == ("permit", "escalate")
    assert after.policy_version == policy.version != before.policy_version


def test_a_broken_edit_changes_nothing_and_is_logged_until_it_is_mended(
    house: Path, follow: Callable[[], FollowingPolicy], logged: LogCapture
) -> None:
    policy = follow()
    before = policy.decide(OPEN_WINDOW)
    edit(house / "rules" / "house.cedar", *MISSPELT)
    assert policy.decide(OPEN_WINDOW) == policy.decide(OPEN_WINDOW) == before
    assert f"house.cedar:4: {MEND}" in map(str, policy.problems)
    kept = [entry for entry in logged.entries if entry["event"] == "policies_kept"]
    assert len(kept) == len(policy.problems)
    assert ("house.cedar:4", MEND) in [(entry["where"], entry["problem"]) for entry in kept]
    edit(house / "rules" / "house.cedar", *reversed(MISSPELT))
    policy.refresh()
    assert policy.problems == ()
    assert logged.entries[-1]["event"] == "policies_loaded"


def test_rules_that_are_gone_leave_the_last_good_ones(
    house: Path, follow: Callable[[], FollowingPolicy]
) -> None:
    policy = follow()
    before = policy.decide(OPEN_WINDOW)
    shutil.rmtree(house / "rules")
    assert policy.decide(OPEN_WINDOW) == before
    assert any("put the rules there" in str(problem) for problem in policy.problems)


@pytest.mark.parametrize("change", [("id: fire", "id: blaze"), ("title: It burns", "title: Fire!")])
def test_a_change_that_recognition_depends_on_needs_a_restart(
    house: Path, follow: Callable[[], FollowingPolicy], change: tuple[str, str]
) -> None:
    policy = follow()
    version = policy.version
    edit(house / "actions" / "house.yaml", *change)
    policy.refresh()
    assert policy.version == version
    assert "Restart `copilot serve` to take it up." in str(policy.problems[0])
    assert follow().version != version


def test_at_the_start_broken_policies_are_refused(
    house: Path, follow: Callable[[], FollowingPolicy]
) -> None:
    edit(house / "rules" / "house.cedar", *MISSPELT)
    with pytest.raises(PolicyLoadError, match=r"house\.cedar:4"):
        follow()


# ---- the whole copilot


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    return company_with_own_rules(tmp_path / "company")


@pytest.fixture
async def app(own_rules: Path, home: Path) -> AsyncIterator[App]:
    app = await open_app(Settings(company_dir=own_rules, home=home))
    yield app
    await app.close()


async def ask(app: App) -> Reply:
    inquiry = Inquiry(id=uuid4().hex, text="hello", user="dana.reed", at=app.clock())
    return await app.copilot.ask(inquiry)


async def test_a_running_copilot_serves_on_and_says_what_to_mend(app: App, own_rules: Path) -> None:
    before = await ask(app)
    permits = own_rules / "rules" / "permits.cedar"
    edit(permits, *MISSPELT)
    during = await ask(app)
    assert during.policy == before.policy
    assert during.disposition == before.disposition != "escalate"
    site = httpx.ASGITransport(create_site(app))
    async with httpx.AsyncClient(transport=site, base_url="http://127.0.0.1") as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert f"permits.cedar:4: {MEND}" in answer.json()["reasons"]
        edit(permits, *reversed(MISSPELT))
        assert (await client.get("/readyz")).json() == {"status": "ready"}
    edit(permits, "unless { action in [", 'unless { action in [Action::"ask_question", ')
    after = await ask(app)
    assert (after.disposition, after.policy.rules) == ("escalate", ("default-escalate",))
    assert after.versions.policy == after.policy.policy_version != before.versions.policy
