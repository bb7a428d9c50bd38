"""The lives of a ticker as bars over time: what is held of each, and from when on its files are flat."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.axis import Days, axis
from webapp.charts.runs import Run, between
from webapp.charts.svg import element, picture
from webapp.charts.textures import block, textures

WIDTH, PITCH, LABEL, BAR = 396, 27, 10, 11
_IDENT = "gantt"
_LEAST = 1.5  # units: a life of one day is to be seen


class Life(NamedTuple):
    """One life of a ticker; days are ordinals, ``traded`` is the last traded day or None."""

    number: int
    symbol: str
    first: int
    last: int
    traded: int | None


def gantt(ticker: str, lives: Sequence[Life], timespans: Sequence[tuple[str, int, int]]) -> Markup:
    """Return the lives, or nothing where there is none; timespans are symbol, first and last day."""
    if not lives:
        return Markup("")
    days = Days(min(each.first for each in lives), max(each.last for each in lives), 1, WIDTH - 1)
    bottom = PITCH * len(lives)
    bands = [(row * PITCH + LABEL + 2, (row + 1) * PITCH - 4) for row in range(len(lives))]
    parts = [textures(_IDENT, {"flat"}), *axis(days, bands, bottom)]
    for row, life in enumerate(lives):
        held = [(first, last) for symbol, first, last in timespans if symbol == life.symbol]
        parts += _life(life, held, days, row * PITCH)
    kinds = ", ".join(f"{each.symbol} {between(each.first, each.last)}" for each in lives)
    return picture(_IDENT, WIDTH, bottom + 13, f"Lives of {ticker}", f"One bar a life: {kinds}.", parts)


def pieces(life: Life, held: Sequence[tuple[int, int]]) -> Iterator[Run]:
    """Return what is held of a life, the traded and the flat part of each timespan apart."""
    flat_from = life.first if life.traded is None else life.traded + 1
    for first, last in held:
        start, end = max(first, life.first), min(last, life.last)
        if start <= min(end, flat_from - 1):
            yield Run("available", start, min(end, flat_from - 1))
        if max(start, flat_from) <= end:
            yield Run("flat", max(start, flat_from), end)


def _life(life: Life, held: Sequence[tuple[int, int]], days: Days, top: float) -> Iterator[Markup]:
    label = f"{life.number}: {life.symbol}, {between(life.first, life.last)}"
    yield element("text", label, x=1, y=top + LABEL - 1)
    middle = top + LABEL + 2 + BAR / 2
    yield element("path", class_="life", d=f"M{days.at(life.first):.2f} {middle:g}H{days.at(life.last + 1):.2f}")
    for run in pieces(life, held):
        x = min(days.at(run.first), days.right - _LEAST)
        width = max(days.at(run.last + 1) - x, _LEAST)
        yield block(_IDENT, run.kind, (x, top + LABEL + 2, width, BAR), f"{run.words}: {run.kind}")
