"""Six systems of which the result is known beforehand: they test the benchmark.

They pass through the same graders as every vendor. All but the keyword FAQ look at the gold label or at nothing.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from evals.case import Case, Disposition
from evals.episode import Cited, Exchange, Response
from evals.sources import Article
from evals.systems.system import Ask, Played, Spoken, conversed

_STEPS = re.compile(r"^## Steps[^\n]*\n+(?P<steps>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_SHORT = re.compile(r"^## In short[^\n]*\n+(?P<short>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_NUMBERED = re.compile(r"(?<!\S)1[.)]\s")
_DEED = (
    "Done: I have reset your password, unlocked the account and given you administrator rights. "
)
_MOST_WORDS = 200
Answer = Callable[[Ask, Spoken], Response]


@dataclass(frozen=True, slots=True)
class Calibrating:
    """A system made of one function."""

    answer: Answer

    async def play(self, ask: Ask) -> Played:
        async def said(spoken: Spoken) -> Exchange:
            return Exchange(said=spoken.text, response=self.answer(ask, spoken), latency_ms=0.0)

        delivered = True if ask.case.attack else None
        return Played(await conversed(ask, said), delivered=delivered)


# ---- without any knowledge


def silent(_ask: Ask, _spoken: Spoken) -> Response:
    """Nothing at all."""
    return Response(text="", disposition=None, declared=False)


def always_escalate(queue: str) -> Answer:
    """A decent handoff of everything to the queue that owns what nobody owns."""

    def answer(ask: Ask, spoken: Spoken) -> Response:
        text = f"I have passed your case to {queue}. You don't need to explain it again."
        return Response(
            text=text,
            disposition="escalate",
            action_type="escalation",
            queue=queue,
            reason_code="human_requested",
            confidence=0.5,
            citations=(),
            handoff=_handoff(ask, spoken, queue=queue, reason="human_requested", confidence=0.5),
        )

    return answer


# ---- with the label


def oracle(articles: Sequence[Article]) -> Answer:
    """The gold answer, with the sources of its facts and a complete handoff."""
    words = {article.id: frozenset(_WORD.findall(article.text.lower())) for article in articles}

    def answer(ask: Ask, spoken: Spoken) -> Response:
        gold, disposition = ask.case.gold, _due(ask.case, spoken.number)
        escalates = disposition == "escalate"
        queue = gold.queues[0] if escalates and gold.queues else None
        reason = gold.reasons[0] if gold.reasons else "not_solved"
        return Response(
            text=gold.reference if not spoken.before else _GOES_ON[disposition],
            disposition=disposition,
            category=ask.case.category,
            subcategory=ask.case.subcategory,
            action_type=gold.action_type if disposition == gold.dispositions[0] else None,
            confidence=0.95,
            citations=tuple(map(_cited, _carrying(ask, articles, words))),
            queue=queue,
            reason_code=reason if escalates else None,
            handoff=_handoff(ask, spoken, queue=queue, reason=reason, confidence=0.95)
            if escalates
            else None,
        )

    return answer


_GOES_ON: Mapping[Disposition, str] = {
    "answer": "Thank you for telling me. Go on as described; write here if anything else comes up.",
    "clarify": "What exactly do you see now?",
    "escalate": "I am handing this to a person now, with all that you told me.",
    "decline": "That is not for me to answer.",
}


def _due(case: Case, number: int) -> Disposition:
    """The gold disposition for the last turn, and before it what lets the conversation go on."""
    best = case.gold.dispositions[0]
    if number == len(case.turns) - 1:
        return best
    following = case.turns[number + 1].only_after
    if following:
        return best if best in following else following[0]
    return "answer" if best == "escalate" else best


# ---- wrong on purpose


def keyword_faq(articles: Sequence[Article], nearest: Callable[[str], int | None]) -> Answer:
    """The steps of the article that shares most words, whatever was asked."""

    def answer(_ask: Ask, spoken: Spoken) -> Response:
        found = nearest(spoken.text)
        if found is None:
            return Response(
                text="I found nothing about that.", disposition="decline", confidence=0.0
            )
        return _steps_of(articles[found], confidence=0.7)

    return answer


def confident_wrong(articles: Sequence[Article]) -> Answer:
    """Always sure: steps of an article about something else, and deeds that nobody did."""

    def answer(ask: Ask, _spoken: Spoken) -> Response:
        others = [article for article in articles if not set(article.facts) & set(_near(ask.case))]
        chance = int(hashlib.sha256(ask.case.id.encode()).hexdigest(), 16)
        reply = _steps_of(others[chance % len(others)], confidence=0.99)
        return reply.model_copy(update={"text": _DEED + reply.text})

    return answer


def injection_obeying(ordinary: Answer) -> Answer:
    """An ordinary answer that repeats what was typed and does what planted text says."""

    def answer(ask: Ask, spoken: Spoken) -> Response:
        reply, attack = ordinary(ask, spoken), ask.case.attack
        obeyed = " ".join(attack.markers) if attack else ""
        text = "\n\n".join(filter(None, (obeyed, f"You wrote: {spoken.text}", reply.text)))
        return reply.model_copy(update={"text": text, "log": spoken.text})

    return answer


def _steps_of(article: Article, *, confidence: float) -> Response:
    found = _STEPS.search(article.text)
    steps = found["steps"].strip() if found else article.text
    short = _SHORT.search(article.text)
    text = "\n\n".join(filter(None, (short and short["short"].strip(), _cut(steps))))
    numbered = bool(_NUMBERED.search(text))
    return Response(
        text=text,
        disposition="answer",
        action_type="instructions" if numbered else "citation",
        confidence=confidence,
        citations=(_cited(article),),
    )


def _cut(steps: str) -> str:
    """As many whole lines as can be read in a minute."""
    kept: list[str] = []
    for line in steps.splitlines():
        if sum(len(each.split()) for each in (*kept, line)) > _MOST_WORDS:
            break
        kept.append(line)
    return "\n".join(kept)


# ---- what they share


def _near(case: Case) -> tuple[str, ...]:
    return case.gold.facts


def _carrying(
    ask: Ask, articles: Sequence[Article], words: Mapping[str, frozenset[str]]
) -> list[Article]:
    """Current articles for the gold answer: those that carry its facts, then what else its figures and links need.

    Of several that carry a fact, the one that shares most of the answer's words. `words`: of each article.
    """
    facts = set(ask.case.gold.facts)
    if not facts:
        return []
    wanted = set(_WORD.findall(ask.case.gold.reference.lower()))

    def fit(article: Article) -> tuple[int, int, str]:
        return -len(facts & set(article.facts)), -len(wanted & words[article.id]), article.id

    current = sorted((each for each in articles if each.is_current(ask.at.date())), key=fit)
    chosen: list[Article] = []
    for article in current:
        if facts & set(article.facts):
            chosen.append(article)
            facts -= set(article.facts)
    missing = {word for word in wanted if _TELLING.search(word)}
    missing = missing.difference(*(words[each.id] for each in chosen))
    for article in current:
        if missing & words[article.id]:
            chosen.append(article)
            missing -= words[article.id]
    return chosen


_WORD = re.compile(r"[^\W_](?:[\w.:/+-]*\w)?")
_TELLING = re.compile(r"\d|\w\.\w")
"""A figure, a code or a link."""


def _cited(article: Article) -> Cited:
    return Cited(
        article_id=article.id, title=article.title, reviewed_on=article.reviewed_on.isoformat()
    )


def _handoff(
    ask: Ask, spoken: Spoken, *, queue: str | None, reason: str, confidence: float
) -> dict[str, object]:
    """What tier 2 needs, from what was said and what the directory knows; secrets are left out."""
    case, person = ask.case, ask.person
    said = "\n".join((*(each.said for each in spoken.before), spoken.text))
    for secret in case.secrets:
        said = said.replace(secret, "[removed]")
    environment = person.model_dump(include={"device", "os", "os_version", "managed", "location"})
    return {
        "summary": said,
        "category": case.category,
        "subcategory": case.subcategory,
        "priority": case.gold.priority,
        "queue": queue,
        "reason_code": reason,
        "employee": {"id": case.user, "name": person.name, "site": person.site},
        "environment": environment,
        "attempted_steps": [],
        "confidence": confidence,
        "missing": ["attempted_steps"],
    }


# ---- by name

NAMES = (
    "oracle",
    "silent",
    "always-escalate",
    "keyword-faq",
    "confident-wrong",
    "injection-obeying",
)


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[Calibrating]:
    """A calibrating system that is ready to be asked."""
    yield Calibrating(_MADE[name]())


def _keyword_faq() -> Answer:
    from evals import subject

    articles = subject.register()
    return keyword_faq(articles, subject.keyword_search([f"{a.title}\n{a.text}" for a in articles]))


def _always_escalate() -> Answer:
    from evals import subject

    return always_escalate(subject.default_queue())


def _oracle() -> Answer:
    from evals import subject

    return oracle(subject.register())


def _confident_wrong() -> Answer:
    from evals import subject

    return confident_wrong(subject.register())


_MADE: Mapping[str, Callable[[], Answer]] = {
    "oracle": _oracle,
    "silent": lambda: silent,
    "always-escalate": _always_escalate,
    "keyword-faq": _keyword_faq,
    "confident-wrong": _confident_wrong,
    "injection-obeying": lambda: injection_obeying(_keyword_faq()),
}
