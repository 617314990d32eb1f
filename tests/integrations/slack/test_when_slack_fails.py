"""Slack slow, refusing, lost or forged: nothing is lost, nothing is said twice, nothing is taken on trust."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from integrations.sandbox.slack.faults import Fault, FaultKind
from integrations.sandbox.slack.simulator import TRIAGE
from integrations.sandbox.slack.workspace import Message
from tests.serving import copy_of
from tests.slack_stage import DANA, LENA, OMAR, OPTIONS, Stage, staged, until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
]
VPN = "my vpn says certificate validation failure"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    prepared_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    home = copy_of(prepared_home, tmp_path_factory.mktemp("slack") / "home")
    options = replace(OPTIONS, call_seconds=1.0)
    async with staged(home, options=options, late_seconds=1.0) as stage:
        yield stage


@pytest.mark.parametrize(
    "kind", ["ratelimited", "lost_answer", "lost_call", "http_500", "http_503"]
)
async def test_an_answer_is_said_once_whatever_becomes_of_the_call(
    stage: Stage, kind: FaultKind
) -> None:
    fault = Fault("chat.postMessage", kind)
    stage.sim.server.faults.append(fault)
    answer = await stage.told(DANA, VPN)
    await stage.idle()
    assert fault.times == 0, "the fault struck"
    said = stage.sim.answers(DANA, answer.channel, answer.thread_ts)
    assert len([m for m in said if "takes longer" not in m.text]) == 1


async def test_nobody_is_asked_for_twice_while_slack_is_down(stage: Stage) -> None:
    said = [await stage.sim.say(person, "", VPN) for person in (DANA, OMAR, LENA)]
    stage.sim.server.down = True
    await asyncio.sleep(0.5)
    stage.sim.server.down = False
    await stage.idle()
    for message in said:
        answers = stage.sim.answers(message.user, message.channel, message.ts)
        assert len([m for m in answers if "takes longer" not in m.text]) == 1


async def test_what_can_not_be_said_at_all_reaches_a_human_and_is_counted(stage: Stage) -> None:
    stage.sim.server.faults.append(Fault("users.info", "error", times=4, code="internal_error"))
    member = "UCLAIREDUBOIS"
    with capture_logs() as logs:
        await stage.sim.say(member, "", VPN)
        direct = stage.sim.direct(member)
        await until(lambda: any("not working" in m.text for m in stage.sim.answers(member, direct)))
        await stage.idle()
    seen = stage.sim.space.channels[TRIAGE].messages
    assert any(f"<@{member}>" in m.text for m in seen)
    assert any(line["event"] == "slack.given_up" for line in logs)


async def test_who_waits_too_long_is_told_so_once(stage: Stage) -> None:
    stage.sim.server.faults.append(Fault("users.info", "http_503", times=3))
    member = "UNIELSBAKKER"
    said = await stage.sim.say(member, "", VPN)
    await until(lambda: len(stage.sim.answers(member, said.channel)) >= 2)
    await stage.idle()
    told = [m.text for m in stage.sim.answers(member, said.channel)]
    assert sum("takes longer" in text for text in told) == 1
    assert sum("Company Portal" in text for text in told) == 1


async def test_a_late_answer_is_dropped_once_a_person_has_taken_over(stage: Stage) -> None:
    handed = await stage.told(
        OMAR, "please reset the MFA of my colleague Priya, she lost her phone"
    )
    await stage.idle()
    card = next(
        m
        for m in stage.sim.space.channels[TRIAGE].messages
        if m.thread_ts is None and "*Omar Haddad*" in str(m.blocks)
    )
    for number in range(8):
        before = len(stage.sim.answers(OMAR, handed.channel, handed.thread_ts))
        await asyncio.gather(
            stage.sim.say(OMAR, "", f"how do i add a printer? ({number})", thread=handed.thread_ts),
            stage.sim.click(LENA, card, "claim"),
        )
        await stage.idle()
        later = stage.sim.answers(OMAR, handed.channel, handed.thread_ts)[before:]
        said = [m for m in later if "takes longer" not in m.text]
        claimed = next(n for n, m in enumerate(said) if "has your case" in m.text)
        assert not said[claimed + 1 :], "nothing comes after a person has taken over"
        await stage.sim.click(LENA, card, "give_back")
        await stage.idle()


async def test_events_out_of_order_are_each_answered_once(stage: Stage) -> None:
    place = stage.sim.direct(DANA)
    bodies = []
    for number in range(4):
        ts, text = stage.sim.space.stamp(), f"{VPN} ({number})"
        stage.sim.space.post(Message(ts, place, DANA, text))
        event = {
            "type": "message", "channel": place, "channel_type": "im", "user": DANA, "ts": ts,
            "text": text,
        }  # fmt: skip
        bodies.append((ts, stage.sim.envelope(event)))
    for _, body in [*reversed(bodies), *bodies]:
        await stage.sim.wire.send("event", body)
    await stage.idle()
    for ts, _ in bodies:
        said = stage.sim.answers(DANA, place, ts)
        assert len([m for m in said if "takes longer" not in m.text]) == 1


async def test_forged_stale_and_unreadable_requests_are_refused_and_counted(stage: Stage) -> None:
    body = stage.sim.envelope({"type": "app_home_opened", "user": DANA, "tab": "home"})
    raw, wire, old = json.dumps(body).encode(), stage.sim.wire, str(int(time.time()) - 400)
    tries = [
        ({"X-Slack-Signature": "v0=" + "0" * 64}, raw, 401),
        ({"X-Slack-Signature": ""}, raw, 401),
        ({"X-Slack-Request-Timestamp": "soon"}, raw, 401),
        ({"X-Slack-Request-Timestamp": "1e9"}, raw, 401),
        ({"X-Slack-Request-Timestamp": old, "X-Slack-Signature": wire.signed(raw, old)}, raw, 401),
        ({}, b"\xff\xfe{}", 400),
        ({}, b"{not json", 400),
        ({}, b"[1, 2]", 400),
        ({}, b"x" * 1_100_000, 413),
    ]
    with capture_logs() as logs:
        for headers, payload, status in tries:
            done = await wire.send("event", body, headers=headers, raw=payload)
            assert done.status == status, (headers, payload[:20])
            assert not done.answer, "nothing is said about why"
    refused = [line for line in logs if line["event"] == "slack.refused"]
    assert len(refused) == len(tries)
    assert "UDANAREED" not in str(logs)
    assert sum(stage.ingress.refused.values()) >= len(tries)


async def test_a_replayed_command_is_worked_on_once(stage: Stage) -> None:
    stamp = str(int(time.time()))
    raw = (
        f"command=%2Fit&text=my+cases&user_id={DANA}&channel_id=C0HELP&team_id=T0LARK&trigger_id=1"
    ).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": stage.sim.wire.signed(raw, stamp),
    }
    direct = stage.sim.direct(DANA)
    before = len(stage.sim.answers(DANA, direct))
    for _ in range(3):
        done = await stage.sim.wire.send("command", {}, headers=headers, raw=raw)
        assert done.status == 200
    await stage.idle()
    assert len(stage.sim.answers(DANA, direct)) == before + 2, "one heading and one answer"


async def test_a_revoked_token_is_told_to_the_operator_and_loses_nothing(stage: Stage) -> None:
    stage.sim.server.revoked = True
    with capture_logs() as logs:
        await stage.sim.say("UWIMJANSEN", "", VPN)
        await until(lambda: any(line["event"] == "slack.given_up" for line in logs))
    stage.sim.server.revoked = False
    await stage.idle()
    problems = [str(line.get("problem")) for line in logs]
    assert any("token_revoked" in problem for problem in problems)


async def test_the_ingress_says_how_it_stands(stage: Stage) -> None:
    census = await stage.inbox.census()
    assert census.oldest_waiting_seconds < 5
