"""Drawings as SVG that carry their figures as text, so that they print and can be read aloud. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _LEFT, _RIGHT, _ROW = 760, 190, 20, 34
_HEAD = 26
_FARTHEST = 4.0
"""Scores lie between 1 and 5: the drawing of an interval ends where no difference can be."""


@dataclass(frozen=True, slots=True)
class Whisker:
    """One line of a forest plot."""

    label: str
    value: float
    low: float
    high: float
    verdict: str
    said: str
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a stacked bar."""

    label: str
    value: float
    said: str


def forest(rows: Sequence[Whisker], margin: float, title: str) -> Markup:
    """Differences to the reference with their intervals; the band is the margin that does not matter."""
    if not rows:
        return Markup()
    farthest = max(margin * 2, *(abs(end) for row in rows for end in (row.low, row.high)))
    reach = min(farthest, _FARTHEST) * 1.08
    scale = (_WIDTH - _LEFT - _RIGHT) / (2 * reach)

    def x(value: float) -> float:
        return round(_LEFT + (max(-reach, min(value, reach)) + reach) * scale, 1)

    height = _HEAD + _ROW * len(rows) + 34
    foot = _HEAD + _ROW * len(rows)
    parts = [
        Markup('<rect class="band" x="{}" y="{}" width="{}" height="{}"/>').format(
            x(-margin), _HEAD - 8, round(2 * margin * scale, 1), foot - _HEAD + 8
        ),
        Markup('<line class="zero" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
            x(0), _HEAD - 8, foot
        ),
        *(_whisker(row, _HEAD + _ROW * n + _ROW // 2, x) for n, row in enumerate(rows)),
        *(_tick(value, x(value), foot) for value in _ticks(reach)),
        Markup(
            '<text class="side" x="{}" y="14" text-anchor="end">reference is better</text>'
        ).format(x(0) - 8),
        Markup('<text class="side" x="{}" y="14">system is better</text>').format(x(0) + 8),
    ]
    return _svg(height, title, "; ".join(row.said for row in rows), parts)


def _whisker(row: Whisker, y: int, x) -> Markup:  # type: ignore[no-untyped-def]  # the scale above
    return Markup(
        '<g class="v-{verdict}"><text class="name" x="{name}" y="{text}" text-anchor="end">{label}</text>'
        '<line class="whisker" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        '<circle cx="{value}" cy="{y}" r="5.5"/></g>'
    ).format(
        verdict=row.verdict.replace(" ", "-"),
        name=_LEFT - 12,
        text=y + 4,
        label=row.label,
        low=x(row.low),
        high=x(row.high),
        value=x(row.value),
        y=y,
    )


def _tick(value: float, at: float, foot: int) -> Markup:
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{:+g}</text>').format(
        at, foot + 18, value
    )


def _ticks(reach: float) -> list[float]:
    step = next(step for step in (0.1, 0.25, 0.5, 1.0, 2.0, 5.0) if reach / step <= 5)  # noqa: PLR2004
    count = int(reach / step)
    return [round(step * n, 2) for n in range(-count, count + 1)]


def stacked(parts: Sequence[Part], title: str) -> Markup:
    """One bar of pieces, each with its share; the legend beside it carries the figures."""
    total = sum(part.value for part in parts)
    if total <= 0:
        return Markup()
    at, drawn = 0.0, []
    for n, part in enumerate(parts):
        width = part.value / total * _WIDTH
        drawn.append(
            Markup(
                '<rect class="part-{}" x="{:.1f}" y="4" width="{:.1f}" height="30"><title>{}</title></rect>'
            ).format(n % 8, at, max(width - 1.5, 0), part.said)
        )
        at += width
    return _svg(38, title, "; ".join(part.said for part in parts), drawn)


def _svg(height: int, title: str, said: str, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        _WIDTH, height, f"{title}. {said}"
    )
    return head + Markup().join(parts) + Markup("</svg>")
