"""Replies as messages of Slack. Pure: a reply in, messages out."""

from dataclasses import dataclass
from datetime import datetime

from copilot.conversation import Handoff, Reply
from integrations.shown.moments import day, moment
from integrations.shown.replies import (
    Source,
    facts_of,
    missing_words,
    sources_of,
    text_without_sources,
)
from integrations.slack.message import (
    Block,
    Message,
    actions,
    button,
    context,
    escaped,
    parts,
    plain,
    section,
)

FIXED, STUCK, HUMAN = "fixed", "still_stuck", "talk_to_human"
GOOD, BAD, SHARE, ADD_LINE, CHOICE = "good_answer", "bad_answer", "share", "add_line", "choice"
FINE, BROKEN, NO_FOLLOW_UP = "still_fine", "broken_again", "no_follow_up"

LABELS = {
    FIXED: "This fixed it",
    STUCK: "Still stuck",
    HUMAN: "Talk to a human",
    GOOD: "It was good",
    BAD: "It was not good",
    FINE: "Still fine",
    BROKEN: "It is broken again",
    NO_FOLLOW_UP: "Don't ask me again",
}
_SURE, _FAIRLY = 0.85, 0.6
_PREVIEW_CHARS = 600
_REASONS = {
    "not_sure": "I was not sure enough to answer this myself.",
    "steps_failed": "What I suggested did not help.",
    "human_requested": "You asked for a person.",
    "frustrated": "You have spent enough time on this.",
    "came_back": "The problem came back.",
    "unread_language": "I could not read the message well enough.",
    "more_information": "It belongs to your open case.",
    "outage": "Something on our side is not working.",
}
_BY_PEOPLE = "A request like this is decided by people."


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known of the message that a reply answers."""

    talk: str
    """Id of the conversation."""
    lane: str
    """Where taps on the reply are worked on, after what was said before."""
    is_brief: bool = False
    """For somebody in a hurry or upset: what to do, and nothing around it."""
    unread_files: tuple[str, ...] = ()
    pickup: datetime | None = None
    """When the ticket is due to be picked up."""
    shareable: bool = False


def messages_of(reply: Reply, asking: Asking) -> list[Message]:
    """A reply as one message, or several where it is long; the last carries sources and buttons."""
    text = _brief(reply) if asking.is_brief else text_without_sources(reply)
    if asking.unread_files:
        text = f"{text}\n{_about_files(asking.unread_files, reply)}"
    pieces = parts(text)
    last = plain(pieces[-1], *_below(reply, asking))
    return [*map(plain, pieces[:-1]), last]


def settled(reply: Reply, asking: Asking, verdict: str) -> Message:
    """The last message of a reply after a tap: no buttons of the outcome, but what was said."""
    piece = parts(_brief(reply) if asking.is_brief else text_without_sources(reply))[-1]
    told = context(f"You said: *{LABELS[verdict]}*")
    return plain(piece, *_sources(reply), told)


def was_it_good(reply: Reply, asking: Asking) -> Message:
    """The second question, which has nothing to do with whether the problem is gone."""
    buttons = actions(
        asking.lane,
        button(GOOD, LABELS[GOOD], reply.inquiry_id),
        button(BAD, LABELS[BAD], reply.inquiry_id),
    )
    return Message("Was the answer good?", (section("Was the answer good?"), buttons))


def shared(reply: Reply) -> Message:
    """An answer that its reader chose to show to everybody: without the case behind it."""
    return plain(text_without_sources(reply), *_sources(reply), context(_LABEL))


def follow_up(talk: str, lane: str, inquiry: str, title: str) -> Message:
    """Days later: one tap, and silence stays unknown."""
    asked = f"A while ago: {title}. Is it still fine?"
    buttons = actions(
        lane,
        button(FINE, LABELS[FINE], inquiry),
        button(BROKEN, LABELS[BROKEN], inquiry),
        button(NO_FOLLOW_UP, LABELS[NO_FOLLOW_UP], talk),
    )
    return plain(asked, buttons, context(_LABEL))


def check_in(lane: str, inquiry: str) -> Message:
    """Soon after an answer to somebody in a hurry."""
    return plain(
        "Is it working now?",
        actions(
            lane,
            button(FIXED, LABELS[FIXED], inquiry, style="primary"),
            button(STUCK, LABELS[STUCK], inquiry),
            button(HUMAN, LABELS[HUMAN], inquiry),
        ),
    )


def why(reply: Reply) -> str:
    """One plain sentence: why a person has the case."""
    if reply.policy.effect == "escalate" and reply.policy.reason:
        return f"{reply.policy.reason.split('. ')[0].rstrip('.')}."
    code = reply.handoff.reason_code if reply.handoff else ""
    return _REASONS.get(code, _BY_PEOPLE)


def _below(reply: Reply, asking: Asking) -> list[Block]:
    below = _sources(reply)
    if reply.handoff is not None:
        below += _handed_over(reply, reply.handoff, asking)
    elif reply.disposition == "answer" and reply.citations:
        below.append(context(_confidence(reply.confidence)))
    if reply.choices:
        below += _choices(reply, asking)
    if buttons := _buttons(reply, asking):
        below.append(actions(asking.lane, *buttons))
    below.append(context(_LABEL))
    return below


_LABEL = ":robot_face: IT copilot, an automated answer"


def _buttons(reply: Reply, asking: Asking) -> list[Block]:
    found: list[Block] = []
    if reply.disposition in ("answer", "escalate") and reply.resolved is not True:
        found.append(button(FIXED, LABELS[FIXED], reply.inquiry_id, style="primary"))
    if reply.disposition == "answer" and reply.resolved is not True:
        found.append(button(STUCK, LABELS[STUCK], reply.inquiry_id))
    if reply.ticket is not None and reply.handoff is not None:
        found.append(button(ADD_LINE, "Add a line", f"{asking.talk}|{reply.ticket.id}"))
    if reply.handoff is None and reply.resolved is not True:
        found.append(button(HUMAN, LABELS[HUMAN], reply.inquiry_id))
    if asking.shareable and reply.disposition == "answer" and reply.handoff is None:
        found.append(button(SHARE, "Share with the channel", reply.inquiry_id))
    return found


def _choices(reply: Reply, asking: Asking) -> list[Block]:
    """What a clarifying question offers, as buttons; a tap says the choice's own words."""
    chosen = [
        button(f"{CHOICE}_{number}", choice, f"{reply.inquiry_id}|{choice[:200]}")
        for number, choice in enumerate(reply.choices[:10])
    ]
    return [{**actions(asking.lane, *chosen), "block_id": f"choices|{asking.lane}"}]


