"""Messages of employees: asked, answered, handed over; edited and deleted ones followed."""

from dataclasses import dataclass, replace
from typing import Any

from copilot.conversation import MAX_TEXT_CHARS, Inquiry, PastMessage, Reply
from copilot.errors import InquiryError
from copilot.people import Person
from integrations.jobs.port import Job, Steps
from integrations.shown.replies import is_held, topic_title
from integrations.slack import answers
from integrations.slack.client import SlackRefusedError
from integrations.slack.ledger import Place, Talk, inquiry_id, talk_id
from integrations.slack.message import Message, context, plain
from integrations.slack.narrating import narrated
from integrations.slack.parts import Kit, Payload, place_of
from integrations.slack.people import Visitor
from integrations.slack.selfservice import SelfService
from integrations.slack.tiertwo import TierTwo
from integrations.slack.words import history_of, plain_words, refusal, time_of, wish_of

_HURRY = 0.5
"""Probability of urgency or frustration from which the text is short and the clock too."""
_NO_WORDS = "What can I help with? Tell me what you were doing, and what you see on the screen."
_MOST_PARTS = 12


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a person in their conversation."""

    talk: Talk
    person: Person
    inquiry: str
    ts: str
    words: str
    files: tuple[dict[str, str], ...] = ()
    is_private_place: bool = True
    history: tuple[PastMessage, ...] = ()
    replaces: str | None = None
    """The inquiry whose reply is replaced: the message was edited."""

    @property
    def stream(self) -> str | None:
        """Key of the message that shows the steps of a long turn; only where nobody else reads along."""
        is_plain = self.is_private_place and self.replaces is None
        return f"{self.inquiry}:stream" if is_plain else None


class Talking:
    """The work of messages."""

    def __init__(self, kit: Kit, tier_two: TierTwo, self_service: SelfService) -> None:
        self._kit = kit
        self._tier_two = tier_two
        self._self_service = self_service

    async def message(self, job: Job, _steps: Steps) -> None:
        """Somebody wrote to the copilot."""
        payload = job.payload
        said = await self._said(payload)
        if said is None:
            return
        wish = wish_of(said.words)
        if wish is not None:
            await self._self_service.grant(wish, said.talk, said.inquiry)
            return
        if await self._is_for_people(said):
            return
        if not said.words:
            await self._kit.poster.say(f"{said.inquiry}:reply:0", said.talk.place, _wordless(said))
            return
        await self.answer(said)

    async def edit(self, job: Job, _steps: Steps) -> None:
        """A message was edited: its answer is replaced by the answer to the new words."""
        payload = job.payload
        place = place_of(payload)
        before = inquiry_id(place, str(payload["ts"]))
        now = inquiry_id(place, str(payload["ts"]), str(payload["edited"]))
        talk = await self._kit.ledger.known(talk_id(place, str(payload["user"])))
        is_taken = talk is not None and talk.taken_by is not None
        if not is_taken and await self._kit.ledger.post(f"{before}:reply:0") is None:
            return  # Never answered here, so there is nothing to follow.
        said = await self._said(payload)
        if said is None or not said.words:
            return
        corrected = replace(said, inquiry=now, words=f"Correction: {said.words}")
        if await self._is_for_people(corrected):
            return
        await self.answer(replace(said, inquiry=now, replaces=before))

    async def deletion(self, job: Job, _steps: Steps) -> None:
        """A message was deleted: so is its answer, unless people have the case."""
        place = place_of(job.payload)
        inquiry = inquiry_id(place, str(job.payload["ts"]))
        talk = await self._kit.ledger.known(talk_id(place, str(job.payload["user"])))
        if talk is None or talk.ticket is not None:
            return
        for number in range(_MOST_PARTS):
            await self._kit.poster.withdraw(f"{inquiry}:reply:{number}", place.team)
        self._kit.count("withdrawn")

    async def stopped(self, job: Job, _steps: Steps) -> None:
        """The stop button: nothing more comes, and the session does not hang."""
        payload, place = job.payload, place_of(job.payload)
        talk = await self._kit.ledger.known(talk_id(place, str(payload["user"])))
        if talk is not None:
            await self._kit.ledger.stop(talk.id, str(payload["ts"]))
        await self._session(place, "active")
        self._kit.count("stopped")

    async def command(self, job: Job, _steps: Steps) -> None:
        """`/it …`: answered in the Messages tab, so that nobody else reads it."""
        payload = job.payload
        team, member, seal = str(payload["team"]), str(payload["user"]), str(payload["ts"])
        who = await self._kit.members.who(team, member)
        words = plain_words(str(payload["text"]), "")
        direct = await self._kit.poster.direct(team, member)
        if isinstance(who, Visitor):
            await self._refuse(who, direct, f"command-{seal}")
            return
        question = words or "help"
        kept = await self._kit.redacted(question, who.id)
        heading = plain(f"You asked with /it: {kept}")
        root = await self._kit.poster.say(f"command-{seal}:question", direct, heading)
        place = replace(direct, root=root)
        talk = await self._kit.ledger.talk(place, member, who.id)
        inquiry = inquiry_id(place, seal)
        wish = wish_of(question)
        if wish is not None:
            await self._self_service.grant(wish, talk, inquiry)
        else:
            await self.answer(Said(talk, who, inquiry, root, question))

    async def shortcut(self, job: Job, _steps: Steps) -> None:
        """A message of a thread becomes the question, the thread its history."""
        payload = job.payload
        team, member = str(payload["team"]), str(payload["user"])
        who = await self._kit.members.who(team, member)
        direct = await self._kit.poster.direct(team, member)
        if isinstance(who, Visitor):
            await self._refuse(who, direct, job.id)
            return
        bot = await self._kit.slack.bot(team)
        words = plain_words(str(payload["text"]), bot)
        kept = await self._kit.redacted(words or "(no words)", who.id)
        heading = plain(f"You asked for help with this message:\n{kept}"[:1500])
        root = await self._kit.poster.say(f"{job.id}:question", direct, heading)
        place = replace(direct, root=root)
        talk = await self._kit.ledger.talk(place, member, who.id)
        source = Place(team, str(payload["channel"]), str(payload["thread_ts"]))
        history = await self._history(source, str(payload["ts"]), bot)
        said = Said(talk, who, inquiry_id(place, job.id), root, words, history=history)
        if said.words:
            await self.answer(said)
        else:
            await self._kit.poster.say(f"{said.inquiry}:reply:0", place, _wordless(said))

    async def answer(self, said: Said) -> None:
        """Ask the copilot and show what it says, unless a person took over meanwhile."""
        kit = self._kit
        reply = await self._asked(said)
        if reply is None:
            return
        async with kit.turns.of(said.talk.id):
            talk = await kit.ledger.known(said.talk.id) or said.talk
            if is_held(reply):
                # Somebody took over meanwhile, and has the words: the copilot says nothing.
                await self._passed_on(replace(said, talk=talk))
                return
            if reply.ticket is None and _is_too_late(talk, said):
                kit.count("late_answer_dropped", thread=talk.id)
                if said.stream is not None:
                    await kit.poster.withdraw(said.stream, talk.place.team)
                return
            await self._show(replace(said, talk=talk), reply)

    async def _passed_on(self, said: Said) -> None:
        if said.stream is not None:
            await self._kit.poster.withdraw(said.stream, said.talk.place.team)
        await self._tier_two.pass_on(
            said.talk, said.person, said.words, key=said.inquiry, files=said.files
        )

    async def _asked(self, said: Said) -> Reply | None:
        """The copilot's reply. What the employee can mend is told to them and is the end."""
        inquiry = Inquiry(
            id=said.inquiry,
            text=said.words[:MAX_TEXT_CHARS],
            user=said.person.id,
            thread=said.talk.id,
            channel="slack",
            at=self._kit.helpdesk.clock(),
            history=said.history,
        )
        try:
            async with narrated(
                self._kit, said.talk.place, said.stream, is_shown=said.is_private_place
            ) as tell:
                return await self._kit.helpdesk.copilot.ask(inquiry, step=tell)
        except InquiryError as error:
            self._kit.count("unasked", kind=type(error).__name__)
            told = plain(
                "I can't take this message as it is. Please write it again, in other words."
            )
            await self._kit.poster.say(f"{said.inquiry}:reply:0", said.talk.place, told)
            return None

    async def _show(self, said: Said, reply: Reply) -> None:
        kit, talk = self._kit, said.talk
        if reply.ticket is not None:
            await kit.ledger.set_ticket(talk.id, reply.ticket.id)
            await self._tier_two.announce(reply, talk, said.files)
        asking = await self._asking(said, reply)
        is_private = not said.is_private_place and self._is_private(reply, talk, said.person)
        messages = answers.messages_of(reply, replace(asking, shareable=is_private))
        if said.replaces is not None:
            await self._replace(said, said.replaces, messages, is_private=is_private)
        for number, message in enumerate(messages):
            key = f"{said.inquiry}:reply:{number}"
            if number == 0 and said.stream is not None:
                await kit.poster.end_stream(said.stream, key, talk.place, message)
            if is_private:
                # Slack shows these in a thread only where one is under way.
                starts = said.ts == talk.place.root
                place = replace(talk.place, root=None) if starts else talk.place
                await kit.poster.whisper(key, place, talk.member, message)
            else:
                await kit.poster.say(key, talk.place, message)
        kit.count("answered", disposition=reply.disposition, ms=round(reply.timing_ms["total"]))
        if said.is_private_place:  # A session's title is seen by everybody who sees the thread.
            state = "suspended" if reply.ticket else "active"
            await self._session(talk.place, state, _title(reply, kit))
        if asking.is_brief and reply.disposition == "answer":
            await self._check_in(talk, reply)
        await self._self_service.refresh_home(talk.place.team, talk.member, said.person)

    async def _replace(
        self, said: Said, before: str, messages: list[Message], *, is_private: bool
    ) -> None:
        """The first message takes the place of the old answer; a further part is said anew.

        What only the asker may see never takes the place of what everybody saw.
        """
        place = said.talk.place
        if is_private:
            for number in range(_MOST_PARTS):
                await self._kit.poster.withdraw(f"{before}:reply:{number}", place.team)
            return
        edited = messages[0].with_blocks(context("_Answer to your edited message_"))
        posted = await self._kit.ledger.post(f"{before}:reply:0")
        if posted is None or posted.ts is None:
            return
        if not await self._kit.poster.rewrite(place, posted.ts, edited):
            return
        await self._kit.ledger.trying(f"{said.inquiry}:reply:0", place)
        await self._kit.ledger.posted(f"{said.inquiry}:reply:0", place.channel, posted.ts)
        for number in range(1, _MOST_PARTS):
            await self._kit.poster.withdraw(f"{before}:reply:{number}", place.team)

    async def _asking(self, said: Said, reply: Reply) -> answers.Asking:
        view = reply.ticket and await self._kit.helpdesk.desk.ticket(reply.ticket.id)
        return answers.Asking(
            talk=said.talk.id,
            lane=said.talk.place.lane,
            is_brief=await self._is_in_a_hurry(said),
            unread_files=tuple(file["name"] for file in said.files),
            pickup=view.line.due_at if view else None,
        )

    async def _is_in_a_hurry(self, said: Said) -> bool:
        view = await self._kit.helpdesk.journal.thread(said.talk.id, said.person.id)
        turn = next((t for t in view.turns if t.inquiry_id == said.inquiry), None) if view else None
        signals = turn.signals if turn else {}
        found = [signals.get(name) for name in ("urgency", "frustration")]
        return any(isinstance(value, float) and value >= _HURRY for value in found)

    def _is_private(self, reply: Reply, talk: Talk, person: Person) -> bool:
        """Whether a reply holds something of the person's account, devices or case."""
        about = f"{reply.category}.{reply.subcategory}"
        if talk.ticket is not None or about in self._kit.helpdesk.company.status_labels:
            return True
        if reply.handoff is not None or reply.ticket is not None or reply.policy.effect != "permit":
            return True
        if reply.category in self._kit.options.private_categories:
            return True
        own = [person.name, person.email, person.phone, person.manager]
        own += [name for device in person.devices for name in (device.name, device.asset_tag)]
        return any(name in reply.text for name in own if name)

    async def _check_in(self, talk: Talk, reply: Reply) -> None:
        at = self._kit.now() + self._kit.options.check_in
        payload = {"talk": talk.id, "inquiry": reply.inquiry_id}
        job = Job(f"check-in-{reply.inquiry_id}", "check_in", payload)
        await self._kit.inbox.put_at(job, at, lane=f"later:{talk.id}")

    async def _said(self, payload: Payload) -> Said | None:
        """What was said by whom, `None` where it is not for the copilot or not from an employee."""
        kit, place = self._kit, place_of(payload)
        member, where = str(payload["user"]), str(payload["where"])
        inquiry = inquiry_id(place, str(payload["ts"]))
        is_new = await kit.ledger.known(talk_id(place, member)) is None
        if where == "thread" and is_new:
            return None  # Said to others, in a thread that the copilot does not follow.
        who = await kit.members.who(
            place.team, member, from_team=str(payload.get("from_team") or "")
        )
        if isinstance(who, Visitor):
            await self._refuse(who, place, inquiry, None if where == "direct" else member)
            return None
        bot, text = await kit.slack.bot(place.team), str(payload["text"])
        if where == "thread" and "<@" in text and f"<@{bot}" not in text:
            return None  # Said to a colleague by name.
        talk = await kit.ledger.talk(place, member, who.id)
        joins = where == "mention" and is_new and payload["ts"] != payload["root"]
        files: Any = payload.get("files") or []
        return Said(
            talk,
            who,
            inquiry,
            str(payload["ts"]),
            plain_words(text, bot),
            files=tuple(files),
            is_private_place=where == "direct",
            history=await self._history(place, str(payload["ts"]), bot) if joins else (),
        )

    async def _is_for_people(self, said: Said) -> bool:
        """While a person has the thread, what is written there goes to them and the copilot is silent."""
        async with self._kit.turns.of(said.talk.id):
            talk = await self._kit.ledger.known(said.talk.id)
            if talk is None or talk.taken_by is None:
                return False
            await self._tier_two.pass_on(
                talk, said.person, said.words, key=said.inquiry, files=said.files
            )
            return True

    async def _history(self, place: Place, before: str, bot: str) -> tuple[PastMessage, ...]:
        try:
            answer = await self._kit.slack.call(
                place.team, "conversations.replies", channel=place.channel, ts=place.root, limit=100
            )
        except SlackRefusedError as error:
            # Where the app is not a member it sees the one message that it was given.
            self._kit.count("no_history", kind=error.code)
            return ()
        told = history_of(answer.get("messages") or [], before, bot)
        return tuple(
            PastMessage(user=user, at=time_of(ts), text=words[:MAX_TEXT_CHARS])
            for user, ts, words in told
            if words
        )

    async def _refuse(
        self, visitor: Visitor, place: Place, key: str, only_for: str | None = None
    ) -> None:
        if visitor.why == "bot":
            return
        self._kit.count("refused_visitor", kind=visitor.why)
        told = plain(refusal(visitor, self._kit.helpdesk.company.hotline_text()))
        if only_for is not None:
            await self._kit.poster.whisper(f"{key}:refused", place, only_for, told)
        else:
            await self._kit.poster.say(f"{key}:refused", place, told)

    async def _session(self, place: Place, status: str, title: str | None = None) -> None:
        await self._kit.try_call(
            place.team,
            "agents.sessions.setStatus",
            channel_id=place.channel,
            thread_ts=place.root,
            status=status,
            title=title,
        )


def _is_too_late(talk: Talk, said: Said) -> bool:
    was_stopped = talk.stopped is not None and said.ts <= talk.stopped
    return talk.taken_by is not None or was_stopped


def _wordless(said: Said) -> Message:
    if said.files:
        names = ", ".join(file["name"] for file in said.files)
        return plain(f"I can't read screenshots or files ({names}). {_NO_WORDS}")
    return plain(_NO_WORDS)


def _title(reply: Reply, kit: Kit) -> str | None:
    if reply.category is None or reply.disposition not in ("answer", "escalate"):
        return None
    words = topic_title(reply.category, reply.subcategory, kit.helpdesk.company)
    return f"{words} ({reply.ticket.id})" if reply.ticket else words
