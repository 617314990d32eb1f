"""Anything at all into the gate and the redactor, for as long as it is told."""

import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import get_args

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from copilot.company import CompanyFacts
from copilot.conversation import Inquiry
from copilot.gate import policy_request
from copilot.people import Device, Person
from copilot.state import Asked, Memory
from copilot.understanding.message import Question, SeenAction, Understanding
from policies.engine import Policies, decide
from policies.model import Decision, Location
from policies.redaction import MESSAGE_CAP, Redactor, Seen

_ROUND = settings(
    max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
_NUMBERS = st.integers(-(2**70), 2**70) | st.integers(0, 5)


def fuzz(seconds: float, *checks: Callable[[], None]) -> int:
    """Run each check in rounds with fresh seeds until the time is over; returns the rounds."""
    until, rounds = time.monotonic() + seconds, 0
    while rounds == 0 or time.monotonic() < until:
        for check in checks:
            seed(rounds)(check)()
        rounds += 1
    return rounds


# ---- the gate


def _understandings(actions: list[str]) -> st.SearchStrategy[Understanding]:
    seen = st.builds(
        SeenAction,
        action=st.sampled_from(actions) | st.text(max_size=30),
        confidence=st.floats(0, 10),
        segment=st.text(max_size=20),
    )
    vector = np.zeros(1, dtype=np.float32)
    question = st.builds(
        Question,
        text=st.text(max_size=20),
        vector=st.just(vector),
        labels=st.dictionaries(st.text(max_size=20), st.floats(0, 1), min_size=1, max_size=3),
    )
    return st.builds(
        Understanding,
        text=st.text(max_size=40),
        language=st.sampled_from(["en", "de", "xx"]),
        questions=st.lists(question, max_size=2).map(tuple),
        actions=st.lists(seen, max_size=5).map(tuple),
        act=st.text(max_size=10),
        acts=st.just({}),
        tone=st.just("neutral"),
        urgency=st.just("normal"),
        location=st.none() | st.sampled_from([*get_args(Location), "moon"]),
    )


_PEOPLE = st.builds(
    Person,
    id=st.text(max_size=30),
    name=st.text(max_size=10),
    site=st.none() | st.text(max_size=10) | st.just("remote"),
    employment=st.sampled_from(["employee", "contractor", "unknown"]),
    groups=st.lists(st.text(max_size=10) | st.just("administrators"), max_size=4).map(tuple),
    location=st.sampled_from(get_args(Location)),
    active=st.booleans(),
    devices=st.lists(
        st.builds(
            Device,
            name=st.text(max_size=5),
            platform=st.sampled_from(["windows", "macos", "ios"]),
            managed=st.none() | st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
)
_INQUIRIES = st.builds(
    Inquiry,
    id=st.just("1"),
    text=st.just("x"),
    user=st.just("u"),
    at=st.datetimes(timezones=st.just(UTC)),
)


def gate_check(policies: Policies, company: CompanyFacts) -> Callable[[], None]:
    """The gate takes any turn; without a permit by a rule, and with any error, nothing is permitted."""

    @_ROUND
    @given(
        _INQUIRIES, _PEOPLE, _understandings(sorted(policies.catalogue.actions)), _NUMBERS, _NUMBERS
    )
    def check(
        inquiry: Inquiry, person: Person, read: Understanding, lockouts: int, probes: int
    ) -> None:
        asked = Asked(inquiry=inquiry, thread_id="t", person=person, lockouts_24h=lockouts)
        decision = decide(policy_request(asked, Memory(probes=probes), read, company), policies)
        _assert_permitted_by_rules_alone(decision, policies)

    return check


def _assert_permitted_by_rules_alone(decision: Decision, policies: Policies) -> None:
    assert decision.rulings
    for ruling in decision.rulings:
        if ruling.effect == "escalate":
            assert decision.effect == "escalate"
            assert ruling.queue
            assert ruling.priority
        if ruling.effect != "permit":
            assert decision.effect != "permit"
            continue
        action = policies.catalogue.actions[ruling.action]
        assert action.mandatory_class is None
        assert ruling.rules
        assert all(policies.rules[rule].effect == "permit" for rule in ruling.rules)


# ---- the redactor

_SECRET = "Tr0ub4dor&3"
_TOKEN = "ghp_" + "9aB3xK7mQ2wE5rT8yU1iO4pL6sD0fG" + "hJzXcV"
_PIECES = st.sampled_from(
    [
        f"my password is {_SECRET}",
        f"token {_TOKEN}",
        "wachtwoord:",
        "code is",
        "NL91 ABNA 0417 1643 00",
        "4111 1111 1111 1111",
        "+44 113 496 0143",
        "user: a pw:",
        "://a:b@",
        "\u200b\u200d\u2060\ufeff\u00ad\U000e0061",
        "\u202e\u2066",
        "\x00",
        "\ud800",
        "[password-1]",
        "0x800704cf LAP-LDS-0412 10.0.0.1",
        "ｐａｓｓｗｏｒｄ",
    ]
)
_TEXTS = st.lists(
    _PIECES | st.text(max_size=30) | st.characters().map(lambda c: c * 300), max_size=12
).flatmap(lambda parts: st.sampled_from(["\n", " ", "", ": "]).map(lambda by: by.join(parts)))


def redactor_check(redactor: Redactor) -> Callable[[], None]:
    """The redactor takes any text; a planted secret goes, and what was masked once stays masked."""

    @_ROUND
    @given(_TEXTS, _TEXTS, st.booleans())
    def check(before: str, after: str, with_history: bool) -> None:
        seen = redactor.redact(after).seen if with_history else Seen()
        redacted = redactor.redact(f"{before}\nmy password is {_SECRET}\n{_TOKEN}\n{after}", seen)
        assert len(redacted.text.encode()) <= MESSAGE_CAP + 20 * redacted.count
        assert _SECRET not in redacted.text
        assert _TOKEN not in redacted.text
        again = redactor.redact(redacted.text, redacted.seen)
        assert _SECRET not in again.text

    return check


def redactor_of(folder: Path) -> Redactor:
    made = Redactor(folder)
    made.warm()
    return made
