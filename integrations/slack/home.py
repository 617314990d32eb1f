"""App Home: a person's cases and what became of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.shown.moments import due, moment
from integrations.shown.replies import status_words
from integrations.slack.message import Block, button, context, escaped, section
from integrations.tickets.view import TicketLine

FOLLOW_UPS_ON, FOLLOW_UPS_OFF, MY_DATA = "follow_ups_on", "follow_ups_off", "my_data"
_MOST = 12


@dataclass(frozen=True, slots=True)
class Past:
    """A conversation as the list shows it."""

    title: str
    at: datetime
    state: str
    ticket: TicketLine | None = None
    agent: str | None = None


def home_view(name: str, past: Sequence[Past], now: datetime, *, follow_up: bool) -> Block:
    """The Home tab of one person."""
    open_cases = [(each, each.ticket) for each in past if each.ticket and not each.ticket.is_closed]
    others = [each for each in past if not each.ticket or each.ticket.is_closed]
    blocks: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"Hello {name}"[:150]}},
        section(
            "Ask in the *Messages* tab, mention me in a channel, or type `/it` and your question."
        ),
        {"type": "divider"},
        {"type": "header", "text": {"type": "plain_text", "text": "My cases"}},
    ]
    blocks += [_case(each, ticket, now) for each, ticket in open_cases[:_MOST]] or [
        section("You have no open case.")
    ]
    if others:
        blocks.append({"type": "header", "text": {"type": "plain_text", "text": "Earlier"}})
        blocks += [_line(each) for each in others[:_MOST]]
    blocks += [{"type": "divider"}, _choices(follow_up=follow_up), context(_ABOUT)]
    return {"type": "home", "blocks": blocks}


_ABOUT = "What you write is kept without secrets. `/it show my data` and `/it forget me` do what they say."


def _case(past: Past, ticket: TicketLine, now: datetime) -> Block:
    who = (
        f"{escaped(past.agent)} of {escaped(ticket.queue)}" if past.agent else escaped(ticket.queue)
    )
    return section(
        f":ticket: *{escaped(ticket.id)}* {escaped(past.title)}\n"
        f"With {who} · {status_words(ticket.status)} · pick-up {due(ticket.due_at, now)}\n"
        f"The copilot: {escaped(past.state)}"
    )


def _line(past: Past) -> Block:
    return section(f"*{escaped(past.title)}*\n{moment(past.at)} · {escaped(past.state)}")


def _choices(*, follow_up: bool) -> Block:
    toggle = (
        button(FOLLOW_UPS_OFF, "Don't ask me later whether it still works", "off")
        if follow_up
        else button(FOLLOW_UPS_ON, "Ask me later whether it still works", "on")
    )
    return {
        "type": "actions",
        "block_id": "home",
        "elements": [toggle, button(MY_DATA, "Show my data", "me")],
    }
