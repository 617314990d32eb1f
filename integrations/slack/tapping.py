"""What employees tap: what became of it, whether the answer was good, and what comes days later."""

from dataclasses import replace
from datetime import timedelta

from copilot.conversation import Feedback, Reply
from copilot.people import Person
from integrations.jobs.port import Job, Steps
from integrations.shown.said import SAID_BY_BUTTON
from integrations.slack import answers, home, triage_cards
from integrations.slack.ledger import Place, Talk, inquiry_id, talk_id
from integrations.slack.message import context, plain
from integrations.slack.parts import Kit, Payload
from integrations.slack.people import Visitor
from integrations.slack.replacing import Replacing
from integrations.slack.selfservice import FORGET, SelfService
from integrations.slack.talking import Said, Talking
from integrations.slack.tiertwo import TierTwo
from integrations.slack.words import prompts

_OUTCOMES = (answers.FIXED, answers.STUCK, answers.HUMAN)
_RATINGS = (answers.GOOD, answers.BAD)
_LATER = (answers.FINE, answers.BROKEN, answers.NO_FOLLOW_UP)
_CARD = (triage_cards.CLAIM, triage_cards.GIVE_BACK, triage_cards.RATE)
_BROKEN_WORDS = "It is broken again, the same problem came back."
_NOT_THEIRS = "Only the person who asked can answer this."


