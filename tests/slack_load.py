"""Many people writing at once to the product as it is started by hand, while its worker is killed."""

import asyncio
import os
import random
import signal
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from integrations.sandbox.slack.simulator import Setup, Simulator, running
from integrations.sandbox.slack.workspace import Message
from tests.serving import COPILOT

QUESTIONS = (
    "my vpn says certificate validation failure",
    "how do i add the findme printer",
    "please reset the MFA of my colleague Priya, she lost her phone",
    "outlook keeps crashing when I open it",
    "i clicked a link in a mail and typed my password",
    "what is the guest wifi password policy",
    "teams camera is black",
    "my laptop was stolen from the car",
    "can i get local admin rights for a week",
    "how long must a password be",
)
_PATIENCE = 900.0


@dataclass(slots=True)
class Load:
    """What became of a load."""

    sent: list[Message] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    refused: list[int | None] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    """How many messages got how many answers."""
    kills: int = 0

    @property
    def slowest(self) -> float:
        """Seconds until the slowest delivery was taken."""
        return max(self.acks)

    def lines(self) -> list[str]:
        ordered = sorted(self.acks)
        p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
        counts = dict(sorted(self.answers.items()))
        return [
            f"{len(self.sent)} messages, {len(self.acks)} deliveries taken, {self.kills} kills",
            f"taken in {statistics.median(ordered) * 1000:.0f} ms median, {p99 * 1000:.0f} ms p99, {self.slowest * 1000:.0f} ms at most",
            f"answers per message: {counts}; malformed: {dict(Counter(self.refused))}",
        ]


class Server:
    """`copilot serve` with Slack on, which can be killed and started again."""

    def __init__(self, home: Path, log: Path, settings: dict[str, str]) -> None:
        self._command: list[str | Path] = [COPILOT, "serve", "--port", "0", "--home", home]
        self._log = log
        self._environment = {**os.environ, **settings}  # noqa: TID251  # a child's
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self._log.open("ab") as errors:
            self._child = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self._environment,
            )

    def kill(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()

    def stop(self) -> None:
        assert self._child is not None
        self._child.terminate()
        self._child.wait(30)


@contextmanager
def served_with_slack(home: Path, sim: Simulator, port: int, log: Path) -> Iterator[Server]:
    """The product over signed HTTP from the simulated Slack."""
    server = Server(
        home,
        log,
        {
            "COPILOT_SLACK_TRANSPORT": "http",
            "COPILOT_SLACK_BOT_TOKEN": "xoxb-simulated",
            "COPILOT_SLACK_SIGNING_SECRET": "simulated-signing-secret",
            "COPILOT_SLACK_API_URL": sim.api_url,
            "COPILOT_SLACK_PORT": str(port),
            "COPILOT_SLACK_TRIAGE_CHANNEL": "C0TRIAGE",
            "COPILOT_SLACK_LATE_SECONDS": "3600",
        },
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def loaded(
    home: Path, log: Path, port: int, *, messages: int, per_second: float, kills: Sequence[float]
) -> Load:
    """Send them, kill the worker at these shares of the way, and wait until all are answered."""
    setup = Setup(app_url=f"http://127.0.0.1:{port}/slack/events", retry_waits=(0.2, 1.0, 3.0))
    async with running(setup) as sim:
        with served_with_slack(home, sim, port, log) as server:
            await _open(sim)
            load = await _sent(sim, server, messages, per_second, kills)
            await _all_answered(sim, load)
    return load


async def _sent(
    sim: Simulator, server: Server, messages: int, per_second: float, kills: Sequence[float]
) -> Load:
    load, chance = Load(), random.Random(20261122)  # noqa: S311  # the same load every time
    people = [
        user.id for user in sim.space.users.values() if user.email.endswith("larkfield.example")
    ]
    moments = {round(share * messages) for share in kills}
    tasks: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(messages):
        await asyncio.sleep(max(0.0, started + number / per_second - loop.time()))
        person = chance.choice(people)
        message = Message(
            sim.space.stamp(), sim.direct(person), person, f"{chance.choice(QUESTIONS)} ({number})"
        )
        sim.space.post(message)
        load.sent.append(message)
        copies = 2 if chance.random() < 0.10 else 1
        tasks += [asyncio.create_task(_delivered(sim, load, message)) for _ in range(1)]
        if copies > 1:
            tasks.append(asyncio.create_task(_delivered(sim, load, message, again=True)))
        if chance.random() < 0.02:
            tasks.append(asyncio.create_task(_malformed(sim, load)))
        if number in moments:
            await asyncio.to_thread(server.kill)
            load.kills += 1
            server.start()
    await asyncio.gather(*tasks)
    return load


_BODIES: dict[str, dict[str, object]] = {}


async def _delivered(sim: Simulator, load: Load, message: Message, *, again: bool = False) -> None:
    body = _BODIES.setdefault(
        message.ts,
        sim.envelope({**message.shown(), "channel": message.channel, "channel_type": "im"}),
    )
    if again:
        await asyncio.sleep(0.3)
    done = await sim.wire.event(dict(body))
    if done.status == 200:
        load.acks.append(done.seconds)


async def _malformed(sim: Simulator, load: Load) -> None:
    broken = b'{"type": "event_callback", "event": {"text": "\xff\xfe'
    done = await sim.wire.send("event", {}, raw=broken)
    load.refused.append(done.status)


async def _all_answered(sim: Simulator, load: Load) -> None:
    """Until every message has an answer and nothing more comes."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            counts = _counted(sim)
            if all(counts[message.ts] for message in load.sent):
                break
            await asyncio.sleep(0.5)
    await asyncio.sleep(3.0)
    counts = _counted(sim)
    load.answers = Counter(counts[message.ts] for message in load.sent)


def _counted(sim: Simulator) -> Counter[str]:
    return Counter(
        message.thread_ts
        for channel in sim.space.channels.values()
        if channel.kind == "im"
        for message in channel.messages
        if message.user == sim.space.bot and message.thread_ts
    )


async def _open(sim: Simulator) -> None:
    async with asyncio.timeout(120):
        while True:
            body = sim.envelope({"type": "app_context_changed", "user": "UDANAREED"})
            if (await sim.wire.send("event", body)).status == 200:
                break
            await asyncio.sleep(0.2)
    sim.wire.log.clear()
