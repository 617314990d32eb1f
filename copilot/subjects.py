"""Which subject of a conversation a message belongs to: the one at hand, an earlier case, or a new one. Pure."""

from collections.abc import Set as AbstractSet

from copilot.state import Case, Memory
from copilot.understanding.message import Understanding

_NAMED, _CLEARLY_NAMED, _BEYOND_DOUBT, _BARELY = 0.6, 0.8, 0.9, 0.25
"""Probability of a category that a message names, names clearly, names beyond doubt, and hardly touches."""
_MIN_WORDS = 3
_ACT = 0.5
_STAYS = ("step_failed", "step_partial", "human", "cancel", "case_status", "probe", "thanks")
"""Acts that belong to the subject at hand, whatever words they are made of."""
_KEPT_CASES = 5


def turn_to(memory: Memory, read: Understanding, no_topic: AbstractSet[str]) -> Memory:
    """The memory of the subject that the message is about.

    A message that clearly names another topic starts a subject of its own: the open case is set
    aside as it is, and nothing tried before counts for the new one. One that names the topic of a case
    set aside turns back to it. Anything else belongs to the subject at hand.
    """
    if not memory.turns or memory.pending is not None:
        return memory
    if _stays(read) and not _asks_about_another(read, no_topic):
        return memory
    case = _returned_to(memory, read, no_topic)
    if case is not None:
        return _resumed(memory, case)
    return _fresh(memory) if _starts_another(memory, read, no_topic) else memory


def current_case(memory: Memory) -> Case | None:
    """The case of the subject at hand, under the topic it was filed with."""
    if memory.ticket is None:
        return None
    filed = memory.handoff
    label = f"{filed.category}.{filed.subcategory}" if filed and filed.category else memory.label
    return Case(ticket=memory.ticket, label=label, handoff=filed)


def with_case_aside(memory: Memory) -> tuple[Case, ...]:
    """The cases set aside, with the one at hand: what a new case of this conversation leaves behind."""
    case = None if memory.resolved else current_case(memory)
    others = tuple(c for c in memory.set_aside if case is None or c.ticket.id != case.ticket.id)
    return (*others, case)[-_KEPT_CASES:] if case else others


def _stays(read: Understanding) -> bool:
    return read.act in _STAYS and read.acts[read.act] >= _ACT


def _asks_about_another(read: Understanding, no_topic: AbstractSet[str]) -> bool:
    """A question that names its topic beyond doubt is no report of a step, however it is read."""
    sure = read.main.certainty >= _BEYOND_DOUBT and read.main.label not in no_topic
    return sure and read.signs.asks and read.act in ("step_failed", "step_partial")


def _starts_another(memory: Memory, read: Understanding, no_topic: AbstractSet[str]) -> bool:
    case = current_case(memory)
    at_hand = case.label if case else memory.label
    if at_hand is None or len(read.text.split()) < _MIN_WORDS:
        return False
    category = _named(read, no_topic)
    if category is None:
        return False
    if memory.resolved and read.act in ("problem", "question"):
        return True  # what was solved is not reopened by a new report
    adds = read.act == "more_info" and read.acts["more_info"] >= _ACT
    return category != at_hand.partition(".")[0] and not adds


def _returned_to(memory: Memory, read: Understanding, no_topic: AbstractSet[str]) -> Case | None:
    """The case set aside that the message names, or adds to while hardly touching the subject at hand."""
    category = _named(read, no_topic)
    at_hand = (memory.label or "").partition(".")[0]
    if category is not None and category != at_hand:
        return next((c for c in reversed(memory.set_aside) if c.category == category), None)
    adds = read.act == "more_info" and read.acts["more_info"] >= _ACT
    if adds and memory.ticket is None and memory.set_aside and _share(read, at_hand) < _BARELY:
        return memory.set_aside[-1]
    return None


def _named(read: Understanding, no_topic: AbstractSet[str]) -> str | None:
    """The category that the message names, if it names one."""
    if read.main.label in no_topic:
        return None
    category = read.main.label.partition(".")[0]
    told = read.act in ("problem", "question", "more_info")
    return category if _share(read, category) >= (_NAMED if told else _CLEARLY_NAMED) else None


def _share(read: Understanding, category: str) -> float:
    return sum(p for label, p in read.main.labels.items() if label.partition(".")[0] == category)


def _fresh(memory: Memory) -> Memory:
    """What is known of the person stays; what was said and tried for the last subject does not."""
    return Memory(
        turns=memory.turns,
        last_inquiry=memory.last_inquiry,
        language=memory.language,
        clarified=memory.clarified,
        platform=memory.platform,
        location=memory.location,
        frustration=memory.frustration,
        vents=memory.vents,
        probes=memory.probes,
        redactions=memory.redactions,
        seen=memory.seen,
        set_aside=with_case_aside(memory),
    )


def _resumed(memory: Memory, case: Case) -> Memory:
    filed = case.handoff
    aside = tuple(c for c in with_case_aside(memory) if c.ticket.id != case.ticket.id)
    return _fresh(memory).model_copy(
        update={
            "ticket": case.ticket,
            "handoff": filed,
            "label": case.label,
            "set_aside": aside,
            "attempted": filed.attempted_steps if filed else (),
            "error_messages": filed.error_messages if filed else (),
        }
    )
