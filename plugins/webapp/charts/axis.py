"""Days along a chart: where they lie, and which of them are named."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.runs import date
from webapp.charts.svg import element

_MOST = 8  # names that fit on a phone
_MONTHS = 500  # days up to which months are named
_LETTER = 5.6  # units that a digit takes at most


class Days(NamedTuple):
    """The days from first to last, on the units from left to right."""

    first: int
    last: int
    left: float
    right: float

    def at(self, day: float) -> float:
        """Return where a day begins."""
        return self.left + (day - self.first) / (self.last + 1 - self.first) * (self.right - self.left)


def ticks(days: Days) -> list[tuple[int, str]]:
    """Return the days to be named: beginnings of years, of months for a short time, or the first day alone."""
    found = list(_years(days)) if days.last - days.first > _MONTHS else list(_months(days))
    return found[:: -(-len(found) // _MOST)] if found else [(days.first, date(days.first))]


def axis(days: Days, bands: Sequence[tuple[float, float]], bottom: float) -> list[Markup]:
    """Return lines over the height of some bands (top, bottom), and names under the bottom of the chart."""
    drawn = []
    for day, name in ticks(days):
        x = days.at(day)
        path = "".join(f"M{x:.2f} {top:g}V{end:g}" for top, end in [*bands, (bottom, bottom + 3)])
        drawn.append(element("path", class_="line", d=path))
        if x + 1.5 + _LETTER * len(name) <= days.right + 2 or day == days.first:
            drawn.append(element("text", name, x=x + 1.5, y=bottom + 10))
    return drawn


def _years(days: Days) -> Iterator[tuple[int, str]]:
    for year in range(dt.date.fromordinal(days.first).year, dt.date.fromordinal(days.last).year + 1):
        day = dt.date(year, 1, 1).toordinal()
        if day >= days.first:
            yield day, str(year)


def _months(days: Days) -> Iterator[tuple[int, str]]:
    for day in range(days.first, days.last + 1):
        written = date(day)
        if written.endswith("-01"):
            yield day, written[:7]
