"""What the redactor masks, leaves and costs on public sets: `python -m benchmarks.redaction`.

Tuning may look at one half of the templates of the PII set only; the other half is reported apart.
A text composed from a template belongs to that template's half. Intervals are Wilson's at 95 %.
"""

import argparse
import hashlib
import json
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

from benchmarks.public_sets import DEFAULT_DATA
from policies.redaction import Redactor

STRUCTURED = frozenset(
    {"CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"}
)
"""What is to be masked by its form. Web addresses and driving licences are left on purpose."""
LEFT = ("DOMAIN_NAME", "US_DRIVER_LICENSE", "STREET_ADDRESS", "ZIP_CODE", "PERSON")
"""Reported so that nobody takes them for masked."""
_Z = 1.96
_TUNED, _HELD_OUT = "tuned on", "held out"
_TARGETS = {"gitleaks": 0.99, "structured": 0.95, "kept": 0.995}
_TARGET_P95_MS = 25.0

Row = dict[str, Any]


@dataclass
class Share:
    """How many of how many, by name of what was counted."""

    counts: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, hit: bool) -> None:
        self.counts[name].append(hit)

    def line(self, name: str, target: float | None = None) -> str:
        hits, of = sum(self.counts[name]), len(self.counts[name])
        if not of:
            return f"  {name:36} none in this set"
        low, high = interval(hits, of)
        verdict = "" if target is None else f"  {'met' if hits / of >= target else 'MISS'} {target}"
        return f"  {name:36} {hits / of:.3f} [{low:.3f}, {high:.3f}] of {of}{verdict}"


@dataclass(frozen=True)
class Masked:
    """A text with the characters that the redactor takes out."""

    hidden: frozenset[int]

    def covers(self, start: int, end: int) -> bool:
        return all(at in self.hidden for at in range(start, end))

    def touches(self, start: int, end: int) -> bool:
        return any(at in self.hidden for at in range(start, end))


