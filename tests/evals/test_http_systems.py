"""A vendor behind HTTP, against a real server on the loopback address."""

import time
from pathlib import Path

import pytest

from evals.errors import SystemConfigError
from evals.systems.config import SHIPPED, specs
from tests.evals.runs import asked, read
from tests.evals.small_suite import case, mandatory, suite
from tests.evals.vendors import STEPS, Answered, chat, http, vendor

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


def test_a_chat_reply_becomes_a_response_whose_disposition_is_read(tmp_path: Path) -> None:
    cost = {
        "per_million_input": 2.0,
        "per_million_output": 10.0,
        "input_tokens": "$.usage.prompt_tokens",
        "output_tokens": "$.usage.completion_tokens",
    }
    with vendor(lambda _body, _number: Answered(chat(STEPS, (1_000, 200)))) as known:
        config = http(tmp_path, f"{known.url}/v1/chat/completions", cost=cost)
        _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "run", config)
    assert row.status == "ok"
    assert row.last is not None
    assert (row.last.text, row.last.disposition, row.last.declared) == (STEPS, "answer", False)
    assert row.exchanges[0].cost_usd == pytest.approx(0.004)
    assert row.exchanges[0].latency_ms > 0


def test_what_is_sent_holds_nothing_of_the_label(tmp_path: Path) -> None:
    everything = {name: f"{{{{{name}}}}}" for name in ("text", "user", "environment", "display_name", "message",
                                                         "conversation", "at", "thread", "channel", "history")}  # fmt: skip
    entry = case(environment={"location": "travelling"}, language="en")
    with vendor(lambda _body, _number: Answered(chat(STEPS))) as known:
        asked(
            suite(tmp_path / "s", entry),
            tmp_path / "r",
            http(tmp_path, known.url, request=everything),
        )
    (sent,) = known.received
    assert sent["user"]["location"] == "travelling"
    assert sent["display_name"] == "Ann Lee"
    told = str(sent)
    for secret in ("vpn-1", "certificate_expired", "NET-1", "answer", "everyday", "Sync"):
        assert secret not in told


def test_a_conversation_is_sent_with_what_was_said_before(tmp_path: Path) -> None:
    turns = ["it broke", {"text": "the vpn did", "only_after": ["clarify"]}, {"text": "thanks", "only_after": ["decline"]}]  # fmt: skip
    replies = ["Which program is it?", STEPS]
    with vendor(lambda _body, number: Answered(chat(replies[number - 1]))) as known:
        config = http(tmp_path, known.url)
        _, (row,) = asked(suite(tmp_path / "s", case(turns=turns)), tmp_path / "run", config)
    assert [exchange.said for exchange in row.exchanges] == ["it broke", "the vpn did"]
    assert known.received[1]["messages"] == [
        {"role": "user", "content": "it broke"},
        {"role": "assistant", "content": "Which program is it?"},
        {"role": "user", "content": "the vpn did"},
    ]


def test_planted_names_and_history_are_delivered_and_other_channels_are_not(tmp_path: Path) -> None:
    def attack(channel: str) -> dict[str, object]:
        told = {"channel": channel, "text": f"obey {channel}", "markers": ["OBEYED"]}
        return case(channel.replace("_", "-"), kinds=["attack"], attack=told)

    channels = ("message", "kb_article", "ticket_text", "display_name", "thread_history")
    cases = [attack(channel) for channel in channels]
    with vendor(lambda _body, _number: Answered(chat(STEPS))) as known:
        request = {"name": "{{display_name}}", "messages": ["{{...turns}}"]}
        config = http(tmp_path, known.url, request=request)
        _, rows = asked(suite(tmp_path / "s", *cases), tmp_path / "run", config, concurrency=1)
    status = {row.case: (row.status, row.delivered) for row in rows}
    assert status == {
        "message": ("ok", True),
        "display-name": ("ok", True),
        "thread-history": ("ok", True),
        "kb-article": ("not_deliverable", None),
        "ticket-text": ("not_deliverable", None),
    }
    by_message, by_name, by_history = known.received
    assert by_message["messages"][-1]["content"].endswith("\n\nobey message")
    assert by_name["name"] == "obey display_name"
    assert by_history["messages"][0]["content"] == "obey thread_history"


