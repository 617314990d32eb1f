"""Logs hold typed fields; whatever a person wrote does not get into them."""

import io
import json
import logging

import pytest
import structlog

from copilot.errors import StoreUnavailableError
from integrations import logs

SECRET = "my password is Hunter2!"


@pytest.fixture
def stream():
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_the_turn_it_belongs_to(stream):
    structlog.contextvars.bind_contextvars(thread="t-1", inquiry="i-1")
    structlog.get_logger().info("turn", disposition="answer", ms=14.2, rules=("a", "b"))
    (line,) = lines(stream)
    assert line.pop("timestamp")
    assert line == {
        "event": "turn",
        "level": "info",
        "thread": "t-1",
        "inquiry": "i-1",
        "disposition": "answer",
        "ms": 14.2,
        "rules": ["a", "b"],
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"text": SECRET},
        {"queue": SECRET * 20},
        {"problem": {"input": SECRET}},
        {"rules": [[SECRET]]},
        {"disposition": object()},
    ],
)
def test_what_is_not_a_known_short_field_is_dropped_and_counted(stream, fields):
    structlog.get_logger().info("turn", **fields)
    (line,) = lines(stream)
    assert line["dropped"] == 1
    assert "Hunter2" not in json.dumps(line)


def test_an_event_is_a_name_and_never_a_sentence(stream):
    structlog.get_logger().info(f"dana wrote: {SECRET}")
    (line,) = lines(stream)
    assert (line["event"], line["dropped"]) == ("unnamed", 1)


def test_an_exception_is_logged_by_type_and_place_without_its_text(stream):
    def read() -> None:
        raise ValueError(SECRET)

    try:
        try:
            read()
        except ValueError as error:
            raise RuntimeError(SECRET) from error
    except RuntimeError:
        structlog.get_logger().exception("turn_failed")
    (line,) = lines(stream)
    assert line["error"] == "RuntimeError < ValueError"
    assert "test_logs.py" in str(line["at"])
    assert "problem" not in line
    assert "Hunter2" not in stream.getvalue()


def test_an_outage_of_ours_says_what_to_do(stream):
    outage = StoreUnavailableError("The record store is full. Free some space.")
    structlog.get_logger().error("turn_failed", exc_info=outage)
    (line,) = lines(stream)
    assert line["problem"] == "The record store is full. Free some space."


def test_no_exception_is_no_fault(stream):
    structlog.get_logger().error("odd", exc_info=(None, None, None))
    structlog.get_logger().error("odd", exc_info=True)
    assert [set(line) for line in lines(stream)] == [{"event", "level", "timestamp"}] * 2


def test_the_level_is_kept():
    stream = io.StringIO()
    logs.configure(stream, level=logging.WARNING)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud", rules=frozenset({"b", "a"}))
    structlog.reset_defaults()
    assert [(line["event"], line["rules"]) for line in lines(stream)] == [("loud", ["a", "b"])]


def test_people_at_a_terminal_get_readable_lines():
    stream = io.StringIO()
    logs.configure(stream, as_json=False)
    structlog.get_logger().info("turn", queue="network", text=SECRET)
    structlog.reset_defaults()
    assert "network" in stream.getvalue()
    assert "Hunter2" not in stream.getvalue()
    assert not stream.getvalue().startswith("{")
