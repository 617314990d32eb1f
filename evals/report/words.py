"""Figures in words: one way to write a rate, a score, a wait and an interval. Pure."""

from decimal import ROUND_HALF_UP, Decimal

from evals.summary import Figure, Unit

NOT_MEASURED = "not measured"
_PER_CENT = 100
_MS_IN_SECOND = 1_000


def number(value: float | None, unit: Unit) -> str:
    """`4.21`, `93.4 %`, `12 min`, `140 ms`, `1.8 s`, `$0.012`; a dash where nothing was measured."""
    if value is None:
        return "–"  # noqa: RUF001  # a dash in a table
    if unit == "rate":
        return f"{_rounded(value * _PER_CENT, 1)} %"
    if unit == "minutes":
        return f"{_rounded(value, 1)} min"
    if unit == "usd":
        return f"${_rounded(value, 2 if abs(value) >= 1 or value == 0 else 4)}"
    if unit == "ms":
        return (
            f"{_rounded(value / _MS_IN_SECOND, 1)} s"
            if value >= _MS_IN_SECOND
            else f"{_rounded(value, 0)} ms"
        )
    return str(_rounded(value, 2))


def interval(figure: Figure) -> str:
    """`[3.9, 4.4]`, or nothing where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = (number(end, figure.unit) for end in (figure.low, figure.high))
    return f"[{low.removesuffix(' %')}, {high}]"


def figure(value: Figure) -> str:
    """A figure with its interval: `93.4 % [90.1, 95.9 %]`."""
    if value.value is None:
        return NOT_MEASURED
    return " ".join(filter(None, (number(value.value, value.unit), interval(value))))


def basis(value: Figure) -> str:
    """What a figure rests on, for a tooltip: cases, families, method, note."""
    parts = [f"n = {value.n}"]
    if value.clusters:
        parts.append(f"{value.clusters} families")
    if value.design_effect:
        parts.append(f"design effect {_rounded(value.design_effect, 2)}")
    if value.method != "none":
        parts.append(value.method)
    if value.note:
        parts.append(value.note)
    return "; ".join(parts)


def plain(name: str) -> str:
    """`over_escalation` as people write it."""
    return name.replace("_", " ")


def signed(value: float | None, unit: Unit) -> str:
    """A difference: `+0.21`, `-3.0 points` with a real minus."""
    if value is None:
        return "–"  # noqa: RUF001
    sign = "+" if value > 0 else "−" if value < 0 else ""  # noqa: RUF001
    if unit == "rate":
        return f"{sign}{_rounded(abs(value) * _PER_CENT, 1)} points"
    return sign + number(abs(value), unit)


def _rounded(value: float, digits: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
