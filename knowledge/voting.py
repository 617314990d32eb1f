"""How much resolved tickets that are like a question speak for articles. Pure numpy, nothing behind it.

A neighbour counts by how far its cosine lies above a floor. An article's strength is the share of all
that counts which speaks for it, times how near those tickets are: so many weak neighbours, or an
article that half of all tickets end with, do not win by their number. What a strength is worth is
learnt from the tickets themselves, in the order in which they were resolved: how often was an article
with such a strength the one that helped? Where tickets seldom repeat, the answer is seldom.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Rows = NDArray[np.int64]

FLOOR = 0.3
"""Cosine up to which tickets have nothing in common but the language of IT."""
_STEPS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6])
"""Strengths between these count as alike."""
_DOUBT = 20
"""Votes that count as wrong beforehand in each step, so that few tickets lift little."""
_JUDGED = 1000
"""The latest tickets by which the worth is measured."""

NO_TRUST = (0.0,) * (len(_STEPS) + 1)


def strengths(cosines: Values, solved_by: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """Strength of each article that solved a neighbour, 0 to 1, and below 1 all together."""
    counts = np.maximum(cosines.astype(np.float64) - FLOOR, 0.0) / (1 - FLOOR)
    total = counts.sum()
    found: dict[str, float] = defaultdict(float)
    for count, articles in zip(counts.tolist(), solved_by, strict=True):
        for article in articles:
            if count > 0:
                found[article] += count * count / (total * len(articles))
    return found


def chance(strength: float, trust: Sequence[float]) -> float:
    """How likely an article of this strength helps, by what was learnt."""
    return trust[int(np.searchsorted(_STEPS, strength))]


def learn_trust(
    vectors: Values, solved_by: Sequence[Sequence[str]], neighbours: int
) -> tuple[float, ...]:
    """What each step of strength is worth. The tickets lie in the order of their resolution.

    Each of them is judged by the tickets before it alone, as it would have been on its day.
    """
    right = np.zeros(len(NO_TRUST))
    voted = np.zeros(len(NO_TRUST))
    for row in range(max(1, len(vectors) - _JUDGED), len(vectors)):
        cosines = vectors[:row] @ vectors[row]
        near = nearest(cosines, neighbours)
        votes = strengths(cosines[near], [solved_by[n] for n in near.tolist()])
        for article, strength in votes.items():
            step = int(np.searchsorted(_STEPS, strength))
            voted[step] += 1
            right[step] += article in solved_by[row]
    return tuple((right / (voted + _DOUBT)).tolist())


def nearest(cosines: Values, count: int) -> Rows:
    """Places of the highest cosines, highest first, equal ones by place."""
    return np.argsort(-cosines, kind="stable")[:count].astype(np.int64)
