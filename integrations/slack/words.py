"""What people type in Slack as plain words, and the few things that are commands. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from copilot.people import Person
from integrations.slack.people import Visitor

_LINK = re.compile(r"<(https?://[^|>]+|mailto:[^|>]+)(?:\|([^>]*))?>")
_USER = re.compile(r"<@([A-Z0-9]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|([^>]*))?>")
_SPECIAL = re.compile(r"<!(?:subteam\^\w+\|)?@?([a-z]+)[^>]*>")

Wish = Literal["forget", "data", "cases", "help", "quiet", "ask_later"]
_WISHES: Mapping[str, Wish] = {
    "forget me": "forget",
    "delete my data": "forget",
    "show my data": "data",
    "show me my data": "data",
    "my data": "data",
    "my cases": "cases",
    "cases": "cases",
    "help": "help",
    "stop asking me": "quiet",
    "no follow-ups": "quiet",
    "no follow ups": "quiet",
    "ask me later": "ask_later",
}
_REFUSALS = {
    "guest": "I only help employees, and this account is a guest here. Please ask the person who invited you.",
    "other_company": "I only help employees of this company. Please ask your own IT department.",
    "unknown": "I can't find you in our directory by the e-mail address of this account, so I can't help here.",
    "inactive": "Your account is not active in our directory, so I can't help here.",
}


def plain_words(text: str, bot: str) -> str:
    """The words without Slack's markup, and without the mention that called the copilot."""
    without = re.sub(rf"<@{re.escape(bot)}(?:\|[^>]*)?>[,:]?", " ", text)
    without = _USER.sub(lambda found: f"@{found[2] or 'someone'}", without)
    without = _CHANNEL.sub(lambda found: f"#{found[1] or 'channel'}", without)
    without = _LINK.sub(_shown_link, without)
    without = _SPECIAL.sub(lambda found: f"@{found[1]}", without)
    for sign, meant in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        without = without.replace(sign, meant)
    return without.strip()


def wish_of(text: str) -> Wish | None:
    """The command that a message is, if it is nothing else."""
    return _WISHES.get(" ".join(text.casefold().strip(" .!?").split()))


def refusal(visitor: Visitor, hotline: str) -> str:
    """Why somebody is not served, and whom to call. Nothing about anybody else."""
    said = _REFUSALS.get(visitor.why, _REFUSALS["unknown"])
    return f"{said} For urgent security matters: {hotline}" if hotline else said


def prompts(person: Person, open_case: str | None, examples: Sequence[str]) -> list[dict[str, str]]:
    """What to suggest: the person's own state first."""
    found: list[dict[str, str]] = []
    if open_case is not None:
        found.append(
            {"title": f"How is {open_case} doing?", "message": "What is the status of my case?"}
        )
    computer = person.computer
    if computer is not None and computer.compliant is False:
        asked = "My laptop is shown as not compliant. What do I do?"
        found.append({"title": "My laptop is not compliant", "message": asked})
    if person.location == "travelling":
        asked = "I am travelling. Does the VPN work from abroad?"
        found.append({"title": "VPN while travelling", "message": asked})
    found += [{"title": example[:60], "message": example} for example in examples]
    return found[:4]


def history_of(
    messages: Sequence[Mapping[str, Any]], before: str, bot: str
) -> list[tuple[str, str, str]]:
    """Who said what and when in a thread before a message: (user, ts, words), oldest first."""
    earlier = [
        m for m in messages if str(m.get("ts")) < before and m.get("text") and not m.get("bot_id")
    ]
    return [
        (str(m.get("user") or ""), str(m["ts"]), plain_words(str(m["text"]), bot))
        for m in earlier[-20:]
    ]


def _shown_link(found: "re.Match[str]") -> str:
    address, label = found[1], found[2]
    if address.startswith("mailto:"):
        return label or address.removeprefix("mailto:")
    return address if not label or label in address else f"{label} ({address})"


def time_of(ts: str) -> datetime | None:
    """The moment of a message's number; `None` for what is none."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None
