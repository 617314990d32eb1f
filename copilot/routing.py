"""Where a turn goes next, and which of a message's questions may be looked up. Pure, from the state alone."""

from copilot.state import Memory, TurnState
from copilot.understanding.message import Question, Understanding


def after_gate(state: TurnState) -> str:
    if state["move"].resolved and memory_of(state).ticket is not None:
        return "hand_off"
    return "reply" if state["move"].kind in ("say", "decline", "clarify") else "recall"


def after_recall(state: TurnState) -> str:
    answers = state["move"].kind == "answer" or (
        state["decision"].effect == "escalate" and harmless(state["understanding"], state)
    )
    return "write" if answers else "hand_off"


def after_check(state: TurnState) -> str:
    return "reply" if state["move"].kind in ("answer", "clarify", "decline") else "hand_off"


def questions(state: TurnState) -> tuple[Question, ...]:
    """What is to be looked up: the parts of a message with several, without its privileged parts."""
    read = state["understanding"]
    if state["decision"].effect == "escalate":
        return harmless(read, state) or (read.main,)
    return read.questions[1:] or read.questions


def harmless(read: Understanding, state: TurnState) -> tuple[Question, ...]:
    """The parts of a mixed message in which nothing was seen that people must decide.

    Where it is only seen in the message as a whole, no part of it is known to be harmless. An
    incident comes before everything else: its safe steps, and nothing more.
    """
    if any(ruling.safe_steps for ruling in state["decision"].rulings):
        return ()
    ruled = {ruling.action for ruling in state["decision"].rulings if ruling.effect != "permit"}
    told = {seen.segment for seen in read.actions if seen.action in ruled}
    if read.text in told and not read.suspect:
        return ()
    if any(seen.seen_by == "model" for seen in read.actions if seen.action in ruled):
        return ()  # a model does not say in which part it saw the action
    asking = told - {read.text}
    return tuple(
        part
        for part in read.questions[1:]
        if part.text not in read.suspect and not any(part.text in text for text in asking)
    )


def memory_of(state: TurnState) -> Memory:
    return state.get("memory") or Memory()
