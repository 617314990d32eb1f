"""Cursors over lists that are coarse and late: whatever the page and whenever it shows up, each change comes once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.tickets.port import TicketChange, TicketSystemRefusedError
from integrations.tickets.systems.plain_id import original, plain
from integrations.tickets.systems.shortening import shortened
from integrations.tickets.systems.window import asked_of_each, changes

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
STRETCH = timedelta(seconds=60)


class Listed:
    """Changes by the second in which they happened and the one from which on they are listed."""

    def __init__(self, happened: list[tuple[int, int]]) -> None:
        self._happened = happened
        self.second = 0

    async def now(self) -> datetime:
        return START + timedelta(seconds=self.second)

    async def since(self, moment: datetime, now: datetime) -> list[TicketChange]:
        listed = [
            TicketChange(event_id=f"e{number}", ticket_id=str(number % 3), kind="other", at=START + timedelta(seconds=at))
            for number, (at, late) in enumerate(self._happened)
            if at + late <= self.second
        ]  # fmt: skip
        return [one for one in listed if one.at >= moment]


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 30)), max_size=30),
    st.integers(1, 7),
    st.integers(1, 25),
)
async def test_each_change_is_told_once(
    happened: list[tuple[int, int]], limit: int, pause: int
) -> None:
    source, told = Listed(happened), []
    cursor = (await changes(source, None, limit, STRETCH)).cursor
    while source.second <= 260:
        source.second += pause
        page = await changes(source, cursor, limit, STRETCH)
        while True:
            cursor = page.cursor
            told += [one.event_id for one in page.changes]
            assert [one.at for one in page.changes] == sorted(one.at for one in page.changes)
            if page.is_last:
                break
            page = await changes(source, cursor, limit, STRETCH)
    assert sorted(told) == sorted(f"e{number}" for number in range(len(happened)))


async def test_a_cursor_does_not_grow_with_the_history() -> None:
    source = Listed([(second, 0) for second in range(1, 5_000)])
    cursor = (await changes(source, None, 100, STRETCH)).cursor
    source.second = 5_000
    page = await changes(source, cursor, 4_000, STRETCH)
    assert not page.is_last
    assert len(page.cursor) < 2_500


async def test_no_more_is_asked_at_once_than_there_are_connections() -> None:
    asking, most, ended = 0, 0, []

    async def ask(number: int) -> list[TicketChange]:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0)
        asking -= 1
        ended.append(number)
        if number == 5:
            raise TicketSystemRefusedError("five")
        return [TicketChange(event_id=str(number), ticket_id="1", kind="other", at=START)]

    told = await asked_of_each(range(5), ask, at_once=2)
    assert ([one.event_id for one in told], most) == (["0", "1", "2", "3", "4"], 2)
    with pytest.raises(TicketSystemRefusedError, match="five"):
        await asked_of_each(range(4, 20), ask, at_once=4)
    assert (max(ended), asking) == (7, 0), "none goes on when one failed"


@pytest.mark.parametrize("cursor", ["", "4711", "{}", '{"start": 1}'])
async def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(TicketSystemRefusedError, match="Begin anew"):
        await changes(Listed([]), cursor, 10, STRETCH)


@given(st.text())
def test_a_plain_id_is_told_back(correlation_id: str) -> None:
    assert original(plain(correlation_id)) == correlation_id


@given(st.text(), st.text())
def test_plain_ids_differ_also_where_case_is_not_told_apart(one: str, other: str) -> None:
    if one != other:
        assert plain(one).lower() != plain(other).lower()


def test_usual_ids_stay_as_they_are() -> None:
    assert plain("conv-3f2a.7") == "conv-3f2a.7"
    assert set("^,\"'\\ :=<>%*@|\n\0A_") & set(plain("^,\"'\\ :=<>%*@|\n\0A")) == {"_"}


@given(st.text(), st.integers(60, 200))
def test_a_shortened_text_fits(text: str, limit: int) -> None:
    assert len(shortened(text, limit).encode()) <= limit
