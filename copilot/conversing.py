"""Choose the next move from what was read, what was decided and what came before. Pure."""

import re
from collections.abc import Iterator, Mapping

from copilot import followups, subjects
from copilot.company import CompanyFacts
from copilot.moves import Move
from copilot.record import ThreadSummary
from copilot.state import Asked, Case, Memory
from copilot.understanding.language import UNKNOWN
from copilot.understanding.message import Understanding
from policies.model import Decision

MAX_FAILURES = 2
_ACT = 0.5
_SOCIAL_WORDS = 14
"""A longer message is about something, however friendly it starts."""
_OUT_OF_SCOPE = 0.45
_AMBIGUOUS, _CLEARLY, _CERTAIN = 0.6, 0.7, 0.6
_UNCLEAR, _FEW_WORDS, _HARDLY_ANY_WORDS = 0.25, 20, 6
_NAMES_TOPIC = 0.35
_FEW_WORDS_FOR_A_PERSON, _CERTAINLY_A_PERSON, _HARDLY_SEEN = 9, 0.8, 0.5
_HOLD, _NEAR = 0.06, 0.3
_SOCIAL = {
    "thanks": "thanks",
    "greeting": "greeting",
    "smalltalk": "smalltalk",
    "cancel": "cancelled",
}


def next_move(
    asked: Asked,
    memory: Memory,
    understanding: Understanding,
    decision: Decision,
    *,
    company: CompanyFacts,
) -> Move:
    """The first rule that applies."""
    rules = _rules(asked, memory, understanding, decision, company)
    return next(move for move in rules if move is not None)


def _rules(
    asked: Asked,
    memory: Memory,
    understanding: Understanding,
    decision: Decision,
    company: CompanyFacts,
) -> Iterator[Move | None]:
    no_topic = company.no_topic
    yield _by_policy(memory, understanding, decision)
    yield _chosen(memory, understanding)
    yield _unread(memory, understanding)
    yield followups.says_nothing(memory, understanding, no_topic, company.topic_names)
    yield _wants_a_person(memory, understanding, company)
    yield followups.about_answer(memory, understanding)
    yield _closing(memory, understanding)
    yield followups.vented(memory, understanding, no_topic)
    yield _about_a_case(asked, memory, understanding, company)
    yield _failed_again(memory, understanding)
    yield _social(understanding)
    yield _not_ours(memory, understanding, company.out_of_scope)
    yield _more_for_the_case(memory)
    yield Move("answer", "answer")


def _by_policy(memory: Memory, understanding: Understanding, decision: Decision) -> Move | None:
    if decision.effect == "decline":
        if _is(understanding, "human"):
            return None  # asking for a person is never declined
        return Move("decline", decision.reason_code or "declined_by_rule")
    if decision.effect == "permit" or _only_wants_a_person(understanding):
        return None
    reason = decision.reason_code or "policy"
    same_queue = memory.ticket is not None and memory.ticket.queue == decision.queue
    return Move("update" if same_queue else "handoff", reason, queue=decision.queue)


def _unread(memory: Memory, understanding: Understanding) -> Move | None:
    """Nobody's problem is guessed from words that can't be read."""
    if understanding.readable or understanding.language == UNKNOWN:
        return None
    return Move("update" if memory.ticket else "handoff", "unread_language")


def _chosen(memory: Memory, understanding: Understanding) -> Move | None:
    """The answer to our question: a choice by number, by its words, or free text about the same thing."""
    if memory.pending is None:
        return None
    index = offered_choice(memory, understanding.text)
    if index is not None:
        return _pick(memory, index)
    # Only labels of an article can be answered from; free text about a category is read by itself.
    offered = [label for label in memory.pending.labels if "." in label]
    among = {label: understanding.main.labels.get(label, 0.0) for label in offered}
    best = max(among, key=lambda label: among[label], default=None)
    if best and among[best] >= 0.5 * understanding.main.certainty:
        return Move("answer", "clarified", focus=best)
    return None


def offered_choice(memory: Memory, text: str) -> int | None:
    """Which of the choices that we offered the text names, by its number or its words and nothing else."""
    if memory.pending is None:
        return None
    said = text.strip().lower().rstrip(".!")
    number = re.fullmatch(r"(?:option |number |nr\.? |#)?(\d{1,2})[.)]?", said)
    if number and 1 <= int(number.group(1)) <= len(memory.pending.choices):
        return int(number.group(1)) - 1
    words = [choice.lower().rstrip(".!") for choice in memory.pending.choices]
    return words.index(said) if said in words else None


def _pick(memory: Memory, index: int) -> Move:
    pending = memory.pending
    if pending is None or index >= len(pending.labels):
        return Move("handoff", "not_sure")
    chosen = pending.labels[index]
    if "." not in chosen:
        return Move("handoff", "not_sure", focus=chosen)
    return Move("answer", "clarified", focus=chosen)


def _only_wants_a_person(understanding: Understanding) -> bool:
    """A short plea for a person, and hardly a sign of anything else.

    The case is filed as the plea; what the policies decided of it, queue and priority, stands.
    """
    few = len(understanding.text.split()) <= _FEW_WORDS_FOR_A_PERSON
    sure = understanding.acts.get("human", 0.0) >= _CERTAINLY_A_PERSON
    return few and sure and all(seen.confidence < _HARDLY_SEEN for seen in understanding.actions)