class Bench:
    """One redactor over every set; remembers how long each message took."""

    def __init__(self, data: Path) -> None:
        self._redactor = Redactor()
        self._redactor.warm()
        self._data = data
        self.took: dict[str, list[float]] = defaultdict(list)

    def masked(self, text: str, group: str) -> Masked:
        begun = time.perf_counter()
        found = self._redactor.find(text)
        self.took[group].append((time.perf_counter() - begun) * 1000)
        return Masked(frozenset(at for each in found for at in range(each.start, each.end)))

    def rows(self, *place: str) -> list[Row]:
        path = self._data.joinpath(*place)
        if not path.is_file():
            return []
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def composed(self) -> Iterator[str]:
        """IT tickets with secrets and personal data of others mixed in."""
        share, rows = Share(), self.rows("security", "helpdesk_redaction", "data.jsonl")
        half = _halves(self.rows("security", "presidio_synth", "data.jsonl"))
        for row in rows:
            masked = self.masked(row["text"], "tickets with secrets and PII")
            for start, end, kind, _ in row["spans"]:
                if kind == "SECRET_LINE":
                    # The line is what is labelled; which part of it is the secret is not known.
                    share.add("gitleaks-type lines", masked.touches(start, end))
                elif kind == "SECRET":
                    share.add("CredSweeper values", masked.covers(start, end))
                elif kind in STRUCTURED:
                    share.add(f"structured PII, {half(row)}", masked.covers(start, end))
            for start, end in _identifiers(row):
                share.add("identifiers kept", not masked.touches(start, end))
        yield f"helpdesk_redaction ({len(rows)} messages)"
        yield share.line("gitleaks-type lines", _TARGETS["gitleaks"])
        yield share.line("CredSweeper values")
        yield share.line(f"structured PII, {_TUNED}")
        yield share.line(f"structured PII, {_HELD_OUT}")
        yield share.line("identifiers kept", _TARGETS["kept"])

    def synthetic(self) -> Iterator[str]:
        """Bank-like messages with personal data from templates."""
        rows = self.rows("security", "presidio_synth", "data.jsonl")
        half, share = _halves(rows), Share()
        for row in rows:
            masked = self.masked(row["text"], "messages with PII")
            for start, end, kind, _ in row["spans"]:
                hit = masked.covers(start, end)
                share.add(f"{kind}, {half(row)}", hit)
                if kind in STRUCTURED:
                    share.add(f"structured, {half(row)}", hit)
        yield f"presidio_synth ({len(rows)} messages)"
        for name in (_TUNED, _HELD_OUT):
            target = _TARGETS["structured"] if name == _HELD_OUT else None
            yield share.line(f"structured, {name}", target)
            for kind in (*sorted(STRUCTURED), *LEFT):
                yield share.line(f"{kind}, {name}")

    def harmless(self) -> Iterator[str]:
        """How many messages without anything to hide lose a character."""
        sets = {
            "xstest": self.rows("security", "xstest", "data.jsonl"),
            "cyberseceval_frr": self.rows("security", "cyberseceval_frr", "data.jsonl"),
            "IT tickets": self.rows("it-service-tickets", "eval_800.jsonl"),
            "TechQA questions": self.rows("techqa-sample", "questions.jsonl"),
            "technotes, first 1,000 letters": [
                {"text": row["text"][:1000]} for row in self.rows("techqa-sample", "corpus.jsonl")
            ],
            "FAQ questions": self.rows("it-kb", "csc_faq_questions.jsonl"),
        }
        share = Share()
        for name, rows in sets.items():
            for row in rows:
                share.add(name, bool(self.masked(row["text"], "ordinary messages").hidden))
        yield "touched although nothing is labelled there (lower is better)"
        yield from (share.line(name) for name in sets)

    def disclosed(self) -> Iterator[str]:
        """Passwords that people typed into a chat, one message at a time."""
        rows, share = self.rows("multidogo-software", "secrets_disclosed.jsonl"), Share()
        for row in rows:
            for turn in row["turns"]:
                self._turn(turn, share)
        yield f"multidogo-software ({len(rows)} conversations)"
        yield from (
            share.line(name) for name in ("password tokens", "password tokens with a digit")
        )
        yield from (share.line(name) for name in ("tokens named password or the like", "touched"))

    def _turn(self, turn: Row, share: Share) -> None:
        text, slots = turn["text"], (turn["slots"] or "").split()
        masked = self.masked(text, "chat turns")
        tokens = list(re.finditer(r"\S+", text))
        said = re.search(r"\bpass|\bpw|\bpin\b|\bcode\b", text, re.IGNORECASE) is not None
        for token, slot in zip(tokens, slots, strict=False):
            if slot != "password":
                continue
            hit = masked.covers(*token.span())
            share.add("password tokens", hit)
            if re.search(r"\d", token[0]):
                share.add("password tokens with a digit", hit)
            if said:
                share.add("tokens named password or the like", hit)
        if "password" not in slots:
            share.add("touched", bool(masked.hidden))

    def cost(self) -> Iterator[str]:
        yield "milliseconds a message"
        for group, took in self.took.items():
            ordered = sorted(took)
            p95 = ordered[round(0.95 * (len(ordered) - 1))]
            verdict = "met" if p95 <= _TARGET_P95_MS else "MISS"
            median = statistics.median(ordered)
            yield (
                f"  {group:36} median {median:.2f}, p95 {p95:.2f}, most {ordered[-1]:.1f}"
                f"  {verdict} {_TARGET_P95_MS:g}"
            )


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share."""
    share, z2 = hits / of, _Z * _Z / of
    middle = (share + z2 / 2) / (1 + z2)
    half = _Z * sqrt(share * (1 - share) / of + z2 / of / 4) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def _halves(templates: Sequence[Row]) -> "Halves":
    return Halves({row["text"]: row["template_id"] for row in templates})


@dataclass(frozen=True)
class Halves:
    """Which half a message belongs to, by hash of the template that it was made from."""

    template_of: Mapping[str, int]

    def __call__(self, row: Row) -> str:
        template = row.get("template_id")
        if template is None:
            quoted = (t for text, t in self.template_of.items() if row["text"].endswith(text))
            template = next(quoted, row["id"])
        digest = hashlib.sha256(f"template {template}".encode()).digest()
        return _TUNED if digest[0] % 2 else _HELD_OUT


def _identifiers(row: Row) -> Iterator[tuple[int, int]]:
    for name in row.get("keep", ()):
        yield from (m.span() for m in re.finditer(re.escape(name), row["text"]))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redaction", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the public sets")
    given = parser.parse_args(arguments)
    if not (given.data / "security").is_dir():
        print(f"Skipped: {given.data}/security is not there. Name its parent with --data.")
        return 0
    bench = Bench(given.data)
    for part in (bench.composed, bench.synthetic, bench.harmless, bench.disclosed, bench.cost):
        print("\n".join(part()), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
