"""File sizes over time on a logarithmic scale: a band from the smallest to the largest file of a few days."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.axis import Days, axis
from webapp.charts.svg import element, picture
from webapp.vocabulary import size

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 396, 120, 34, 394, 4
BUCKETS = 200  # each draws two points
_IDENT = "sizes"


class File(NamedTuple):
    """A day (ordinal), the size of its file and whether it is flat."""

    day: int
    size: int
    flat: bool


class Bucket(NamedTuple):
    """The files of a few days."""

    number: int
    flat: bool
    middle: float
    least: int
    most: int


def sizes(symbol: str, files: Sequence[File], flat_level: int) -> Markup:
    """Return the chart, or nothing without files. Files below the level, a few in a row, are flat."""
    if not files:
        return Markup("")
    days = Days(files[0].day, files[-1].day, LEFT, RIGHT)
    lows = [each.size for each in files if each.size]
    scale = _Scale(min(*lows, flat_level), max(*lows, flat_level)) if lows else _Scale(flat_level, flat_level)
    parts = [*scale.lines(), *axis(days, [(TOP, HEIGHT)], HEIGHT)]
    parts += [_band(segment, days, scale) for segment in segments(buckets(files))]
    y = scale.at(flat_level)
    parts.append(element("path", class_="level", d=f"M{LEFT} {y:.2f}H{RIGHT}"))
    told = f"flat below {_short(flat_level)}"
    parts.append(element("text", told, class_="told", x=RIGHT, y=y - 2, text_anchor="end"))
    return picture(_IDENT, WIDTH, HEIGHT + 13, f"File sizes of {symbol}", _description(files), parts)


def buckets(files: Sequence[File]) -> list[Bucket]:
    """Return at most BUCKETS of them, each of the same number of days; one with a traded file counts as traded."""
    first = files[0].day
    days = -(-(files[-1].day - first + 1) // BUCKETS)
    found = []
    for number, group in groupby(files, key=lambda each: (each.day - first) // days):
        inside = list(group)
        flat = all(each.flat for each in inside)
        weights = [each.size for each in inside]
        found.append(Bucket(number, flat, (inside[0].day + inside[-1].day + 1) / 2, min(weights), max(weights)))
    return found


def segments(found: Sequence[Bucket]) -> Iterator[list[Bucket]]:
    """Split buckets where one has no file, and where files become flat or cease to be."""
    segment: list[Bucket] = []
    for each in found:
        if segment and (each.flat != segment[-1].flat or each.number > segment[-1].number + 1):
            yield segment
            segment = []
        segment.append(each)
    yield segment


class _Scale:
    """Bytes on a logarithmic scale, from below the least to above the most."""

    def __init__(self, least: int, most: int) -> None:
        self._low, self._high = math.log10(least * 0.8), math.log10(most * 1.25)

    def at(self, value: int) -> float:
        """Return where a size lies; an empty file lies at the foot."""
        share = (math.log10(value) - self._low) / (self._high - self._low) if value else 0
        return HEIGHT - max(share, 0) * (HEIGHT - TOP)

    def lines(self) -> Iterator[Markup]:
        """Return lines and names of 1, 2 and 5 times powers of ten; of many, the powers alone."""
        powers = range(math.floor(self._low), math.ceil(self._high) + 1)
        steps = (1, 2, 5) if len(powers) <= 4 else (1,)  # noqa: PLR2004 - more names than that would touch
        for value in (step * 10**power for power in powers if power >= 0 for step in steps):
            if self._low <= math.log10(value) <= self._high:
                y = self.at(value)
                yield element("path", class_="line", d=f"M{LEFT} {y:.2f}H{RIGHT}")
                yield element("text", _short(value), x=LEFT - 3, y=y + 3, text_anchor="end")


def _band(segment: Sequence[Bucket], days: Days, scale: _Scale) -> Markup:
    upper = [(days.at(each.middle), scale.at(each.most)) for each in segment]
    lower = [(days.at(each.middle), scale.at(each.least)) for each in reversed(segment)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in [*upper, *lower])
    looks = "band" + " flat" * segment[0].flat + " dot" * (len(segment) == 1)
    return element("path", class_=looks, d=f"M{path}Z")


def _description(files: Sequence[File]) -> str:
    weights = sorted(each.size for each in files)
    middle = size(weights[len(weights) // 2])
    flat = sum(each.flat for each in files)
    told = f"{len(files):,} files from {size(weights[0])} to {size(weights[-1])}, median {middle}"
    return f"Smallest and largest file over time, on a logarithmic scale: {told}; {flat:,} of them flat."


def _short(value: int) -> str:
    return size(value).replace(".0 ", " ")
