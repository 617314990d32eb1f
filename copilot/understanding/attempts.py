"""What the employee says they already tried."""

import re

from copilot.conversation import AttemptedStep
from copilot.understanding.patterns import patterns

_MAX_STEPS = 8
_FUTURE = re.compile(
    r"\b(?:will|going to|should|shall|can|could|may|must|need to|have to|want to|how (?:do|to)|do|does)"
    r"\s*(?:i|we|you)?\s*$",
    re.IGNORECASE,
)


def attempted_steps(text: str) -> tuple[AttemptedStep, ...]:
    """Steps reported in the past tense. A step counts as failed while the problem is still described."""
    worked = bool(patterns().worked.search(text))
    found: dict[str, AttemptedStep] = {}
    for pattern in patterns().tried.values():
        for match in pattern.finditer(text):
            if _FUTURE.search(text[max(0, match.start() - 30) : match.start()]):
                continue
            step = re.sub(r"\s+", " ", match.group()).strip(" ,")
            found.setdefault(
                step.lower(),
                AttemptedStep(
                    step=step, outcome="worked" if worked else "failed", source="employee"
                ),
            )
    return tuple(found.values())[:_MAX_STEPS]