class Tapping:
    """The work of taps, of App Home, and of the questions that come later."""

    def __init__(
        self,
        kit: Kit,
        talking: Talking,
        tier_two: TierTwo,
        self_service: SelfService,
        replacing: Replacing,
        examples: tuple[str, ...],
    ) -> None:
        self._kit = kit
        self._talking = talking
        self._tier_two = tier_two
        self._self_service = self_service
        self._replacing = replacing
        self._examples = examples

    async def tap(self, job: Job, _steps: Steps) -> None:
        """A button or a menu."""
        payload, action = job.payload, str(job.payload["action"])
        if action in _CARD:
            await self._tier_two.tap(job, payload)
            return
        who = await self._kit.members.who(str(payload["team"]), str(payload["user"]))
        if isinstance(who, Visitor):
            self._kit.count("refused_visitor", kind=who.why)
            return
        if action in (home.FOLLOW_UPS_ON, home.FOLLOW_UPS_OFF, home.MY_DATA):
            await self._at_home(job, who, action)
            return
        talk = await self._kit.ledger.known(talk_id(_place(payload), str(payload["user"])))
        if talk is None:
            await self._kit.whisper(_place(payload), str(payload["user"]), job.id, _NOT_THEIRS)
            return
        await self._about_talk(job, talk, who, action)

    async def opened(self, job: Job, _steps: Steps) -> None:
        """App Home or the Messages tab was opened."""
        payload = job.payload
        team, member = str(payload["team"]), str(payload["user"])
        who = await self._kit.members.who(team, member)
        if isinstance(who, Visitor):
            return
        if payload["tab"] != "messages":
            await self._self_service.refresh_home(team, member, who)
            return
        open_case = await self._self_service.open_case(who.id)
        await self._kit.try_call(
            team,
            "assistant.threads.setSuggestedPrompts",
            channel_id=str(payload["channel"]),
            title=f"Hello {who.name.split(' ')[0]}, what can I help with?",
            prompts=prompts(who, open_case, self._examples),
        )

    async def check_in(self, job: Job, _steps: Steps) -> None:
        """Soon after an answer to somebody in a hurry."""
        found = await self._unsettled(job)
        if found is None:
            return
        talk, inquiry = found
        asked = answers.check_in(talk.place.lane, inquiry)
        await self._kit.tell(talk, f"{job.id}:asked", asked)

    async def still_fine(self, job: Job, _steps: Steps) -> None:
        """A day or a week after something was fixed. Silence stays unknown."""
        talk = await self._kit.ledger.known(str(job.payload["talk"]))
        if talk is None or talk.taken_by is not None:
            return
        member = await self._kit.ledger.member(talk.person)
        if member is None or not member.follow_up:
            return
        inquiry, title = str(job.payload["inquiry"]), str(job.payload["title"])
        asked = answers.follow_up(talk.id, talk.place.lane, inquiry, title)
        await self._kit.tell(talk, f"{job.id}:asked", asked)
        self._kit.count("follow_up_asked")

    async def _about_talk(self, job: Job, talk: Talk, who: Person, action: str) -> None:
        payload, value = job.payload, str(job.payload["value"])
        if action in _OUTCOMES:
            await self._outcome(job, talk, who, action)
        elif action in _RATINGS and await self._reply(talk, value) is not None:
            await self._feed_back(value, who, action)
            told = plain("Thank you, that helps to make the answers better.")
            await self._replacing.replace(payload, told)
        elif action in _LATER:
            await self._later(job, talk, who, action)
        elif action == answers.SHARE:
            reply = await self._reply(talk, value)
            if reply is not None:
                await self._kit.poster.say(f"{value}:shared", talk.place, answers.shared(reply))
        elif action == FORGET:
            await self._self_service.forget(talk, job.id)
            await self._replacing.replace(payload, plain("Forgotten."))
        elif action.startswith(answers.CHOICE):
            await self._chosen(job, talk, who)

    async def _chosen(self, job: Job, talk: Talk, who: Person) -> None:
        """One choice of a clarifying question; the first tap counts."""
        inquiry, _, words = str(job.payload["value"]).partition("|")
        if await self._reply(talk, inquiry_id(talk.place, f"{inquiry}:choice")) is not None:
            return
        await self._replacing.replace(job.payload, plain(f"You chose: {words}"))
        await self._say_for(talk, who, words, f"{inquiry}:choice")

    async def _outcome(self, job: Job, talk: Talk, who: Person, verdict: str) -> None:
        inquiry = str(job.payload["value"])
        reply = await self._reply(talk, inquiry)
        if reply is None:
            await self._kit.whisper(_place(job.payload), talk.member, job.id, _NOT_THEIRS)
            return
        await self._feed_back(inquiry, who, verdict)
        asking = answers.Asking(talk.id, talk.place.lane)
        await self._replacing.replace(job.payload, answers.settled(reply, asking, verdict))
        if verdict == answers.FIXED:
            await self._tier_two.closed_by(talk, who, inquiry)
            await self._fixed(talk, reply, asking)
        else:
            # Tapped twice it is said once.
            await self._say_for(talk, who, SAID_BY_BUTTON[verdict], f"{inquiry}:{verdict}")

    async def _fixed(self, talk: Talk, reply: Reply, asking: answers.Asking) -> None:
        kit, key = self._kit, f"{reply.inquiry_id}:good"
        question = answers.was_it_good(reply, asking)
        await kit.tell(talk, key, question)
        label = f"{reply.category}.{reply.subcategory}"
        title = kit.helpdesk.company.choices.get(label) or "your question to IT"
        payload = {"talk": talk.id, "inquiry": reply.inquiry_id, "title": title}
        for after in kit.options.follow_ups:
            job = Job(f"fine-{_span(after)}-{reply.inquiry_id}", "still_fine", dict(payload))
            at = kit.now() + after
            await kit.inbox.put_at(job, at, lane=f"later:{talk.id}")

    async def _later(self, job: Job, talk: Talk, who: Person, action: str) -> None:
        payload, value = job.payload, str(job.payload["value"])
        label = answers.LABELS[action]
        if action == answers.NO_FOLLOW_UP:
            await self._kit.ledger.set_follow_up(who.id, wanted=False)
            await self._replacing.replace(payload, plain("All right, I won't ask again."))
            return
        verdict = answers.FIXED if action == answers.FINE else answers.STUCK
        await self._feed_back(value, who, verdict)
        thanks = plain("Thank you.", context(f"You said: *{label}*"))
        await self._replacing.replace(payload, thanks)
        if action == answers.BROKEN:
            await self._say_for(
                talk, who, _BROKEN_WORDS, f"{value}:{action}:{job.payload['message_ts']}"
            )

    async def _say_for(self, talk: Talk, who: Person, words: str, key: str) -> None:
        """What a button says, in the conversation it belongs to; once under its key."""
        inquiry = inquiry_id(talk.place, key)
        said = Said(talk, who, inquiry, "9", words, is_private_place=talk.place.is_direct)
        known = await self._kit.ledger.known(talk.id)
        if known is not None and known.taken_by is not None:
            await self._tier_two.pass_on(known, who, words, key=inquiry)
            return
        await self._talking.answer(replace(said, talk=known or talk))

    async def _feed_back(self, inquiry: str, who: Person, verdict: str) -> None:
        said = Feedback.model_validate(
            {
                "inquiry_id": inquiry,
                "user": who.id,
                "verdict": verdict,
                "at": self._kit.helpdesk.clock(),
            }
        )
        await self._kit.helpdesk.copilot.follow_up(said)
        self._kit.count("tapped", verdict=verdict)

    async def _at_home(self, job: Job, who: Person, action: str) -> None:
        team, member = str(job.payload["team"]), str(job.payload["user"])
        if action != home.MY_DATA:
            wanted = action == home.FOLLOW_UPS_ON
            await self._self_service.set_follow_up(team, member, who, wanted=wanted)
            return
        direct = await self._kit.poster.direct(team, member)
        heading = plain("What is kept of our conversations:")
        root = await self._kit.poster.say(f"{job.id}:heading", direct, heading)
        talk = await self._kit.ledger.talk(replace(direct, root=root), member, who.id)
        await self._self_service.grant("data", talk, inquiry_id(talk.place, job.id))

    async def _unsettled(self, job: Job) -> tuple[Talk, str] | None:
        """The conversation, where nothing was said since of what became of it."""
        talk = await self._kit.ledger.known(str(job.payload["talk"]))
        if talk is None or talk.taken_by is not None or talk.ticket is not None:
            return None
        inquiry = str(job.payload["inquiry"])
        view = await self._kit.helpdesk.journal.thread(talk.id, talk.person)
        last = view.turns[-1] if view and view.turns else None
        if last is None or last.inquiry_id != inquiry or last.outcome is not None:
            return None
        return talk, inquiry

    async def _reply(self, talk: Talk, inquiry: str) -> Reply | None:
        view = await self._kit.helpdesk.journal.thread(talk.id, talk.person)
        turns = view.turns if view else ()
        return next((turn.reply for turn in turns if turn.inquiry_id == inquiry), None)


def _place(payload: Payload) -> Place:
    """The conversation that a button belongs to, as its block says."""
    return Place.of_lane(str(payload["team"]), str(payload["about"]))


def _span(after: timedelta) -> str:
    return str(round(after.total_seconds()))
