"""Messages that only make sense after what was said: questions about an answer, anger, pleas. Pure."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from copilot.moves import Move
from copilot.state import Memory
from copilot.understanding.message import Understanding

ABOUT_ANSWER = "about_answer"
"""Reason of a move that explains an answer given before."""
_ACT, _MEANT = 0.5, 0.6
"""Probability of an act, and of one that outweighs a question mark."""
_UNCLEAR, _ITS_OWN_TOPIC = 0.5, 0.8
"""Certainty of a topic that a message names by itself, and that it names although it points back."""
_FEW_WORDS, _HARDLY_ANY_WORDS = 14, 4
_FEW_WORDS_FOR_A_PERSON = 12
_HARDLY_SEEN, _NOT_ITS_TOPIC = 0.6, 0.1
_VAGUE = 0.9
_HALF_A_PLEA, _PLEA_TOPIC, _LIKELY_TOPIC = 0.3, 0.75, 0.5
_OTHER_ACTS = (
    "human", "probe", "off_topic", "case_status", "smalltalk", "came_back", "step_failed", "more_info",
)  # fmt: skip
"""Acts that a question mark alone does not turn into a question about the answer."""
_FIRM_ACTS, _FIRM = ("case_status", "human", "probe"), 0.7
"""Acts that are meant, although the words would point back."""
_REPORTS = ("step_failed", "step_partial", "human", "resolved", "case_status", "more_info")
_MEANS_SOMETHING = (
    "human", "greeting", "thanks", "probe", "case_status", "resolved", "cancel", "smalltalk",
    "came_back", "off_topic",
)  # fmt: skip


def asks_back(memory: Memory, read: Understanding, no_topic: AbstractSet[str]) -> bool:
    """Whether the message asks about the answer or the case before it, and about nothing by itself."""
    said = read.signs
    if not (memory.shown or memory.ticket) or memory.pending is not None or said.unchanged:
        return False
    if said.works_now and "?" not in read.text:
        return False
    firm = read.act in _FIRM_ACTS and read.acts[read.act] >= _FIRM
    points = said.step is not None or ((said.place or said.meaning) and not firm)
    names_topic = not _unclear(read, no_topic, _ITS_OWN_TOPIC if points else _UNCLEAR)
    if len(read.text.split()) > _FEW_WORDS or names_topic:
        return False
    refers = points or read.itself.form == "how_long"
    other_platform = read.platform is not None and read.platform != memory.platform
    return refers or (said.asks and not other_platform and not _is_any(read, _OTHER_ACTS, _MEANT))


def about_answer(memory: Memory, read: Understanding) -> Move | None:
    """A question about what was answered, or about the promise of the open case."""
    if not read.asks_back:
        return None
    if memory.ticket is not None and read.itself.form == "how_long":
        return Move("say", "promise", phrase="promise")
    return Move("answer", ABOUT_ANSWER) if memory.shown else None


def vented(memory: Memory, read: Understanding, no_topic: AbstractSet[str]) -> Move | None:
    """Anger at an answer that reports nothing: a person is offered, and brought the second time."""
    reports = _REPORTS[1:] if memory.vents else _REPORTS  # once offered, a failed step is enough
    if not memory.shown or read.tone != "frustrated" or _is_any(read, reports):
        return None
    if len(read.text.split()) > _FEW_WORDS or not _unclear(read, no_topic):
        return None
    if memory.ticket is not None:
        return Move("update", "more_information")
    return Move("handoff", "frustrated") if memory.vents else Move("say", "vented", phrase="vented")


def says_nothing(
    memory: Memory, read: Understanding, no_topic: AbstractSet[str], topics: tuple[str, ...]
) -> Move | None:
    """A message without any content: one question what it is about, then a person."""
    if memory.shown or memory.ticket is not None or not _empty(read, no_topic):
        return None
    if memory.clarified:
        return Move("handoff", "not_sure")
    return Move("clarify", "no_topic", labels=topics)


def wants_a_person(read: Understanding, person_labels: AbstractSet[str]) -> bool:
    """A plea for a person, also one so misspelt that only its topic is certain."""
    if read.act == "human" and read.acts["human"] >= _ACT:
        return True
    topic = sum(read.itself.labels.get(label, 0.0) for label in person_labels)
    half = read.acts.get("human", 0.0) >= _HALF_A_PLEA
    agreed = topic >= (_LIKELY_TOPIC if read.act == "human" else _PLEA_TOPIC)
    return half and agreed and not read.asks_back and _short_plea(read)


def asks_for_nothing(
    read: Understanding, person_labels: AbstractSet[str], action_labels: Mapping[str, str]
) -> bool:
    """Whether what was seen of requested actions is only an echo of a plea or a question back.

    Said of faint actions alone, whose own topic the message does not touch: "can somebody call me,
    my laptop is stolen" asks for a person and names an incident.
    """
    plea = wants_a_person(read, person_labels) and _short_plea(read)
    about_steps = read.asks_back and (read.signs.step is not None or read.signs.meaning)
    return (plea or about_steps) and all(
        seen.confidence < _HARDLY_SEEN
        and read.itself.labels.get(action_labels.get(seen.action, ""), 0.0) < _NOT_ITS_TOPIC
        for seen in read.actions
    )


def _empty(read: Understanding, no_topic: AbstractSet[str]) -> bool:
    if read.signs.pleads or not any(character.isalpha() for character in read.text):
        return True
    named = max(
        (p for label, p in read.itself.labels.items() if label not in no_topic), default=0.0
    )
    vague = read.signals["ambiguity"] >= _VAGUE and named < _UNCLEAR
    few = len(read.text.split()) <= _HARDLY_ANY_WORDS
    return few and vague and not _is_any(read, _MEANS_SOMETHING)


def _short_plea(read: Understanding) -> bool:
    return len(read.text.split()) <= _FEW_WORDS_FOR_A_PERSON


def _unclear(read: Understanding, no_topic: AbstractSet[str], enough: float = _UNCLEAR) -> bool:
    return read.itself.certainty < enough or read.itself.label in no_topic


def _is_any(read: Understanding, acts: tuple[str, ...], enough: float = _ACT) -> bool:
    return read.act in acts and read.acts[read.act] >= enough