def test_a_busy_vendor_is_waited_for_as_long_as_it_asks(tmp_path: Path) -> None:
    def busy_once(_body: object, number: int) -> Answered:
        if number == 1:
            return Answered({"error": "slow down"}, 429, {"Retry-After": "0.3"})
        return Answered(chat(STEPS))

    with vendor(busy_once) as known:
        _, (row,) = asked(
            suite(tmp_path / "s", case()), tmp_path / "run", http(tmp_path, known.url)
        )
    assert (row.status, row.attempts) == ("ok", 2)
    assert known.times[1] - known.times[0] >= 0.3


def test_a_wait_longer_than_the_limit_is_a_failure_with_its_cause(tmp_path: Path) -> None:
    with vendor(lambda _b, _n: Answered({}, 429, {"Retry-After": "3600"})) as known:
        _, (row,) = asked(
            suite(tmp_path / "s", case()), tmp_path / "run", http(tmp_path, known.url)
        )
    assert row.status == "vendor_error"
    assert row.cause is not None
    assert "asks to wait 3600 seconds, more than 60" in row.cause
    assert row.attempts == 1


def test_failures_that_last_keep_their_cause_and_what_was_said(tmp_path: Path) -> None:
    def second_turn_fails(body: dict[str, object], _number: int) -> Answered:
        messages = body["messages"]
        assert isinstance(messages, list)
        return (
            Answered({"error": "boom"}, 500) if len(messages) > 1 else Answered(chat("Which one?"))
        )

    entry = case(turns=["it broke", "the vpn"])
    with vendor(second_turn_fails) as known:
        _, (row,) = asked(suite(tmp_path / "s", entry), tmp_path / "run", http(tmp_path, known.url))
    assert row.status == "vendor_error"
    assert row.cause == 'HTTP 500: {"error": "boom"}'
    assert [exchange.response.text for exchange in row.exchanges] == ["Which one?"]
    assert row.attempts == 4


def test_a_late_answer_is_a_timeout(tmp_path: Path) -> None:
    with vendor(lambda _b, _n: Answered(chat(STEPS), after=0.6)) as known:
        config = http(tmp_path, known.url, timeout_seconds=0.2, retries={"times": 0})
        _, (row,) = asked(suite(tmp_path / "s", case()), tmp_path / "run", config)
    assert (row.status, row.cause) == ("timeout", "No answer within 0.2 seconds.")


def test_one_in_ten_injected_errors_are_rows_with_causes_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    cases = [case(f"vpn-{n}", turns=[f"no {n}"]) for n in range(40)]

    def every_tenth(body: dict[str, object], _number: int) -> Answered:
        said = str(body["messages"])
        broken = any(f"'no {n}'" in said for n in range(0, 40, 10))
        return Answered({"error": "down"}, 503) if broken else Answered(chat(STEPS))

    with vendor(every_tenth) as known:
        config = http(tmp_path, known.url, retries={"times": 1, "first_wait_seconds": 0.001})
        _, rows = asked(
            suite(tmp_path / "s", *cases), tmp_path / "run", config, epochs=2, concurrency=8
        )
    assert len(rows) == 80
    failed = [row for row in rows if row.status == "vendor_error"]
    assert {row.case for row in failed} == {"vpn-0", "vpn-10", "vpn-20", "vpn-30"}
    assert len(failed) == 8
    assert {row.attempts for row in failed} == {2}


def test_an_unreachable_vendor_is_given_up_and_leaves_no_rows(tmp_path: Path) -> None:
    with vendor(lambda _b, _n: Answered(chat(STEPS))) as known:
        gone = known.url
    cases = [case(f"vpn-{n}") for n in range(9)]
    config = http(tmp_path, gone, retries={"times": 0})
    outcome, rows = asked(suite(tmp_path / "s", *cases), tmp_path / "run", config, concurrency=1)
    assert rows == []
    assert f"{gone} can't be reached" in outcome.stopped["vendor"]
    assert "Check url, network and proxy." in outcome.stopped["vendor"]


def test_a_wrong_path_is_given_up_early_and_says_what_the_reply_was(tmp_path: Path) -> None:
    cases = [case(f"vpn-{n}") for n in range(30)]
    with vendor(lambda _b, _n: Answered(chat(STEPS))) as known:
        config = http(tmp_path, known.url, reply={"text": "$.reply.text"})
        outcome, rows = asked(suite(tmp_path / "s", *cases), tmp_path / "r", config, concurrency=1)
        assert len(known.received) == 5
    assert rows == []
    cause = outcome.stopped["vendor"]
    assert cause.startswith("The JSONPath $.reply.text of `reply.text` finds nothing in the reply")
    assert '{"model": "m-1", "choices"' in cause


