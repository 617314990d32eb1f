"""The simulated Slack in a browser: pages, and what a person does on them.

It is for this machine alone: other hosts are refused, and so are forms of other sites.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from integrations.sandbox.slack.blocks_html import MENU
from integrations.sandbox.slack.delivery import Delivery
from integrations.sandbox.slack.page_html import HOME, MESSAGES, Look, document, fragment
from integrations.sandbox.slack.simulator import Simulator, account
from integrations.sandbox.slack.workspace import Message

SHORTCUT = "get_it_help"
FIRST_PERSON = account("dana.reed")
_COMMAND = "/it"
_OK = 200
_MOST_CHARS = 12_000
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ASSETS = {"page.css": "text/css", "page.js": "text/javascript", "page.svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does on the page."""

    simulator: Simulator
    look: Look
    fields: Mapping[str, str]

    @property
    def user(self) -> str:
        return self.look.user

    @property
    def channel(self) -> str:
        return self.look.channel.id

    def message(self) -> Message:
        """The message that it is about, if the person sees it."""
        ts = self.fields.get("ts")
        seen = self.simulator.seen(self.user, self.channel)
        found = next((message for message in seen if message.ts == ts), None)
        if found is None:
            raise web.HTTPNotFound(text="This message is gone.")
        return found


def page_routes(simulator: Simulator) -> list[web.RouteDef]:
    """The page on the server of the simulator."""
    pages = _Pages(simulator)
    return [
        web.get("/", _guarded(pages.index)),
        web.get("/page/fragment", _guarded(pages.fragment)),
        web.get("/page/{asset:page\\.[a-z]+}", _guarded(pages.asset)),
        web.post("/page/{deed}", _guarded(pages.deed)),
    ]


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        refusal = _refusal(request)
        answer = refusal if refusal is not None else await _answered(handler, request)
        answer.headers.update(_HEADERS)
        return answer

    return guarded


async def _answered(handler: Handler, request: web.Request) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refused:
        return web.Response(status=refused.status, text=refused.text)


def _refusal(request: web.Request) -> web.Response | None:
    """A name that leads here from elsewhere, or a form of another site."""
    host = request.headers.get("Host", "")
    if _hostname(host) not in _LOOPBACK:
        return web.Response(status=421, text="Open this page by its loopback address.")
    if request.method == "POST" and request.headers.get("Origin") != f"http://{host}":
        return web.Response(status=403, text="This form does not come from this page.")
    return None


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


