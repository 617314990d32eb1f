"""Counting and logging of turns: typed fields only, never a text."""

from collections.abc import Mapping

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from copilot.errors import OutageError

_SAID_CHARS = 200
"""What a log line takes of a sentence."""
Fields = Mapping[str, str | float | int | bool | None]


class Counters:
    """Prometheus counters of this process, with a log line for each turn."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._turns = Counter(
            "copilot_turns", "Turns by outcome", ["disposition", "effect"], registry=self.registry
        )
        self._failures = Counter(
            "copilot_failures",
            "Turns that broke and went to people",
            ["where", "kind"],
            registry=self.registry,
        )
        self._model = Counter(
            "copilot_model_answers",
            "Answers of the chat model by what for and outcome",
            ["use", "outcome"],
            registry=self.registry,
        )
        self._problems = Counter(
            "copilot_problems", "HTTP requests that got a problem", ["kind"], registry=self.registry
        )
        self._slack = Counter(
            "copilot_slack", "What happened in Slack", ["what"], registry=self.registry
        )
        self._directory = Counter(
            "copilot_directory",
            "Questions to the company's directory by what came of them",
            ["what"],
            registry=self.registry,
        )
        self._deliveries = Counter(
            "copilot_deliveries",
            "Changes told to the ticket system by what came of them",
            ["what"],
            registry=self.registry,
        )
        self._devices = Counter(
            "copilot_devices",
            "Questions to device management by what came of them",
            ["what"],
            registry=self.registry,
        )
        self._access = Counter(
            "copilot_access", "Who came in and who was refused", ["what"], registry=self.registry
        )
        self._seconds = Histogram("copilot_turn_seconds", "Time of a turn", registry=self.registry)
        self._log = structlog.get_logger("copilot")

    def delivery(self, what: str) -> None:
        self._deliveries.labels(what).inc()

    def turn(self, fields: Fields) -> None:
        self._turns.labels(str(fields["disposition"]), str(fields["effect"])).inc()
        self._seconds.observe(float(fields["ms"] or 0.0) / 1000)
        self._log.info("turn", **fields)

    def failure(self, where: str, error: BaseException) -> None:
        """Count a failure. Its text may hold what somebody typed: only an outage's own is logged."""
        kind = type(error).__name__
        self._failures.labels(where, kind).inc()
        said = {"problem": str(error)[:_SAID_CHARS]} if isinstance(error, OutageError) else {}
        self._log.error("failure", where=where, kind=kind, **said)

    def model(self, use: str, outcome: str) -> None:
        """Count what came of asking the chat model."""
        self._model.labels(use, outcome).inc()

    def problem(self, slug: str) -> None:
        """Count an HTTP request that was answered with a problem of this kind."""
        self._problems.labels(slug).inc()

    def slack(self, what: str) -> None:
        """Count something that happened in Slack, by its name."""
        self._slack.labels(what).inc()

    def directory(self, what: str) -> None:
        """Count what came of asking the directory."""
        self._directory.labels(what).inc()

    def devices(self, what: str) -> None:
        """Count what came of asking device management."""
        self._devices.labels(what).inc()

    def access(self, what: str) -> None:
        """Count what happened at the doors, by its name."""
        self._access.labels(what).inc()

    def exposed(self) -> bytes:
        """The counters in Prometheus' text format."""
        return generate_latest(self.registry)