def _handed_over(reply: Reply, handoff: Handoff, asking: Asking) -> list[Block]:
    ticket = f"*{escaped(reply.ticket.id)}*" if reply.ticket else "a case that is being opened"
    picked = f" · picked up by {moment(asking.pickup)}" if asking.pickup else ""
    who = f"*{escaped(handoff.queue)}* has it: {ticket} · priority {handoff.priority}{picked}"
    return [
        section(f"{who}\n_Why:_ {escaped(why(reply))}"),
        {"type": "divider"},
        context("*What they were sent*", *_preview(handoff)),
    ]


def _preview(handoff: Handoff) -> list[str]:
    steps = [f"{step.step} ({step.outcome})" for step in handoff.attempted_steps]
    lines = [escaped(handoff.summary[:_PREVIEW_CHARS]), *known_facts(handoff)]
    if steps:
        lines.append(f"_Tried:_ {escaped('; '.join(steps)[:_PREVIEW_CHARS])}")
    lines += errors_and_gaps(handoff)
    if handoff.redactions:
        lines.append(f"_Taken out of your words:_ {handoff.redactions} (secrets, personal data)")
    return lines


def known_facts(handoff: Handoff) -> list[str]:
    """What is known of the environment, as one line or none."""
    facts = [f"{name}: {value}" for name, value in facts_of(handoff) if value is not None]
    return [f"_Known:_ {escaped(', '.join(facts))}"] if facts else []


def errors_and_gaps(handoff: Handoff) -> list[str]:
    """The error messages, and what is not known: a line each, where there are any."""
    lines = []
    if handoff.error_messages:
        lines.append(f"_Errors:_ {escaped('; '.join(handoff.error_messages)[:_PREVIEW_CHARS])}")
    if handoff.missing:
        lines.append(f"_Not known:_ {escaped(', '.join(missing_words(handoff.missing)))}")
    return lines


def _sources(reply: Reply) -> list[Block]:
    found = sources_of(reply.citations)
    return [context(*map(_source, found[:10]))] if found else []


def _source(source: Source) -> str:
    title = escaped(source.title)
    return f":page_facing_up: *{title}* ({escaped(source.article_id)}, reviewed {day(source.reviewed_on)})"


def _confidence(share: float) -> str:
    if share >= _SURE:
        return "I am confident that this fits."
    return (
        "I am fairly sure that this fits." if share >= _FAIRLY else "I am not certain; check first."
    )


def _brief(reply: Reply) -> str:
    """The first words and the numbered steps: no list of causes, no remarks around."""
    lines = [line for line in text_without_sources(reply).splitlines() if line.strip()]
    steps = [line for line in lines if line.lstrip()[:1].isdigit()]
    if reply.handoff is not None or not steps:
        return "\n".join(lines)
    kept = [lines[0]] if not lines[0].lstrip()[:1].isdigit() else []
    return "\n".join([*kept, *steps, lines[-1]] if lines[-1] not in steps else [*kept, *steps])


def _about_files(files: tuple[str, ...], reply: Reply) -> str:
    names = ", ".join(files)
    if reply.ticket is not None:
        return f"I can't read screenshots or files; I attached the link to your case: {names}."
    return f"I can't read screenshots or files ({names}). Please type the words of the error here."
