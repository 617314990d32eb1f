"""The steps of a turn, as LangGraph nodes. Only `hand_off` reaches outside, with a key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Protocol

from copilot import followups, grounding, handoff, replying, subjects
from copilot.author.assignment import Assignment, Author, Hearsay, Manner, Part, Source
from copilot.author.draft import Draft
from copilot.company import CompanyFacts
from copilot.conversation import Versions
from copilot.conversing import earlier_case, may_ask, next_move, offered_choice, sure_enough
from copilot.gate import policy_request
from copilot.moves import Move
from copilot.ports import Desk, Journal, Library, Policy
from copilot.prompts.phrases import phrases
from copilot.routing import memory_of, questions
from copilot.screening import Screen
from copilot.state import Memory, TurnState
from copilot.understanding.message import Question, Understanding
from knowledge.findings import ArticleHit, Findings, Reader
from policies.model import STRICTNESS

_FOLLOW_UP_ACTS = ("step_failed", "step_partial", "more_info", "came_back", "human")
_TENTATIVE_BELOW = 0.8
_NEXT_LABEL = 0.15
_UNCLEAR, _FEW_WORDS = 0.35, 8
_AS_NEAR = 0.05


class Reading(Protocol):
    """What reads messages: a `MessageReader`, or one that follows the serving index."""

    def read(self, raw: str, *, language: str = "en") -> Understanding: ...

    def question(self, text: str) -> Question: ...


class SecondReading(Protocol):
    """What may see more requested actions in a message that was read, and can take none away."""

    async def add(self, read: Understanding) -> Understanding: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the nodes work with."""

    reader: Reading
    policy: Policy
    library: Library
    desk: Desk
    journal: Journal
    company: CompanyFacts
    versions: Callable[[], Versions]
    author: Author
    screen: Screen
    second: SecondReading | None = None


