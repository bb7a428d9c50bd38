"""The matrix of symbols by months: a month's kind from the runs of days, neighbouring months of a kind as one rect."""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.svg import element
from webapp.charts.textures import textures

WIDTH, HEIGHT = 4, 8  # of one month, each unit two pixels or less
KINDS = {
    "whole": "every day is held",
    "most": "90 % of the days or more",
    "part": "half of the days or more",
    "little": "less than half of the days",
    "none": "no day: all are missing",
    "flat": "every day is held, and most show no trade",
    "unlooked": "nobody has looked at all days",
}
_HEIGHTS = {"most": 6, "part": 4, "little": 2}  # how full a month is shows without colour too
_LOOKS = {"whole": "c-available", "none": "c-missing", "flat": "c-flat", "unlooked": "c-not-looked"}
_TEXTURES = {"none": "missing", "flat": "flat", "unlooked": "not-looked"}
_MOST, _PART = 0.9, 0.5
Run = tuple[str, int, int]  # kind, first month, number of months; months count from the year 0


class Series(NamedTuple):
    """A symbol's days, from its earliest to its latest one held: all are held but the runs that are absent."""

    earliest: str
    latest: str
    absent: Sequence[tuple[str, str, bool]] = ()  # first day, last day, whether a complete listing looked
    flat: Sequence[tuple[str, str]] = ()  # first day, last day of files that show no trade


def month_of(day: str) -> int:
    """Return the number of a day's month."""
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def runs(series: Series) -> list[Run]:
    """Return the kinds of a symbol's months, run by run; a month counts the days from earliest to latest only."""
    first, last = month_of(series.earliest), month_of(series.latest)
    counts: dict[int, list[int]] = {}
    for start, end, is_looked in series.absent:
        _count(counts, 0 if is_looked else 1, max(start, series.earliest), min(end, series.latest))
    for start, end in series.flat:
        _count(counts, 2, max(start, series.earliest), min(end, series.latest))
    found: list[Run] = []
    following = first
    for month in sorted(counts):
        kind = _kind(_days_within(month, series), *counts[month])
        if kind != "whole":
            _add(found, "whole", following, month - following)
            _add(found, kind, month, 1)
            following = month + 1
    _add(found, "whole", following, last + 1 - following)
    return found


def row(found: Iterable[Run], first: int, count: int) -> str:
    """Return one symbol's picture, from a first month on; it says nothing, for the row's text does."""
    rects = "".join(_rect(kind, (month - first) * WIDTH, months * WIDTH) for kind, month, months in found)
    box = f"0 0 {count * WIDTH} {HEIGHT}"
    return f'<svg class="months" viewBox="{box}" preserveAspectRatio="none"><use href="#m-years"/>{rects}</svg>'


def shared(first: int, count: int) -> Markup:
    """Return what every row refers to: the textures, and a line at the beginning of each year."""
    lines = (
        element("path", d=f"M{(year * 12 - first) * WIDTH} 0v{HEIGHT}", vector_effect="non-scaling-stroke")
        for year in _years(first, count)
    )
    years = element("g", *lines, id="m-years", class_="m-years")
    defined = textures("m", _TEXTURES.values())
    return element("svg", defined, years, class_="m-shared", aria_hidden="true", focusable="false")


def header(first: int, count: int) -> Markup:
    """Return the years over the months; placed by shares of the width, so that no text is stretched."""
    texts = (
        element("text", str(year), x=f"{100 * (year * 12 - first) / count:.2f}%", y=12, dx=3)
        for year in _years(first, count)
        if year * 12 + 6 < first + count  # the name needs about half a year
    )
    return element("svg", *texts, class_="m-header", aria_hidden="true", focusable="false")


def key() -> Markup:
    """Return what the kinds look like, and mean."""
    return element(
        "ul", *(element("li", _sample(kind), " ", meaning) for kind, meaning in KINDS.items()), class_="legend"
    )


def _sample(kind: str) -> Markup:
    picture = Markup(_rect(kind, 0, 4 * WIDTH))  # noqa: S704 - names of our own, and numbers
    return element("svg", picture, viewBox=f"0 0 {4 * WIDTH} {HEIGHT}", aria_hidden="true", focusable="false")


def _rect(kind: str, x: int, width: int) -> str:
    height = _HEIGHTS.get(kind, HEIGHT)
    place = f'x="{x}" y="{HEIGHT - height}"' if height < HEIGHT else f'x="{x}"'
    fill = f' fill="url(#m-{_TEXTURES[kind]})"' if kind in _TEXTURES else ""
    return f'<rect class="{_LOOKS.get(kind, f"m-{kind}")}" {place} width="{width}" height="{height}"{fill}/>'


def _kind(days: int, missing: int, unlooked: int, flat: int) -> str:
    held = days - missing - unlooked
    if unlooked:  # whatever else is known of the month: what it holds is not
        return "unlooked"
    if missing:
        if not held:
            return "none"
        share = held / (held + missing)
        return "most" if share >= _MOST else "part" if share >= _PART else "little"
    return "flat" if 2 * flat >= held else "whole"


def _count(counts: dict[int, list[int]], what: int, start: str, end: str) -> None:
    """Add the days of a run to their months; a run outside the extent has none."""
    if start > end:
        return
    first, last = month_of(start), month_of(end)
    for month in range(first, last + 1):
        begin = int(start[8:]) if month == first else 1
        until = int(end[8:]) if month == last else _length(month)
        counts.setdefault(month, [0, 0, 0])[what] += until - begin + 1


def _days_within(month: int, series: Series) -> int:
    begin = int(series.earliest[8:]) if month == month_of(series.earliest) else 1
    until = int(series.latest[8:]) if month == month_of(series.latest) else _length(month)
    return until - begin + 1


def _add(found: list[Run], kind: str, month: int, count: int) -> None:
    if count and found and found[-1][0] == kind:
        found[-1] = (kind, found[-1][1], found[-1][2] + count)
    elif count:
        found.append((kind, month, count))


def _years(first: int, count: int) -> Iterator[int]:
    return (year for year in range(first // 12, (first + count) // 12 + 1) if first <= year * 12 < first + count)


@cache
def _length(month: int) -> int:
    return monthrange(month // 12, month % 12 + 1)[1]
