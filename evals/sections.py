"""The sections of a summary: figures with their intervals, and what is made of them for one split."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from evals.case import Dimension, FailureTag, Split, Value
from evals.grade import Deflection

_DIGITS = 8
Number = Annotated[
    float, Field(allow_inf_nan=False), AfterValidator(lambda x: round(x, _DIGITS) + 0.0)
]
Unit = Literal["score", "rate", "minutes", "ms", "usd", "index"]
Role = Literal["candidate", "calibrating"]
Verdict = Literal["better", "not worse", "cannot tell", "worse"]
Met = Literal["met", "not met", "cannot tell"]
Owner = Literal["prompt", "retrieval", "knowledge", "policy", "routing"]
By = Literal[
    "category", "kind", "tone", "noise", "language", "length", "urgency", "split", "channel"
]


class Figure(Value):
    """One number. A score runs from 1 to 5, a rate from 0 to 1."""

    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    n: int = 0
    """Cases (or pairs, or replies, as the note says) that it rests on."""
    clusters: int | None = None
    """Incident families among them."""
    events: Number | None = None
    """Rates: the cases counted, a case of three epochs as thirds."""
    unit: Unit = "rate"
    method: str = "none"
    """How the interval was made, in words for the report."""
    design_effect: Number | None = None
    note: str | None = None


class Coverage(Value):
    """What was asked, what was scored, and why the rest was not."""

    asked: int
    """Rows (case x epoch) that could be put to the system."""
    scored: int
    causes: dict[str, int]
    """vendor_error, timeout, harness_error, missing, unscored; all named, zeros too."""
    not_deliverable: int
    """Attacks on a channel that the system does not let us reach; not among those asked."""
    criteria_unscored: Number
    """Share of criteria of scored rows without a verdict."""
    errors_excluded: Figure
    errors_as_failures: Figure
    """The two ends of the bracket, on the score."""

    @property
    def share(self) -> float:
        return self.scored / self.asked if self.asked else 0.0


class Target(Value):
    """A row of the table that opens the report (S71-S76)."""

    id: str
    name: str
    target: str
    """In words: "4.2 of 5 or more"."""
    figure: Figure
    met: Met
    note: str


class Quadrants(Value):
    """Factuality against utility, shares of cases (S61)."""

    factual_from: Number
    useful_from: Number
    n: int
    factual_useful: Number
    factual_not_useful: Number
    """True and of no help."""
    useful_not_factual: Number
    """Reads well and is wrong: the dangerous one."""
    neither: Number


class Quality(Value):
    """The weighted score and what it is made of."""

    score: Figure
    score_t: Figure
    """The same with a t interval over clusters, beside the bootstrap."""
    unweighted: Figure
    """Every case alike instead of by demand."""
    dimensions: dict[Dimension, Figure]
    levels: dict[str, int]
    """Cases by rounded score, "1" to "5"."""
    passed: Figure
    """Cases that score `pass_from` or more without a harmful answer."""
    pass_from: Number
    factuality: Figure
    utility: Figure
    quadrants: Quadrants | None
    safe_usefulness: Figure


class CriticalFailure(Value):
    """A harmful answer, with what it rests on."""

    case: str
    epoch: int
    category: str
    criterion: str
    tag: FailureTag
    reason: str
    quote: str | None


class Channel(Value):
    """Planted instructions by the way they came in."""

    channel: str
    cases: int
    rows: int
    delivered: int
    delivery_unknown: int
    not_deliverable: int
    obeyed: Figure
    """Of the cases that arrived or may have arrived; `high` is the exact 95 % upper bound."""


class Safety(Value):
    """No average here: counts, exact bounds and the answers themselves."""

    critical: tuple[CriticalFailure, ...]
    harmful: Figure
    """Cases with at least one harmful answer; exact bounds."""
    restricted: Figure
    """Cases of restricted actions kept, other than mandatory escalation (D6); exact bounds."""
    injection: tuple[Channel, ...]
    redaction_recall: Figure
    """Cases with typed secrets of which none stands again in reply, handoff, ticket or log."""


class Confusion(Value):
    """Rows by the best accepted disposition (down) and what the system did (across)."""

    expected: tuple[str, ...]
    got: tuple[str, ...]
    """With "other" for a reply whose disposition can't be told."""
    rows: tuple[tuple[int, ...], ...]


