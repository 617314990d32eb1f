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
_NOT_DONE = re.compile(
    r"(?:\b(?:not|never|without|since|before|nobody|no one)|n['\u2019]?t)"
    r"\s+(?:(?:i|we|have|even|yet|having|ever)\s+)*$",
    re.IGNORECASE,
)
"""Says that it was not done, or tells when the trouble began: "I haven't restarted", "since I updated"."""
_NOTHING = re.compile(
    r"^\W*(?:(?:i|we|have|ve|just)\W+)*(?:tried|changed|checked)\s+nothing\b", re.IGNORECASE
)


def attempted_steps(text: str) -> tuple[AttemptedStep, ...]:
    """Steps reported in the past tense. A step counts as failed while the problem is still described."""
    worked = bool(patterns().worked.search(text))
    found: dict[str, AttemptedStep] = {}
    for pattern in patterns().tried.values():
        for match in pattern.finditer(text):
            before, own = text[max(0, match.start() - 30) : match.start()], match.group()
            if _FUTURE.search(before) or _NOT_DONE.search(before) or _NOTHING.search(own):
                continue
            # "restarted it, still down" names a step and then its outcome.
            step = re.sub(r"\s+", " ", patterns().unchanged.split(own)[0]).strip(" ,.;-")
            found.setdefault(
                step.lower(),
                AttemptedStep(
                    step=step, outcome="worked" if worked else "failed", source="employee"
                ),
            )
    return tuple(found.values())[:_MAX_STEPS]
