"""The client of the simulated Slack as HTML: what one person sees of the workspace. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from integrations.sandbox.slack.blocks_html import (
    blocks_html,
    emoji,
    has_controls,
    mrkdwn,
    plain_text,
)
from integrations.sandbox.slack.workspace import Channel, Message, View, Workspace

HOME, MESSAGES = "home", "messages"
"""The two tabs of the app; any other place is a channel."""
_COLOURS = 6
_TITLE_CHARS = 70
_STATES = {
    "processing": "Working",
    "active": "Active",
    "suspended": "With people",
    "closed": "Closed",
}


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks, and where."""

    space: Workspace
    user: str
    place: str
    unread: frozenset[str] = frozenset()
    """Places with something new."""

    @property
    def channel(self) -> Channel:
        """Where messages of this place are; those of the app's tabs are in its conversation."""
        if self.place in (HOME, MESSAGES):
            return self.space.direct(self.user)
        return self.space.channels[self.place]

    @property
    def names(self) -> Mapping[str, str]:
        return {user.id: user.name for user in self.space.users.values()}

    def rooms(self) -> list[Channel]:
        """The channels that the person is a member of."""
        return [
            each
            for each in self.space.channels.values()
            if each.kind != "im" and self.user in each.members
        ]

    def address(self, place: str) -> str:
        return f"/?as={escape(self.user)}&amp;in={escape(place)}"


def document(look: Look) -> str:
    """The whole page."""
    title = escape(_title(look))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · simulated Slack</title>