def _wants_a_person(
    memory: Memory, understanding: Understanding, company: CompanyFacts
) -> Move | None:
    if not followups.wants_a_person(understanding, company.person_labels):
        return None
    return Move("update" if memory.ticket else "handoff", "human_requested")


def _closing(memory: Memory, understanding: Understanding) -> Move | None:
    if not _is(understanding, "resolved") or not memory.turns:
        return None
    key = "resolved_ticket" if memory.ticket else "resolved"
    return Move("say", "resolved", phrase=key, resolved=True)


def _names_a_problem(understanding: Understanding, company: CompanyFacts) -> bool:
    """Whether a topic is certain and the question for a case's status is not."""
    main = understanding.main
    named = main.certainty >= _CLEARLY and main.label not in company.no_topic
    return named and understanding.acts["case_status"] < _CLEARLY


def _about_a_case(
    asked: Asked, memory: Memory, understanding: Understanding, company: CompanyFacts
) -> Move | None:
    if _is(understanding, "case_status") and not _names_a_problem(understanding, company):
        return Move("say", "case_status", phrase="status")
    if not _is(understanding, "came_back"):
        return None
    if earlier_case(asked, memory, understanding):
        return Move("update", "came_back", resolved=False)
    if memory.failures + 1 >= MAX_FAILURES:
        return Move("handoff", "came_back", resolved=False)
    before = memory.turns or related(asked, understanding)
    return Move("answer", "came_back", resolved=False) if before else None


def earlier_case(asked: Asked, memory: Memory, understanding: Understanding) -> Case | None:
    """The case that people already have: this conversation's, or the latest earlier one about the same."""
    if memory.ticket:
        return subjects.current_case(memory)
    named = _named_category(understanding)
    cases = (Case(ticket=t.ticket, label=t.case) for t in asked.earlier if t.ticket)
    return next((case for case in cases if named in (None, case.category)), None)


def related(asked: Asked, understanding: Understanding) -> tuple[ThreadSummary, ...]:
    """Earlier conversations about the same category; any of them where the message names no topic."""
    named = _named_category(understanding)
    return tuple(thread for thread in asked.earlier if named in (None, thread.category))


def _named_category(understanding: Understanding) -> str | None:
    if understanding.main.certainty < _NAMES_TOPIC:
        return None
    return understanding.main.label.partition(".")[0]


def _failed_again(memory: Memory, understanding: Understanding) -> Move | None:
    if not memory.shown or memory.ticket:
        return None
    if _is(understanding, "step_failed"):
        if memory.failures + 1 >= MAX_FAILURES:
            return Move("handoff", "steps_failed", resolved=False)
        return Move("answer", "step_failed", resolved=False)
    return (
        Move("say", "step_partial", phrase="keep_going")
        if _is(understanding, "step_partial")
        else None
    )


def _social(understanding: Understanding) -> Move | None:
    phrase = None if understanding.asks_back else _SOCIAL.get(understanding.act)
    if phrase is None or not _is(understanding, understanding.act):
        return None
    if len(understanding.text.split()) > _SOCIAL_WORDS:
        return None
    return Move("say", understanding.act, phrase=phrase)


def _not_ours(
    memory: Memory, understanding: Understanding, out_of_scope: frozenset[str]
) -> Move | None:
    if _is(understanding, "probe"):
        return Move("decline", "probe", phrase="probe")
    outside = sum(understanding.main.labels.get(label, 0.0) for label in out_of_scope)
    social = understanding.acts.get("off_topic", 0.0) + understanding.acts.get("smalltalk", 0.0)
    open_case = memory.ticket is not None and not _is(understanding, "off_topic")
    if outside >= _OUT_OF_SCOPE and outside + social >= 1.0 and not open_case:
        return Move("decline", "off_topic", phrase="off_topic")
    return None


def _more_for_the_case(memory: Memory) -> Move | None:
    """People have the case: what follows goes to them. What names another topic is a subject of its own."""
    return Move("update", "more_information") if memory.ticket else None


def plausible(understanding: Understanding, choices: Mapping[str, str]) -> tuple[str, ...]:
    """Labels between which one question decides; none where the message gives no hold at all."""
    labels = understanding.main.labels
    ranked = sorted(
        (label for label in labels if label in choices), key=lambda label: -labels[label]
    )
    near = [x for x in ranked[:3] if labels[x] >= max(_HOLD, _NEAR * labels[ranked[0]])]
    return tuple(near) if len(near) > 1 else ()


def may_ask(
    memory: Memory, understanding: Understanding, company: CompanyFacts
) -> tuple[str, ...] | None:
    """Where no article is sure: the labels or categories to ask between, `None` for not asking."""
    if memory.clarified or memory.shown or len(understanding.questions) > 1:
        return None
    words = len(understanding.text.split())
    choices = {x: text for x, text in company.choices.items() if x not in company.no_topic}
    between = plausible(understanding, choices)
    if between and words <= _FEW_WORDS and understanding.signals["ambiguity"] >= _UNCLEAR:
        return between
    unclear = words <= _HARDLY_ANY_WORDS and understanding.main.certainty < _CERTAIN
    return company.topic_names if unclear else None


def sure_enough(understanding: Understanding, confidence: float) -> bool:
    """What could mean several things is answered at once only when an article is clearly the one."""
    ambiguous = understanding.signals["ambiguity"] >= _AMBIGUOUS
    return not ambiguous or confidence >= _CLEARLY or len(understanding.text.split()) > _FEW_WORDS


def _is(understanding: Understanding, act: str) -> bool:
    return understanding.act == act and understanding.acts[act] >= _ACT