class Nodes:
    """Each method takes the state and returns what it changes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def understand(self, state: TurnState) -> TurnState:
        asked, memory = state["asked"], memory_of(state)
        language = memory.language or asked.person.language or "en"
        read = self._parts.reader.read(asked.inquiry.text, language=language)
        company = self._parts.company
        before, memory = memory, subjects.turn_to(memory, read, company.no_topic)
        if followups.asks_back(memory, read, company.no_topic):
            read = replace(read, asks_back=True, tone="neutral", urgency="normal")
        if offered_choice(memory, read.text) is not None:
            # Our own words ask for nothing but what we offered, and tell no mood.
            calm = {**read.signals, "urgency": 0.0}
            read = replace(read, actions=(), tone="neutral", urgency="normal", signals=calm)
        if followups.asks_for_nothing(read, company.person_labels, company.action_labels):
            read = replace(read, actions=())
        elif self._parts.second is not None:
            read = await self._parts.second.add(read)
        if memory.problem and _continues(read, memory):
            question = self._parts.reader.question(f"{memory.problem}\n{read.text}")
            if read.asks_back:
                form, time = read.main.form, read.main.asks_time
                question = replace(question, form=form, asks_time=time)
            read = replace(read, questions=(question,), alone=read.main)
        return {"understanding": read, "memory": memory, "turned": memory is not before}

    async def gate(self, state: TurnState) -> TurnState:
        asked, memory, read = state["asked"], memory_of(state), state["understanding"]
        company = self._parts.company
        request = policy_request(asked, memory, read, company)
        decision = self._parts.policy.decide(request)
        move = next_move(
            asked,
            memory,
            read,
            decision,
            company=company,
        )
        return {"request": request, "decision": decision, "move": move}

    async def recall(self, state: TurnState) -> TurnState:
        """Search for each question that may be answered; before a handoff, for its evidence."""
        asked, move = state["asked"], state["move"]
        reader = _reader(state)
        return {
            "findings": tuple(
                self._parts.library.search(
                    question.text,
                    question.vector,
                    reader,
                    at=asked.inquiry.at.date(),
                    prior={move.focus: 1.0} if move.focus else question.labels,
                    language=state["understanding"].language,
                )
                for question in questions(state)
            )
        }

    async def write(self, state: TurnState) -> TurnState:
        """Draft from the articles found; what has none goes to people."""
        asked_for = questions(state)
        chosen = [
            (question, article_id, finding)
            for question, finding in zip(asked_for, state["findings"], strict=True)
            if (article_id := _chosen(question, finding, state)) is not None
        ]
        if not chosen:
            return {"move": self._ask_or_hand_over(state)}
        article, sentences = self._parts.library.article, self._parts.library.sentences
        parts = [
            Part(
                question,
                Source(article(article_id), sentences(article_id, question.vector)),
            )
            for question, article_id, _ in chosen
        ]
        manner = _manner(state, [finding for *_, finding in chosen], self._parts.company.forms)
        draft = await self._parts.author.write(Assignment(parts, manner, _hearsay(state)))
        if state["understanding"].text.count("?") > len(chosen):
            draft = draft.followed_by(phrases(state["understanding"].language).say("missed"))
        move = state["move"] if len(chosen) == len(asked_for) else _not_sure(state["move"])
        return {"draft": draft, "move": move}

    async def check(self, state: TurnState) -> TurnState:
        """Cut what no current passage supports; nothing left means that people take over."""
        draft, move = state.get("draft", Draft()), state["move"]
        if move.kind == "clarify":
            return {}
        stricter = self._stricter_now(state) if draft.prompt is not None else None
        if stricter is not None:
            return stricter
        asker, passage = state["asked"].person, self._passage(state["asked"].inquiry.at.date())
        for candidate in (draft, draft.instead):
            if candidate is None:
                continue
            screened = self._parts.screen.check(candidate, passage, asker)
            checked = grounding.check(screened, passage)
            if checked.grounded:
                return {"draft": checked.of_attempt(draft)}
        return {"draft": draft.without_statements(), "move": _not_sure(move)}

    async def hand_off(self, state: TurnState) -> TurnState:
        """Store the handoff, then open or update the ticket; repeating it changes nothing."""
        asked, memory, move = state["asked"], memory_of(state), state["move"]
        if move.kind == "say" and memory.ticket is not None:
            key = f"resolved:{asked.inquiry.id}"
            await self._parts.desk.resolve(
                memory.ticket.id, key=key, by=asked.person.id, at=asked.inquiry.at
            )
            return {}
        case = earlier_case(asked, memory, state["understanding"])
        case = case if move.kind == "update" else None
        filled = handoff.build(
            asked,
            memory,
            state["understanding"],
            state["decision"],
            move,
            state.get("findings", ()),
            self._parts.company,
            case,
        )
        key = f"handoff:{asked.inquiry.id}"
        await self._parts.journal.plan_handoff(asked.inquiry.id, key, filled)
        aside = memory.set_aside
        if case is not None:
            ticket = await self._parts.desk.update(
                case.ticket.id, filled, key=key, at=asked.inquiry.at
            )
        else:
            aside = subjects.with_case_aside(memory)
            ticket = await self._parts.desk.open(
                filled,
                key=key,
                thread_id=asked.thread_id,
                opened_by=asked.person.id,
                at=asked.inquiry.at,
            )
        await self._parts.journal.handed_off(key, ticket)
        return {
            "handoff": filled,
            "memory": memory.model_copy(update={"ticket": ticket, "set_aside": aside}),
        }

    async def reply(self, state: TurnState) -> TurnState:
        memory, move = memory_of(state), state["move"]
        escalated = move.kind in ("handoff", "update")
        turn = replying.Turn(
            asked=state["asked"],
            memory=memory,
            understanding=state["understanding"],
            decision=state["decision"],
            move=move,
            findings=state.get("findings", ()),
            draft=state.get("draft", Draft()),
            handoff=state.get("handoff") if escalated else None,
            ticket=memory.ticket if escalated else None,
            versions=self._parts.versions(),
            turned=state["turned"],
        )
        reply = replying.compose(turn, self._parts.company)
        self._parts.screen.seal(reply.text)
        return {"reply": reply, "memory": replying.remember(turn, reply, self._parts.company)}

    def _stricter_now(self, state: TurnState) -> TurnState | None:
        """The policies asked again: while a chat model wrote, they may have become stricter."""
        again = self._parts.policy.decide(state["request"])
        if STRICTNESS[again.effect] <= STRICTNESS[state["decision"].effect]:
            return None
        company = self._parts.company
        move = next_move(
            state["asked"],
            memory_of(state),
            state["understanding"],
            again,
            company=company,
        )
        draft = state["draft"].without_statements()
        return {"decision": again, "move": move, "draft": draft}

    def _ask_or_hand_over(self, state: TurnState) -> Move:
        move = state["move"]
        if move.kind == "answer" and move.reason == "answer":
            labels = may_ask(memory_of(state), state["understanding"], self._parts.company)
            if labels is not None:
                return Move("clarify", "not_sure", labels=labels)
        return _not_sure(move)

    def _passage(self, at: date) -> grounding.PassageText:
        @cache
        def passage(article_id: str, section: str) -> str | None:
            article = self._parts.library.article(article_id)
            if article.is_stale(at):
                return None
            texts = [s.text for s in article.sections if s.path == section]
            return "\n".join(texts) if texts else None

        return passage


def _chosen(question: Question, finding: Findings, state: TurnState) -> str | None:
    """The article to answer from, or none when it is not sure or was tried before."""
    memory = memory_of(state)
    if state["move"].reason == followups.ABOUT_ANSWER:
        return memory.shown[-1]
    hit = _hit(question, finding, state)
    return hit.article_id if hit else None


def _hit(question: Question, finding: Findings, state: TurnState) -> ArticleHit | None:
    memory, move = memory_of(state), state["move"]
    if move.reason == "step_failed" or (move.reason == "came_back" and memory.shown):
        fresh = (hit for hit in finding.hits if hit.article_id not in memory.shown)
        return next((hit for hit in fresh if _related(hit, question, memory)), None)
    if not finding.hits:
        return None
    if move.focus:
        return next((hit for hit in finding.hits if _label(hit) == move.focus), None)
    sure = finding.answerable and sure_enough(state["understanding"], finding.confidence)
    return _fullest(finding.hits) if sure else None


def _fullest(hits: Sequence[ArticleHit]) -> ArticleHit:
    """The first article, or one of the same topic that is as near and states more of the company's facts."""
    first = hits[0]
    near = [h for h in hits if _label(h) == _label(first) and h.score >= first.score - _AS_NEAR]
    return max(near, key=lambda hit: hit.facts)