<link rel="icon" href="/page/page.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/page.css">
<script src="/page/page.js" defer></script>
</head>
<body data-as="{escape(look.user)}" data-in="{escape(look.place)}">
<a class="skip" href="#talk">Skip to the conversation</a>
<header class="side">
<p class="brand">Simulated Slack</p>
{_person(look)}
<nav aria-label="Places"><ul id="places">{_places(look)}</ul></nav>
</header>
<main>
<div class="top"><h1>{title}</h1>{_tabs(look)}</div>
<p id="notice" role="alert"></p>
<noscript><p class="note">This page needs JavaScript: it asks for news every second.</p></noscript>
<div id="talk" class="{"home" if look.place == HOME else "talk"}" tabindex="0" {_role(look)}>{_talk(look)}</div>
{_below(look)}
</main>
<div id="modal">{_modal(look)}</div>
</body>
</html>
"""


def fragment(look: Look) -> str:
    """The parts that change, each under the id that it has on the page."""
    prompts = f'<div id="prompts">{_prompts(look)}</div>'
    return (
        f'<ul id="places">{_places(look)}</ul><div id="talk">{_talk(look)}</div>'
        f'{prompts}<div id="modal">{_modal(look)}</div>'
    )


def _title(look: Look) -> str:
    name = look.channel.name
    return f"#{name}" if name else look.names[look.space.bot]


def _role(look: Look) -> str:
    return 'aria-label="Home"' if look.place == HOME else 'role="log" aria-label="Conversation"'


def _person(look: Look) -> str:
    options = "".join(
        f'<option value="{escape(each.id)}"{" selected" if each.id == look.user else ""}>{escape(each.name)}</option>'
        for each in look.space.users.values()
        if not each.is_bot
    )
    return (
        f'<form class="who" action="/" method="get"><label for="as">I am</label><select id="as" name="as">{options}</select>'
        f'<input type="hidden" name="in" value="{escape(look.place)}"><button class="button">Switch</button></form>'
    )


def _places(look: Look) -> str:
    app = look.names[look.space.bot]
    shown = [_place(look, MESSAGES, app, emoji("robot_face"))]
    shown += [_place(look, room.id, room.name, '<span aria-hidden="true">#</span>') for room in look.rooms()]  # fmt: skip
    return "".join(shown)


def _place(look: Look, place: str, name: str, mark: str) -> str:
    is_here = look.place == place or (place == MESSAGES and look.place == HOME)
    here = ' aria-current="page"' if is_here else ""
    is_new = place in look.unread
    new = '<span class="new">new</span>' if is_new else ""
    return (
        f'<li id="place-{escape(place)}"><a href="{look.address(place)}"{here}{" class=unread" if is_new else ""}>'
        f"{mark} {escape(name)}{new}</a></li>"
    )


def _tabs(look: Look) -> str:
    if look.place not in (HOME, MESSAGES):
        return f'<p class="fine">{len(look.channel.members)} members</p>'
    tabs = "".join(
        f'<a href="{look.address(place)}"{" aria-current=page" if look.place == place else ""}>{name}</a>'
        for place, name in ((MESSAGES, "Messages"), (HOME, "Home"))
    )
    return f'<nav class="tabs" aria-label="Tabs of the app">{tabs}</nav>'


def _below(look: Look) -> str:
    if look.place == HOME:
        return '<div id="prompts"></div>'
    app = escape(look.names[look.space.bot])
    to = app if look.place == MESSAGES else f"#{escape(look.channel.name)}"
    called = "" if look.place == MESSAGES else f" <code>@{app}</code> asks it in this channel."
    return (
        f'<div class="below"><div id="prompts">{_prompts(look)}</div>'
        f'<form class="write" action="/page/say" method="post"><label class="unseen" for="composer">Message to {to}</label>'
        f'<textarea id="composer" name="text" rows="1" maxlength="12000" required '
        f'placeholder="Message {to}"></textarea><button class="button primary">Send</button></form>'
        '<p class="fine">Enter sends, Shift+Enter makes a new line. <code>/it help</code> is a command.'
        f"{called}</p></div>"
    )


def _prompts(look: Look) -> str:
    if look.place != MESSAGES:
        return ""
    buttons = "".join(
        f'<button class="button" name="text" value="{escape(each["message"])}">{escape(each["title"])}</button>'
        for each in look.space.prompts.get(look.channel.id, ())
    )
    if not buttons:
        return ""
    return f'<form id="prompt-form" class="prompts" action="/page/say" method="post" aria-label="Suggestions">{buttons}</form>'


def _modal(look: Look) -> str:
    found = [view for view in look.space.views.values() if view.user == look.user]
    return _dialog(look, found[-1]) if found else ""


def _dialog(look: Look, open_view: View) -> str:
    view, name = open_view.view, escape(open_view.id)
    submit = (
        f'<button class="button primary">{plain_text(view["submit"])}</button>'
        if view.get("submit")
        else ""
    )
    return (
        f'<dialog id="view-{name}" aria-labelledby="view-{name}-title"><form action="/page/submit" method="post">'
        f'<h2 id="view-{name}-title">{plain_text(view.get("title"))}</h2>{blocks_html(view["blocks"], look.names)}'
        f'<p class="notice" role="alert"></p><div class="actions end">'
        f'<button class="button" formnovalidate formaction="/page/dismiss">{plain_text(view.get("close")) or "Cancel"}</button>'
        f"{submit}</div></form></dialog>"
    )


# ---- what was said


def _talk(look: Look) -> str:
    if look.place == HOME:
        return _home(look)
    seen = look.space.seen_by(look.user, look.channel.id)
    roots = {message.ts for message in seen}
    threads: dict[str, list[Message]] = {}
    for message in seen:
        root = message.thread_ts if message.thread_ts in roots else None
        threads.setdefault(root or message.ts, []).append(message)
    return "".join(_thread(look, root, said) for root, said in threads.items()) or _empty(look)


def _empty(look: Look) -> str:
    words = (
        "Describe what does not work, in your own words. Every message here starts a conversation of its own."
        if look.place == MESSAGES
        else "Nobody has said anything here yet."
    )
    return f'<p id="empty" class="note">{words}</p>'


def _home(look: Look) -> str:
    view = look.space.homes.get(look.user)
    if view is None:
        return '<p id="empty" class="note">The app has not shown a home to this person yet.</p>'
    blocks = blocks_html(view["blocks"], look.names)
    return (
        f'<form id="home-view" class="blocks" action="/page/tap_home" method="post">{blocks}</form>'
    )


def _thread(look: Look, root: str, said: Sequence[Message]) -> str:
    first, replies = said[0], said[1:]
    session = look.space.sessions.get((look.channel.id, root), {})
    status = look.space.statuses.get((look.channel.id, root), "")
    name = session.get("title") or first.text[:_TITLE_CHARS]
    below = "".join(_message(look, each) for each in replies)
    if status:
        below += f'<p class="status" role="status">{escape(look.names[look.space.bot])} {escape(status)}</p>'
    if not first.only_for:
        below += _answering(look, root, has_replies=bool(replies))
    return (
        f'<article id="thread-{root}" class="thread" tabindex="-1" aria-label="Thread: {escape(name)}">'
        f'{_headline(session, root)}{_message(look, first)}<div class="replies">{below}</div></article>'
    )


def _headline(session: Mapping[str, str], root: str) -> str:
    status = session.get("status", "")
    if not status:
        return ""
    title = f"<h2>{escape(session['title'])}</h2>" if session.get("title") else ""
    stop = (
        f'<form action="/page/stop" method="post"><input type="hidden" name="thread" value="{root}">'
        f'<button class="button small">Stop</button></form>'
        if status == "processing"
        else ""
    )
    state = f'<span class="state {escape(status)}">{_STATES.get(status, escape(status))}</span>'
    return f'<header class="headline">{title}{state}{stop}</header>'


def _answering(look: Look, root: str, *, has_replies: bool) -> str:
    is_open = " open" if has_replies or look.place == MESSAGES else ""
    return (
        f'<details class="answering" data-keep="answering-{root}"{is_open}><summary>Reply in thread</summary>'
        f'<form class="write" action="/page/say" method="post"><input type="hidden" name="thread" value="{root}">'
        f'<label class="unseen" for="reply-{root}">Reply in this thread</label>'
        f'<textarea id="reply-{root}" name="text" rows="1" maxlength="12000" required placeholder="Reply…"></textarea>'
        '<button class="button">Reply</button></form></details>'
    )


def _message(look: Look, message: Message) -> str:
    author = look.space.users[message.user]
    app = '<span class="badge">APP</span>' if author.is_bot else ""
    edited = '<span class="fine">(edited)</span>' if message.edited else ""
    only = '<p class="only">Only visible to you</p>' if message.only_for else ""
    return (
        f'<div class="message{" whisper" if message.only_for else ""}">{_avatar(author.name, is_bot=author.is_bot)}'
        f'<div class="said">{only}<p class="by"><b>{escape(author.name)}</b>{app}{_time(look, message.ts)}{edited}</p>'
        f"{_content(look, message)}{_reactions(message)}</div>{_menu(message)}</div>"
    )


def _content(look: Look, message: Message) -> str:
    if not message.blocks:
        files = "".join(f'<p class="context">File: {escape(f.get("name", "file"))}</p>' for f in message.files)  # fmt: skip
        return f'<div class="blocks"><p>{mrkdwn(message.text, look.names)}</p>{files}</div>'
    inner = blocks_html(message.blocks, look.names)
    if not has_controls(message.blocks):
        return f'<div class="blocks">{inner}</div>'
    return (
        f'<form class="blocks" action="/page/tap" method="post"><input type="hidden" name="ts" value="{message.ts}">'
        f"{inner}</form>"
    )


def _reactions(message: Message) -> str:
    shown = "".join(f"<span>{emoji(name)} {len(who)}</span>" for name, who in message.reactions.items())  # fmt: skip
    return f'<p class="context">{shown}</p>' if shown else ""


def _menu(message: Message) -> str:
    if message.only_for:
        return ""
    return (
        f'<details class="more" data-keep="more-{message.ts}"><summary aria-label="More actions">'
        '<span aria-hidden="true">⋯</span></summary><form action="/page/shortcut" method="post">'
        f'<input type="hidden" name="ts" value="{message.ts}">'
        '<button class="button">Get IT help with this message</button></form></details>'
    )


def _avatar(name: str, *, is_bot: bool) -> str:
    inner = emoji("robot_face") if is_bot else escape(name[:1])
    colour = "bot" if is_bot else f"colour-{sum(map(ord, name)) % _COLOURS}"
    return f'<span class="avatar {colour}" aria-hidden="true">{inner}</span>'


def _time(look: Look, ts: str) -> str:
    at = datetime.fromtimestamp(float(ts), ZoneInfo(look.space.users[look.user].timezone))
    return f'<time datetime="{at.isoformat(timespec="seconds")}" title="{at:%d %B %Y, %H:%M}">{at:%H:%M}</time>'
