"""What tier 2 sees in its channel: a card for each handoff, and the modals that its buttons open. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from copilot.conversation import Handoff, Reply
from integrations.shown.moments import moment
from integrations.shown.replies import status_words
from integrations.slack.answers import errors_and_gaps, known_facts, why
from integrations.slack.message import (
    Block,
    Message,
    actions,
    button,
    context,
    escaped,
    menu,
    plain,
    section,
)
from integrations.tickets.ratings import VERDICTS
from integrations.tickets.view import TicketLine, TicketView

CLAIM, ASK, RESOLVE, REASSIGN, RATE, GIVE_BACK = (
    "claim", "ask_employee", "resolve", "reassign", "rate", "give_back",
)  # fmt: skip
ADD_MODAL, ASK_MODAL, RESOLVE_MODAL, REASSIGN_MODAL, MISSING_MODAL = (
    "add_line_modal", "ask_modal", "resolve_modal", "reassign_modal", "missing_modal",
)  # fmt: skip
MISSING = "missing"
_MARKS = {"P1": ":rotating_light:", "P2": ":large_orange_circle:"}
_MODALS: Mapping[str, tuple[str, str, str, str]] = {
    # modal: (title, what to type, hint, button)
    ADD_MODAL: (
        "Add to your case",
        "What should they know?",
        "It is sent to the people who have the case.",
        "Add",
    ),
    ASK_MODAL: (
        "Ask the employee",
        "Your question",
        "It is shown in their conversation with your name.",
        "Ask",
    ),
    RESOLVE_MODAL: ("Resolve the case", "What solved it?", "The employee reads this.", "Resolve"),
    MISSING_MODAL: (
        "What was missing?",
        "What should the handoff have said?",
        "It goes into the benchmark.",
        "Save",
    ),
}


def card(view: TicketView, reply: Reply | None, *, agent: str | None, asker: str) -> Message:
    """A handoff as tier 2 reads it, with what can be done about it now."""
    line, handoff = view.line, view.handoff
    head = f"{_MARKS.get(line.priority, ':ticket:')} *{escaped(line.id)}* · {line.priority} · {escaped(line.queue)}"
    state = f"{status_words(line.status)}{f' · {escaped(agent)} has it' if agent else ''}"
    blocks: list[Block] = [
        section(f"{head}\nFrom *{escaped(asker)}* · due {moment(line.due_at)} · {state}"),
        *plain(handoff.summary).blocks,
        context(*_facts(handoff)),
    ]
    if reply is not None:
        blocks.append(context(f"_Why:_ {escaped(why(reply))}"))
    if handoff.suggested_next_step:
        blocks.append(context(f"_Suggested:_ {escaped(handoff.suggested_next_step)}"))
    lane = f"ticket:{line.id}"
    blocks.append(actions(lane, *_deeds(line, agent)))
    rating = menu(
        RATE, "Rate this handoff", [(f"{line.id}|{key}", shown) for key, shown in VERDICTS.items()]
    )
    blocks.append({**actions(lane, rating), "block_id": f"rating|{lane}"})
    return Message(
        f"{line.id} {line.priority} for {line.queue}: {escaped(handoff.summary)[:300]}",
        tuple(blocks),
    )


def modal(name: str, about: str, queues: Sequence[str] = ()) -> Block:
    """The view that a button opens; `about` comes back with it."""
    if name == REASSIGN_MODAL:
        return _view(name, about, ("Reassign", "Move"), _queues(queues))
    title, label, hint, button_label = _MODALS[name]
    typed = {
        "type": "input",
        "block_id": "said",
        "label": {"type": "plain_text", "text": label},
        "hint": {"type": "plain_text", "text": hint},
        "element": {
            "type": "plain_text_input", "action_id": "said", "multiline": True, "max_length": 3000,
        },
    }  # fmt: skip
    return _view(name, about, (title, button_label), typed)


MODAL_OF = {ASK: ASK_MODAL, RESOLVE: RESOLVE_MODAL, REASSIGN: REASSIGN_MODAL}
"""The modal that each button of a card opens."""


def human_says(name: str, words: str) -> Message:
    """What an agent says to an employee, labelled as a person's words."""
    return plain(words, context(f":bust_in_silhouette: *{escaped(name)}*, IT"))


def progress(words: str) -> Message:
    """What happened to a case."""
    return plain(words, context(":ticket: Progress of your case"))


def _deeds(line: TicketLine, agent: str | None) -> Iterable[Block]:
    ticket = line.id
    if line.is_closed:
        return [button(GIVE_BACK, "Open again", ticket)]
    first = (
        button(GIVE_BACK, "Hand back to the copilot", ticket)
        if agent
        else button(CLAIM, "Claim", ticket, style="primary")
    )
    return [
        first,
        button(ASK, "Ask the employee", ticket),
        button(RESOLVE, "Resolve", ticket),
        button(REASSIGN, "Reassign", ticket),
    ]


def _facts(handoff: Handoff) -> list[str]:
    tried = [
        f"_Tried:_ {escaped(step.step)[:300]} ({step.outcome}, {step.source.replace('_', ' ')})"
        for step in handoff.attempted_steps[:4]
    ]
    sure = f"_Confidence:_ {handoff.confidence:.2f} · redacted: {handoff.redactions}"
    return [*known_facts(handoff), *tried, *errors_and_gaps(handoff), sure]


def _view(name: str, about: str, words: tuple[str, str], *blocks: Block) -> Block:
    title, submit = words
    return {
        "type": "modal",
        "callback_id": name,
        "private_metadata": about,
        "title": {"type": "plain_text", "text": title[:24]},
        "submit": {"type": "plain_text", "text": submit},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": list(blocks),
    }


def _queues(queues: Sequence[str]) -> Block:
    return {
        "type": "input",
        "block_id": "queue",
        "label": {"type": "plain_text", "text": "Queue"},
        "element": menu("queue", "Choose a queue", [(queue, queue) for queue in queues]),
    }