def _related(hit: ArticleHit, question: Question, memory: Memory) -> bool:
    return _label(hit) == memory.label or question.labels.get(_label(hit), 0.0) >= _NEXT_LABEL


def _label(hit: ArticleHit) -> str:
    return f"{hit.category}.{hit.subcategory}"


_UNSOLVED = {"step_failed": "steps_failed", "came_back": "came_back"}


def _not_sure(move: Move) -> Move:
    if move.kind in ("handoff", "update"):
        return move
    return replace(move, kind="handoff", reason=_UNSOLVED.get(move.reason, "not_sure"))


def _continues(read: Understanding, memory: Memory) -> bool:
    """Whether the message only makes sense together with what was said before."""
    if memory.pending is not None or read.asks_back or read.act in _FOLLOW_UP_ACTS:
        return True
    return read.main.certainty < _UNCLEAR and len(read.text.split()) <= _FEW_WORDS


def _manner(state: TurnState, findings: Sequence[Findings], forms: frozenset[str]) -> Manner:
    read = state["understanding"]
    back = state["move"].reason == followups.ABOUT_ANSWER
    return Manner(
        phrases=phrases(read.language),
        language=read.language,
        tone=read.tone,
        urgency=read.urgency,
        platform=_reader(state).platform,
        tentative=not back and min(f.confidence for f in findings) < _TENTATIVE_BELOW,
        again=state["move"].reason == "step_failed",
        asks_back=read if back else None,
        forms=forms,
    )


def _hearsay(state: TurnState) -> Hearsay:
    inquiry, case = state["asked"].inquiry, memory_of(state).handoff
    return Hearsay(
        inquiry.display_name,
        tuple(past.text for past in inquiry.history),
        case.summary if case else None,
    )


def _reader(state: TurnState) -> Reader:
    person, read = state["asked"].person, state["understanding"]
    said = read.platform or memory_of(state).platform
    computer = person.computer
    return Reader(
        groups=frozenset({"all_staff", *person.groups}),
        platform=said or (computer.platform if computer else None),
        region=person.site,
    )
