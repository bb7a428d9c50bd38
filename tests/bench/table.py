"""The one table: what was measured, what it should be, and whether it is."""

from collections.abc import Sequence
from typing import NamedTuple

_HEADS = ("measured", "result", "target", "ratio", "met")
_DECIMALS = {"s": 2, "ms": 2, "MB": 1, "kB": 1, "": 0}


class Row(NamedTuple):
    """One line of the table; ``met`` is None where there is no target."""

    what: str
    result: str
    target: str = ""
    ratio: str = ""
    met: bool | None = None
    exact: bool = False  # no noise of the machine excuses it


def at_most(what: str, value: float, bound: float, unit: str) -> Row:
    """A figure that has an upper bound."""
    return Row(what, _show(value, unit), f"≤ {_show(bound, unit)}", f"{value / bound:.2f}", value <= bound)


def at_least(what: str, value: float, bound: float) -> Row:
    """A ratio that has a lower bound."""
    return Row(what, f"{value:.1f}", f"≥ {bound:g}", f"{value / bound:.2f}", value >= bound)


def exactly(what: str, value: int, wanted: int) -> Row:
    """A count that must be met."""
    ratio = f"{value / wanted:.2f}" if wanted else ""
    return Row(what, _show(value, ""), _show(wanted, ""), ratio, value == wanted, exact=True)


def known(what: str, value: float, unit: str) -> Row:
    """A figure without a target."""
    return Row(what, _show(value, unit))


def beside(what: str, value: float, ours: float) -> Row:
    """Another tool's seconds for the same listing; the ratio says how many times ours they are."""
    return Row(what, _show(value, "s"), f"ours: {_show(ours, 's')}", f"{value / ours:.2f}")


def absent(what: str) -> Row:
    """Something that cannot be measured here."""
    return Row(what, "not installed")


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table in Markdown, columns aligned so that it reads as plain text too."""
    texts = [_HEADS, *((*row[:4], _MET[row.met]) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    drawn = ["| " + " | ".join(map(str.ljust, text, widths)) + " |" for text in texts]
    return [drawn[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *drawn[1:]]


_MET = {True: "yes", False: "**no**", None: ""}


def _show(value: float, unit: str) -> str:
    return f"{value:,.{_DECIMALS[unit]}f} {unit}".rstrip()
