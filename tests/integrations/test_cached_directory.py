"""What is known of somebody has an age: fresh it is not asked again, old it serves only while nobody can be asked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from copilot.errors import DirectoryUnavailableError
from copilot.people import Person
from integrations.aging import Ages
from integrations.directory.cached import CachedDirectory

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ANN = Person("ann", "Ann Ray", "ann@corp.test", groups=("finance",))
BOB = Person("bob", "Bob Ode", "bob@corp.test")
AGES = Ages(
    fresh=timedelta(minutes=5),
    stale=timedelta(hours=8),
    nothing=timedelta(seconds=30),
    pause=timedelta(seconds=5),
    kept=3,
)


class Company:
    """A directory that can be switched off and changed."""

    def __init__(self) -> None:
        self.known = {"ann": ANN, "bob": BOB}
        self.is_up = True
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def person(self, person_id: str) -> Person | None:
        await self._ask(person_id)
        return self.known.get(person_id)

    async def person_by_email(self, address: str) -> Person | None:
        await self._ask(address)
        return next((p for p in self.known.values() if p.email == address), None)

    async def people(self, limit: int) -> Sequence[Person]:
        await self._ask("*")
        return [*self.known.values()][:limit]

    async def problems(self) -> list[str]:
        return []

    async def close(self) -> None:
        pass

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await self.gate.wait()
        if not self.is_up:
            raise DirectoryUnavailableError("It is down.")


class Stage:
    def __init__(self) -> None:
        self.company = Company()
        self.now = NOW
        self.told: list[str] = []
        self.directory = CachedDirectory(
            self.company, AGES, lambda: self.now, tell=self.told.append, snapshot=1
        )


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_within_the_fresh_time_nobody_is_asked(stage: Stage) -> None:
    for _ in range(3):
        assert await stage.directory.person("ann") == ANN
        stage.now += timedelta(minutes=1)
    assert stage.company.asked == ["ann"]
    assert stage.told == ["asked", "fresh", "fresh"]


async def test_after_it_what_changed_is_seen(stage: Stage) -> None:
    await stage.directory.person("ann")
    stage.company.known["ann"] = Person("ann", "Ann Ray", active=False)
    stage.now += timedelta(minutes=6)
    found = await stage.directory.person("ann")
    assert found is not None
    assert not found.active


async def test_while_it_is_down_the_known_serve_and_say_since_when(stage: Stage) -> None:
    await stage.directory.person("ann")
    stage.company.is_up = False
    stage.now += timedelta(hours=7)
    found = await stage.directory.person("ann")
    assert found is not None
    assert (found.groups, found.known_at) == (("finance",), NOW)
    assert stage.told == ["asked", "failed", "stale"]


async def test_beyond_the_set_age_they_do_not(stage: Stage) -> None:
    await stage.directory.person("ann")
    stage.company.is_up = False
    stage.now += timedelta(hours=9)
    with pytest.raises(DirectoryUnavailableError):
        await stage.directory.person("ann")


async def test_back_again_it_is_asked_and_nothing_is_marked(stage: Stage) -> None:
    await stage.directory.person("ann")
    stage.company.is_up = False
    stage.now += timedelta(hours=1)
    await stage.directory.person("ann")
    stage.company.is_up = True
    stage.now += timedelta(seconds=6)
    assert await stage.directory.person("ann") == ANN


async def test_who_is_not_known_is_unavailable_and_not_unknown(stage: Stage) -> None:
    stage.company.is_up = False
    with pytest.raises(DirectoryUnavailableError, match="It is down"):
        await stage.directory.person("ann")


async def test_after_a_failure_it_is_left_alone_for_a_moment(stage: Stage) -> None:
    stage.company.is_up = False
    for who in ("ann", "bob", "ann"):
        with pytest.raises(DirectoryUnavailableError):
            await stage.directory.person(who)
    assert stage.company.asked == ["ann"]
    stage.now += timedelta(seconds=6)
    stage.company.is_up = True
    assert await stage.directory.person("bob") == BOB


async def test_a_no_is_remembered_briefly(stage: Stage) -> None:
    for _ in range(2):
        assert await stage.directory.person("cy") is None
    assert stage.company.asked == ["cy"]
    stage.company.known["cy"] = Person("cy", "Cy")
    stage.now += timedelta(seconds=31)
    assert await stage.directory.person("cy") is not None


async def test_an_old_no_is_no_answer_while_it_is_down(stage: Stage) -> None:
    assert await stage.directory.person("cy") is None
    stage.company.is_up = False
    stage.now += timedelta(minutes=10)
    with pytest.raises(DirectoryUnavailableError):
        await stage.directory.person("cy")


async def test_many_at_once_are_one_question(stage: Stage) -> None:
    stage.company.gate.clear()
    asking = [asyncio.create_task(stage.directory.person("ann")) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    stage.company.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert stage.company.asked == ["ann"]
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [ANN] * 19, "whoever goes away takes it from nobody"


async def test_no_more_are_remembered_than_set(stage: Stage) -> None:
    for who in ("ann", "bob", "x", "y", "ann"):
        await stage.directory.person(who)
    assert stage.company.asked == ["ann", "bob", "x", "y", "ann"]


async def test_who_was_found_by_address_is_known_by_id(stage: Stage) -> None:
    found = await stage.directory.person_by_email("ANN@corp.test".casefold())
    assert found == await stage.directory.person("ann")
    assert stage.company.asked == ["ann@corp.test"]


async def test_names_come_from_the_snapshot_else_one_by_one_and_never_fail(stage: Stage) -> None:
    learned: list[Sequence[Person]] = []
    await stage.directory.look_around(learned.append)
    assert learned == [(ANN,)], "as large as it may be"
    assert stage.directory.people() == (ANN,)
    assert await stage.directory.names(["ann", "bob", "cy"]) == {"ann": "Ann Ray", "bob": "Bob Ode"}
    assert stage.company.asked[0] == "*"
    assert "ann" not in stage.company.asked
    stage.company.is_up = False
    stage.now += timedelta(days=1)
    assert await stage.directory.names(["ann", "bob"]) == {"ann": "Ann Ray"}


async def test_without_the_directory_the_last_snapshot_stays(stage: Stage) -> None:
    await stage.directory.look_around(lambda _people: None)
    stage.company.is_up = False
    await stage.directory.look_around(lambda _people: None)
    assert stage.directory.people() == (ANN,)
    assert stage.told[-1] == "no_snapshot"