class Escalation(Value):
    """How well cases are routed to people."""

    rate: Figure
    expected: Figure
    """Share of cases whose label prefers people: read the rate beside it."""
    acceptable: Figure
    """Share of cases whose label accepts people: the base rate of precision."""
    mandatory_recall: Figure
    """A case counts as missed if any epoch missed it; exact bounds."""
    disguised_recall: Figure
    missed: tuple[str, ...]
    """Ids of mandatory cases that did not reach people."""
    precision: Figure
    """Of the escalated, those whose label accepts it."""
    recall: Figure
    """Of those whose label accepts nothing else, the escalated."""
    appropriate: Figure
    """Of the escalated, those escalated for the right reason (S26)."""
    reason_stated: Figure
    queue_accuracy: Figure
    """Of the rightly escalated, those in an accepted queue; a queue not named is not accepted."""
    handoff_complete: Figure
    """Of the escalated, handoffs that carry every field tier 2 needs, supported by what was said."""
    handoff_fields: dict[str, Number]
    """Share of escalated rows that fill each required field or name it missing."""
    over: Figure
    """Of the cases that need nobody, the escalated."""
    under: Figure
    """Of the cases that need people, those kept from them."""
    clarification_rate: Figure
    wasted_clarifications: Figure
    """Of the questions asked back, those whose answer changes nothing."""
    confusion: Confusion


class Outcomes(Value):
    """How cases end: containment for single turns, deflection for scripted dialogues (D12)."""

    contained: Figure
    """Single turns that stay with the system. No outcome is known: this is not deflection."""
    contained_right: Figure
    """Of all single turns, those kept and passed."""
    dialogues: int
    ends: dict[Deflection, Number]
    """Shares of all dialogues with an outcome; they add up to 1 (D5)."""
    ungraded: int
    """Dialogue rows without an outcome graded."""
    deflected_confirmed: Figure
    """The low bound (D9)."""
    deflected_likely: Figure
    """Confirmed and likely: the high bound."""
    frequent: tuple[str, ...]
    """The categories of high demand that the target is about."""
    frequent_confirmed: Figure
    frequent_likely: Figure


class Times(Value):
    """Minutes and waits against the baseline, which is assumed."""

    formula: str
    first_response: Figure
    """Median wait for the first reply, ms."""
    handle: Figure
    """Mean minutes from the question to the system's last reply."""
    resolution: Figure
    """Mean minutes from question to closure."""
    resolution_median: Figure
    baseline: Figure
    """The same dialogues handled by people, assumed in the cases."""
    faster: Figure
    """Share of the baseline that is saved."""


class Failure(Value):
    """One kind of failure: how often, whose to mend, and in words (S65-S67)."""

    tag: FailureTag
    owner: Owner
    rate: Figure
    of: str
    """What it is a share of, in words."""
    sentence: str
    worst_category: str | None = None
    cases: tuple[str, ...] = ()
    """Up to ten ids."""


class Latency(Value):
    """Wait for a reply in ms, over replies."""

    n: int
    cached: int
    p50: Figure
    p90: Figure
    p95: Figure
    p99: Figure


class Cost(Value):
    """What the system charged, and the blended cost once `economics` has been over it."""

    measured: Figure
    """Mean of the calls' cost for a case, usd; without anything around the model."""
    total_usd: Number
    blended: Figure | None = None
    baseline_usd: Number | None = None
    source: str | None = None
    """Where the baseline and the assumed lines come from."""


class Reliability(Value):
    """What changes from one run to the next."""

    epochs: int
    repeated: int
    """Cases with at least two scored epochs; without them nothing here is measured."""
    pass_k: dict[str, Figure]
    """By k: the chance that k runs of a case all pass."""
    worst_k: Figure
    """Mean of the worst epoch of each case."""
    flip_rate: Figure
    """Cases that pass in one epoch and fail in another."""
    sd_between_epochs: Number | None
    variance_between_epochs: Number | None
    icc: Figure
    """ICC(1): the share of variance that is the case's own."""
    cvar10: Figure
    """Mean of the worst tenth of the cases."""


class Calibration(Value):
    """Whether the confidence that a system states means anything."""

    n: int
    """Rows that state one."""
    ece: Figure
    auroc: Figure
    bins: tuple[tuple[Number, Number, int], ...]
    """Mean confidence, share passed, rows."""


class Half(Value):
    """One split of one system."""

    split: Split
    cases: int
    families: int
    quality: Quality
    safety: Safety
    escalation: Escalation
    outcomes: Outcomes
    times: Times
    failures: tuple[Failure, ...]
    latency: Latency
    cost: Cost
    reliability: Reliability
    calibration: Calibration
