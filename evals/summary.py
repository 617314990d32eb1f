"""What a run says in figures: the one value that report, gate and exports read.

Every figure carries its interval, how it was made and on how many cases it rests. `None` is "not
measured" and never zero. The JSON is stable: same rows, seed and versions give the same bytes.
"""

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from evals.case import FailureTag, Value
from evals.errors import RunError
from evals.sections import (
    By,
    Calibration,
    Channel,
    Confusion,
    Cost,
    Coverage,
    CriticalFailure,
    Escalation,
    Failure,
    Figure,
    Half,
    Latency,
    Met,
    Number,
    Outcomes,
    Owner,
    Quadrants,
    Quality,
    Reliability,
    Role,
    Safety,
    Target,
    Times,
    Unit,
    Verdict,
)

__all__ = [
    "Agreement",
    "Band",
    "Breakdown",
    "By",
    "Calibration",
    "Channel",
    "Comparison",
    "Confusion",
    "Contexts",
    "Cost",
    "Coverage",
    "CriticalFailure",
    "Difference",
    "Escalation",
    "Failure",
    "Figure",
    "Half",
    "Latency",
    "Met",
    "Number",
    "Outcomes",
    "Owner",
    "Provenance",
    "Quadrants",
    "Quality",
    "Rank",
    "Ranking",
    "Reliability",
    "Role",
    "Safety",
    "Slice",
    "Summary",
    "System",
    "Target",
    "Times",
    "Twins",
    "Unit",
    "Verdict",
    "WorstCase",
    "read",
    "write",
]


class Slice(Value):
    """One value of one breakdown. Exploratory: intervals, no tests."""

    name: str
    n: int
    demand: Number | None = None
    """Share of real tickets; categories only."""
    score: Figure
    shrunk: Number | None
    """The mean drawn to the system's, by how little the slice knows."""
    passed: Figure
    escalated: Figure
    harmful: int


class Breakdown(Value):
    """A system by one property of the cases."""

    by: By
    slices: tuple[Slice, ...]


class Twins(Value):
    """Clean cases against their noisy twins."""

    pairs: int
    clean: Figure
    noisy: Figure
    gap: Figure
    """Clean minus noisy, paired."""


class Contexts(Value):
    """The same words in another context (S49)."""

    pairs: int
    right_on_both: Figure
    wrong: tuple[str, ...]
    """Pairs with a side that failed."""


class WorstCase(Value):
    """One of the worst cases of a system: harmful ones first (D4)."""

    case: str
    category: str
    score: Number
    epochs: tuple[Number | None, ...]
    harmful: bool
    failures: tuple[FailureTag, ...]
    explanation: str
    said: str
    reply: str


class Band(Value):
    """Where a calibrating system must land for the benchmark to be believed."""

    what: str
    wanted: str
    value: Number | None
    inside: bool


class System(Value):
    """Everything about one system. `test` is the headline; `dev` stands beside it."""

    name: str
    role: Role
    reference: bool
    hash: str
    versions: dict[str, str]
    declared: Number | None
    """Share of replies whose disposition the system named; the rest was read from the text."""
    verdict: str
    """One sentence."""
    coverage: Coverage
    targets: tuple[Target, ...]
    test: Half
    dev: Half | None
    breakdowns: tuple[Breakdown, ...]
    twins: Twins | None
    contexts: Contexts | None
    worst: tuple[WorstCase, ...]
    bands: tuple[Band, ...] = ()
    """Calibrating systems only."""


class Difference(Value):
    """System minus reference on the cases that both answered, one measure."""

    measure: str
    unit: Unit
    higher_is_better: bool
    primary: bool
    delta: Number | None
    low: Number | None
    high: Number | None
    n: int
    clusters: int
    p: Number | None
    """Sign flips of whole families."""
    p_adjusted: Number | None
    """Holm for the primary measure; for the others the false discovery rate q."""
    margin: Number
    verdict: Verdict
    detectable: Number | None
    """The smallest difference that this sample finds with power 0.8."""
    n_needed: int | None
    """Cases that would settle a "cannot tell"."""
    method: str
    sentence: str


class Comparison(Value):
    """One system against the reference."""

    system: str
    reference: str
    role: Role
    primary: Difference
    primary_errors_as_failures: Difference
    secondary: tuple[Difference, ...]
    sentence: str


class Rank(Value):
    """A place. Systems that can't be told apart share one."""

    place: int
    system: str
    score: Figure


class Ranking(Value):
    """The order of the candidates, or why there is none."""

    ranks: tuple[Rank, ...]
    withheld: tuple[str, ...]
    """Sentences; empty: the ranking stands."""
    preferred: str | None
    """Of those not worse than the best: fewest harmful answers, then the better worst tenth (S123)."""
    sentence: str


class Agreement(Value):
    """Two label passes compared, one field."""

    field: str
    n: int
    same: Number
    alpha: Figure
    """Krippendorff's alpha, bootstrap over cases."""
    level: Literal["nominal", "ordinal"]
    kappa: Number | None
    """Quadratic kappa for ordinal fields, plain for nominal ones."""


class Provenance(Value):
    """What it takes to make the same figures again."""

    suite: str
    suite_version: int
    suite_hash: str
    rubric: str
    rubric_version: int
    label: str
    """synthetic, real or mixed."""
    share_synthetic: Number
    validated: str
    """Who has and who has not validated the labels."""
    cases: dict[str, int]
    """By split, and dialogues."""
    epochs: int
    seed: int
    resamples: int
    margins: dict[str, Number]
    pass_from: Number
    command: str
    started: AwareDatetime | None
    versions: dict[str, str]
    hashes: dict[str, dict[str, str]]
    """By system: suite, rubric, graders, configuration."""
    judge: str | None
    agreement: tuple[Agreement, ...]
    deviations: tuple[str, ...]
    """What was done otherwise than declared; empty: nothing."""


class Summary(Value):
    """A run in figures."""

    format: Literal[1] = 1
    provenance: Provenance
    systems: tuple[System, ...]
    """Candidates first, the reference before them; calibrating systems last."""
    comparisons: tuple[Comparison, ...]
    ranking: Ranking
    warnings: tuple[str, ...]
    """What a reader must know before the first figure: bands missed, few clusters, labels."""

    def system(self, name: str) -> System:
        """The system of this name. Raises `KeyError`."""
        for system in self.systems:
            if system.name == name:
                return system
        raise KeyError(name)


def read(file: Path) -> Summary:
    """The summary in a file. Raises `RunError`."""
    try:
        return Summary.model_validate_json(file.read_text("utf-8"))
    except OSError as error:
        message = f"{file}: it can't be read ({error.strerror}). Run `evals regrade` to make it."
        raise RunError(message) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        message = f"{file}: {place}: {first['msg']}. Run `evals regrade` to make it again."
        raise RunError(message) from error


def write(summary: Summary, file: Path) -> None:
    """Writes it as stable JSON."""
    file.write_text(summary.model_dump_json(indent=1) + "\n", "utf-8")
