"""What must outlive a process: whose thread is whose, what was posted, who has taken over."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, or_, select, update

from integrations.slack.tables import slack_followed, slack_people, slack_posts, slack_threads
from integrations.store.database import Database
from integrations.tickets.tables import tickets
from integrations.tickets.view import CLOSED


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Slack something is said: a channel, and a thread of it."""

    team: str
    channel: str
    root: str | None = None

    @property
    def lane(self) -> str:
        """Where what happens here is worked on in order; the buttons of a message carry it."""
        return f"{self.channel}:{self.root or ''}"

    @classmethod
    def of_lane(cls, team: str, lane: str) -> "Place":
        """The place that a button's lane names."""
        channel, _, root = lane.partition(":")
        return cls(team, channel, root or None)

    @property
    def is_direct(self) -> bool:
        """Whether only one person and the copilot are there."""
        return self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Talk:
    """One person's conversation with the copilot in a thread of Slack."""

    id: str
    """The conversation's id in the journal."""
    place: Place
    member: str
    """The person's id in Slack."""
    person: str
    """The person's id in the directory."""
    ticket: str | None = None
    taken_by: str | None = None
    """The agent who talks with the person now; the copilot is silent."""
    stopped: str | None = None
    """The message at which the person pressed stop."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message of ours. Without `ts` it was tried, and whether it is there is not known."""

    key: str
    channel: str
    ts: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A person whom the copilot has met in Slack."""

    person: str
    team: str
    member: str
    follow_up: bool = True


_HOLDER = (
    select(tickets.c.assignee)
    .where(
        or_(tickets.c.id == slack_threads.c.ticket, tickets.c.thread_id == slack_threads.c.id),
        tickets.c.assignee.is_not(None),
        tickets.c.status.not_in(CLOSED),
    )
    .order_by(tickets.c.updated_at.desc())
    .limit(1)
    .scalar_subquery()
)
_TALKS = select(slack_threads, _HOLDER.label("taken_by"))


class Ledger:
    """Slack's records in the record store. Any method may raise `StoreUnavailableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add_talk = database.insert(slack_threads).on_conflict_do_nothing()
        self._add_post = database.insert(slack_posts).on_conflict_do_nothing()
        followed = database.insert(slack_followed)
        self._keep_followed = followed.on_conflict_do_update(
            index_elements=["name"], set_={"seq": followed.excluded.seq}
        )
        self._add_member = database.insert(slack_people).on_conflict_do_nothing()

    async def talk(self, place: Place, member: str, person: str) -> Talk:
        """The conversation of a person in a thread, begun now if there is none."""
        name = talk_id(place, member)
        row = {
            "id": name, "team": place.team, "channel": place.channel, "root": place.root or "",
            "member": member, "person": person,
        }  # fmt: skip

        def work(db: Connection) -> Talk:
            db.execute(self._add_talk, row)
            known = {"person": person, "team": place.team, "member": member, "follow_up": True}
            db.execute(self._add_member, known)
            found = db.execute(_TALKS.where(slack_threads.c.id == name)).one()
            return _talk(found)

        return await self._database.write(work)

    async def known(self, name: str) -> Talk | None:
        """A conversation by its id."""
        query = _TALKS.where(slack_threads.c.id == name)
        row = await self._database.read(lambda db: db.execute(query).first())
        return _talk(row) if row else None

    async def go_on(self, talk: Talk, place: Place) -> None:
        """The conversation's case, and with it whoever has it, also in another place."""
        other = await self.talk(place, talk.member, talk.person)
        known = await self.known(talk.id) or talk
        await self._change(other.id, ticket=known.ticket)

    async def set_ticket(self, name: str, ticket: str) -> None:
        await self._change(name, ticket=ticket)

    async def followed(self, name: str) -> int | None:
        """Up to which event of the desk somebody has read; `None` before the first time."""
        query = select(slack_followed.c.seq).where(slack_followed.c.name == name)

        def work(db: Connection) -> int | None:
            seq: int | None = db.execute(query).scalar()
            return seq

        return await self._database.read(work)

    async def follow(self, name: str, seq: int) -> None:
        row = {"name": name, "seq": seq}
        await self._database.write(lambda db: db.execute(self._keep_followed, row))

    async def stop(self, name: str, at: str) -> None:
        await self._change(name, stopped=at)

    async def post(self, key: str) -> Posted | None:
        query = select(slack_posts).where(slack_posts.c.key == key)
        row = await self._database.read(lambda db: db.execute(query).first())
        return Posted(row.key, row.channel, row.ts) if row else None

    async def trying(self, key: str, place: Place) -> None:
        """Before a message is sent: after a crash it is looked for instead of sent twice."""
        row = {"key": key, "channel": place.channel, "thread": place.root, "ts": None}
        await self._database.write(lambda db: db.execute(self._add_post, row))

    async def posted(self, key: str, channel: str, ts: str) -> None:
        change = update(slack_posts).where(slack_posts.c.key == key).values(ts=ts, channel=channel)
        await self._database.write(lambda db: db.execute(change))

    async def gone(self, key: str) -> None:
        """The message was deleted."""
        await self._database.write(
            lambda db: db.execute(delete(slack_posts).where(slack_posts.c.key == key))
        )

    async def member(self, person: str) -> Member | None:
        query = select(slack_people).where(slack_people.c.person == person)
        row = await self._database.read(lambda db: db.execute(query).first())
        return Member(row.person, row.team, row.member, row.follow_up) if row else None

    async def met(self, member: Member) -> None:
        row = {
            "person": member.person, "team": member.team, "member": member.member,
            "follow_up": member.follow_up,
        }  # fmt: skip
        await self._database.write(lambda db: db.execute(self._add_member, row))

    async def set_follow_up(self, person: str, *, wanted: bool) -> None:
        change = update(slack_people).where(slack_people.c.person == person)
        await self._database.write(lambda db: db.execute(change.values(follow_up=wanted)))

    async def forget(self, person: str) -> None:
        """Drop what is known of a person here, but for a wish not to be asked.

        Ratings are work records and stay.
        """

        def work(db: Connection) -> None:
            db.execute(delete(slack_threads).where(slack_threads.c.person == person))
            # Who did not want to be asked is not asked again, whatever else is forgotten.
            willing = slack_people.c.follow_up.is_(True)
            db.execute(delete(slack_people).where(slack_people.c.person == person, willing))

        await self._database.write(work)

    async def _change(self, name: str, **values: str | None) -> None:
        change = update(slack_threads).where(slack_threads.c.id == name).values(**values)
        await self._database.write(lambda db: db.execute(change))


def talk_id(place: Place, member: str) -> str:
    """The conversation's id: each person has one of their own in a thread."""
    return f"slack-{_digest(place.team, place.channel, place.root or '', member)}"


def inquiry_id(place: Place, ts: str, edition: str = "") -> str:
    """The id of a message: however often and by whichever event it arrives, it is asked once."""
    return f"slack-{_digest(place.team, place.channel, ts, edition)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _talk(row: Row[tuple[object, ...]]) -> Talk:
    place = Place(row.team, row.channel, row.root or None)
    return Talk(row.id, place, row.member, row.person, row.ticket, row.taken_by, row.stopped)