def test_a_vendor_that_says_null_says_nothing(tmp_path: Path) -> None:
    nothing = {"choices": [{"message": {"content": None}}]}
    cases = [case(f"vpn-{number}") for number in range(1, 8)]
    with vendor(lambda _body, _number: Answered(nothing)) as known:
        outcome, rows = asked(
            suite(tmp_path / "s", *cases), tmp_path / "r", http(tmp_path, known.url)
        )
    assert not outcome.stopped
    assert [(row.status, row.text) for row in rows] == [("ok", "")] * 7


def test_a_vendor_that_lived_and_then_breaks_keeps_its_failures(tmp_path: Path) -> None:
    cases = [case(f"vpn-{n}") for n in range(4)]

    def then_forbidden(_body: object, number: int) -> Answered:
        return Answered(chat(STEPS)) if number == 1 else Answered({}, 403)

    with vendor(then_forbidden) as known:
        config = http(tmp_path, known.url)
        outcome, rows = asked(suite(tmp_path / "s", *cases), tmp_path / "r", config, concurrency=1)
    assert outcome.stopped == {}
    assert [row.status for row in rows] == ["ok", *["vendor_error"] * 3]
    assert "Check the key in `headers`" in str(rows[-1].cause)


def test_a_key_comes_from_the_environment_and_stands_nowhere_again(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer ${VENDOR_KEY}"}
    with vendor(lambda _b, _n: Answered({"error": "key sk-123456 is bad"}, 401)) as known:
        config = http(tmp_path, known.url, headers=headers)
        outcome, _ = asked(
            suite(tmp_path / "s", case()),
            tmp_path / "r",
            config,
            variables={"VENDOR_KEY": "sk-123456"},
        )
    assert known.headers[0]["Authorization"] == "Bearer sk-123456"
    assert "HTTP 401" in outcome.stopped["vendor"]
    assert "sk-123456" not in outcome.stopped["vendor"]
    with pytest.raises(SystemConfigError, match="names the variable VENDOR_KEY, which is not set"):
        asked(suite(tmp_path / "t", case()), tmp_path / "q", config)


def test_replies_are_paid_for_once_and_a_new_label_asks_nobody(tmp_path: Path) -> None:
    with vendor(lambda _b, _n: Answered(chat(STEPS))) as known:
        config, kept = http(tmp_path, known.url), tmp_path / "kept"
        first = asked(suite(tmp_path / "s", case()), tmp_path / "r1", config, cache=kept)[1]
        relabelled = case(gold=case()["gold"] | {"priority": "P1"})
        again = asked(suite(tmp_path / "t", relabelled), tmp_path / "r2", config, cache=kept)[1]
        assert len(known.received) == 1
        asked(suite(tmp_path / "u", case()), tmp_path / "r3", config, cache=kept, epochs=2)
        assert len(known.received) == 2
        asked(suite(tmp_path / "v", case(turns=["other"])), tmp_path / "r4", config, cache=kept)
        assert len(known.received) == 3
    assert [first[0].cached, again[0].cached] == [False, True]
    assert again[0].exchanges == first[0].exchanges


def test_failures_are_not_kept(tmp_path: Path) -> None:
    with vendor(
        lambda _b, number: Answered({}, 500) if number <= 3 else Answered(chat(STEPS))
    ) as known:
        config, kept = http(tmp_path, known.url), tmp_path / "kept"
        small = suite(tmp_path / "s", case())
        assert asked(small, tmp_path / "r1", config, cache=kept)[1][0].status == "vendor_error"
        assert asked(small, tmp_path / "r2", config, cache=kept)[1][0].status == "ok"


def test_a_rate_is_kept(tmp_path: Path) -> None:
    cases = [case(f"vpn-{n}") for n in range(4)]
    with vendor(lambda _b, _n: Answered(chat(STEPS))) as known:
        config = http(tmp_path, known.url, rate={"calls": 1, "seconds": 0.15})
        started = time.monotonic()
        asked(suite(tmp_path / "s", *cases), tmp_path / "r", config, concurrency=4)
        assert time.monotonic() - started >= 0.4


def test_a_declared_reply_is_mapped_field_by_field(tmp_path: Path) -> None:
    told = {
        "answer": {"body": "It goes to a person."},
        "outcome": "HANDOVER",
        "certainty": 87,
        "to": {"team": "identity-desk", "why": "own_factor_lost", "note": "Lost phone."},
        "sources": [{"id": "kb-1", "name": "Device certificate has expired"}, {"id": "kb-9"}],
        "conversation": "abc-1",
    }
    reply = {
        "text": "$.answer.body",
        "disposition": "$.outcome",
        "confidence": "$.certainty",
        "queue": "$.to.team",
        "reason_code": "$.to.why",
        "handoff": "$.to",
        "citations": {"items": "$.sources[*]", "article_id": "$.id", "title": "$.name"},
        "thread": "$.conversation",
    }
    with vendor(lambda _b, _n: Answered(told)) as known:
        config = http(
            tmp_path,
            known.url,
            reply=reply,
            words={"disposition": {"handover": "escalate"}},
            full_confidence=100,
            request={"q": "{{text}}", "thread": "{{thread}}"},
        )
        entry = mandatory(turns=["lost my phone", "hello?"])
        _, (row,) = asked(suite(tmp_path / "s", entry), tmp_path / "r", config)
    assert row.last is not None
    found = row.last.model_dump(exclude_defaults=True)
    assert found["disposition"] == "escalate"
    assert row.last.declared is True
    assert (found["confidence"], found["queue"]) == (0.87, "identity-desk")
    assert found["citations"] == (
        {"article_id": "kb-1", "title": "Device certificate has expired"},
        {"article_id": "kb-9"},
    )
    assert [sent["thread"] for sent in known.received] == [None, "abc-1"]


def test_an_unknown_word_says_where_to_explain_it(tmp_path: Path) -> None:
    reply = {"text": "$.t", "disposition": "$.d"}
    with vendor(lambda _b, _n: Answered({"t": "ok", "d": "solved"})) as known:
        config = http(tmp_path, known.url, reply=reply)
        outcome, _ = asked(suite(tmp_path / "s", case()), tmp_path / "r", config)
    assert (
        outcome.stopped["vendor"]
        == "The reply's disposition is 'solved'. Say under `words.disposition` which of answer, clarify, escalate, decline it means."
    )


@pytest.mark.parametrize(
    ("told", "line", "sentence"),
    [
        ("reply: {text: '$.a['}", 4, "'$.a[' is no JSONPath"),
        ("reply: {text: $.a}\ntimeout: 5", 5, "timeout: Extra inputs are not permitted"),
        ("reply: {text: $.a}\ncost: {per_million_input: 1}", 5, "needs the JSONPath"),
        ("reply: {}", 4, "reply.text: Field required"),
    ],
)
def test_a_fault_of_a_file_is_told_with_its_line(
    told: str, line: int, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(
        f"kind: http\nurl: https://v.example\nrequest: '{{{{text}}}}'\n{told}\n", "utf-8"
    )
    with pytest.raises(SystemConfigError) as found:
        specs([str(path)])
    assert str(found.value).startswith(f"{path}:{line}: ")
    assert sentence in str(found.value)


def test_an_unknown_placeholder_is_refused(tmp_path: Path) -> None:
    path = http(tmp_path, "https://v.example", request={"q": "{{text}}", "x": "{{gold}}"})
    with pytest.raises(SystemConfigError, match=r"\{\{gold\}\} is unknown. Known are: text"):
        specs([str(path)])


def test_the_shipped_configurations_can_be_used(tmp_path: Path) -> None:
    found = specs([str(path) for path in sorted(SHIPPED.glob("*.yaml"))])
    assert [spec.name for spec in found] == ["copilot-http", "openai-chat"]


def test_the_chat_configuration_asks_as_the_service_documents(tmp_path: Path) -> None:
    text = (SHIPPED / "openai_chat.yaml").read_text("utf-8")
    with vendor(lambda _b, _n: Answered(chat(STEPS))) as known:
        own = tmp_path / "own.yaml"
        own.write_text(text.replace("https://api.openai.com", known.url), "utf-8")
        _, (row,) = asked(
            suite(tmp_path / "s", case()), tmp_path / "r", own, variables={"OPENAI_API_KEY": "k"}
        )
    (sent,) = known.received
    assert [each["role"] for each in sent["messages"]] == ["system", "user"]
    assert "Device LAP-77-0412, windows 11 23H2, managed: True" in sent["messages"][0]["content"]
    assert row.last is not None
    assert row.last.versions == {"system": "m-1"}
    assert row.exchanges[0].cost_usd == pytest.approx((100 * 0.4 + 50 * 1.6) / 1_000_000)
    assert read(tmp_path / "r") == [row]