class _Pages:
    """The handlers, and who has read what."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._read: dict[tuple[str, str], str] = {}

    async def index(self, request: web.Request) -> web.Response:
        return web.Response(text=document(self._look(request.query)), content_type="text/html")

    async def fragment(self, request: web.Request) -> web.Response:
        return web.Response(text=fragment(self._look(request.query)), content_type="text/html")

    async def asset(self, request: web.Request) -> web.Response:
        name = request.match_info["asset"]
        if name not in _ASSETS:
            raise web.HTTPNotFound(text="There is no such file.")
        text = Path(__file__).with_name(name).read_text("utf-8")
        return web.Response(text=text, content_type=_ASSETS[name])

    async def deed(self, request: web.Request) -> web.Response:
        fields = {name: str(value) for name, value in (await request.post()).items()}
        do = _DEEDS.get(request.match_info["deed"])
        if do is None:
            raise web.HTTPNotFound(text="Nothing like that can be done here.")
        done = await do(Deed(self._simulator, self._look(fields), fields))
        return web.Response(status=204) if done is None else _outcome(done)

    def _look(self, asked: Mapping[str, str]) -> Look:
        """Who looks and where; somebody or somewhere unknown becomes the first."""
        space = self._simulator.space
        user = str(asked.get("as") or "")
        if user not in space.users or space.users[user].is_bot:
            user = FIRST_PERSON
        here = Look(space, user, MESSAGES)
        place = str(asked.get("in") or "")
        if place in {HOME, *(room.id for room in here.rooms())}:
            here = Look(space, user, place)
        self._note(here)
        return Look(space, user, here.place, self._unread(here))

    def _note(self, look: Look) -> None:
        """What is on the screen is read."""
        if look.place != HOME:
            self._read[look.user, look.channel.id] = self._latest(look.user, look.channel.id)

    def _unread(self, look: Look) -> frozenset[str]:
        places = {look.space.direct(look.user).id: MESSAGES}
        places |= {room.id: room.id for room in look.rooms()}
        return frozenset(
            place
            for channel, place in places.items()
            if self._latest(look.user, channel) > self._read.get((look.user, channel), "")
        )

    def _latest(self, user: str, channel: str) -> str:
        seen = self._simulator.seen(user, channel)
        return max((message.ts for message in seen), default="")


def _outcome(done: Delivery) -> web.Response:
    if done.status != _OK:
        return web.Response(status=502, text="The app did not take that. Please try again.")
    answer = done.answer if isinstance(done.answer, Mapping) else {}
    if answer.get("response_action") == "errors":
        return web.Response(status=422, text=" ".join(map(str, answer["errors"].values())))
    return web.Response(status=204)


async def _say(deed: Deed) -> Delivery | None:
    text = deed.fields.get("text", "").strip()
    if not 1 <= len(text) <= _MOST_CHARS:
        raise web.HTTPUnprocessableEntity(text="Write a message of up to 12,000 characters.")
    name, _, words = text.partition(" ")
    if name == _COMMAND:
        return await deed.simulator.command(deed.user, deed.channel, words.strip())
    if text.startswith("/"):
        raise web.HTTPUnprocessableEntity(text=f"The command {name[:40]} is unknown. Try /it help.")
    thread = deed.fields.get("thread") or None
    if thread is not None and deed.look.channel.find(thread) is None:
        raise web.HTTPNotFound(text="This thread is gone.")
    words = _as_typed(text, deed.look)
    await deed.simulator.say(deed.user, deed.channel, words, thread=thread)
    return None


def _as_typed(text: str, look: Look) -> str:
    """The words as Slack carries them: escaped, with the mention of the app as its id."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    called = f"@{look.names[look.space.bot]}"
    at = escaped.casefold().find(called.casefold())
    if at < 0:
        return escaped
    return f"{escaped[:at]}<@{look.space.bot}>{escaped[at + len(called) :]}"


async def _tap(deed: Deed) -> Delivery:
    action = deed.fields.get("action", "")
    chosen = deed.fields.get(f"{MENU}{action}")
    if chosen == "":
        raise web.HTTPUnprocessableEntity(text="Choose something in the menu first.")
    try:
        return await deed.simulator.click(deed.user, deed.message(), action, value=chosen)
    except LookupError as error:
        raise web.HTTPNotFound(text="This button is gone.") from error


async def _tap_home(deed: Deed) -> Delivery:
    try:
        return await deed.simulator.click_home(deed.user, deed.fields.get("action", ""))
    except LookupError as error:
        raise web.HTTPNotFound(text="This button is gone.") from error


async def _submit(deed: Deed) -> Delivery:
    try:
        return await deed.simulator.submit(deed.user, deed.fields)
    except LookupError as error:
        raise web.HTTPNotFound(text="This window is closed.") from error


async def _dismiss(deed: Deed) -> None:
    deed.simulator.dismiss(deed.user)


async def _shortcut(deed: Deed) -> Delivery:
    return await deed.simulator.shortcut(deed.user, deed.message(), SHORTCUT)


async def _stop(deed: Deed) -> None:
    await deed.simulator.stop(deed.user, deed.channel, deed.fields.get("thread", ""))


async def _open(deed: Deed) -> None:
    """The tab that is shown; a channel is opened without telling the app."""
    if deed.look.place in (HOME, MESSAGES):
        await deed.simulator.open_home(deed.user, deed.look.place)


_DEEDS: Mapping[str, Callable[[Deed], Awaitable[Delivery | None]]] = {
    "say": _say,
    "tap": _tap,
    "tap_home": _tap_home,
    "submit": _submit,
    "dismiss": _dismiss,
    "shortcut": _shortcut,
    "stop": _stop,
    "open": _open,
}
