"""The calendar: a year a row, a day a column, neighbouring days of the same kind as one rect."""

import datetime as dt
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from webapp.charts.runs import Run, between, join
from webapp.charts.svg import element, picture
from webapp.charts.textures import block, textures

LEFT, TOP, PITCH, HEIGHT = 28, 12, 15, 12  # units; a day is one unit wide
_COLUMNS = 366
_IDENT = "heatmap"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def heatmap(symbol: str, runs: Sequence[Run]) -> Markup:
    """Return the calendar of a symbol, or nothing where there is no day to show."""
    joined = join(runs)
    if not joined:
        return Markup("")
    first, last = _year(joined[0].first), _year(joined[-1].last)
    rows = range(first, last + 1)
    rects = (_rect(each, _year(each.first) - first) for run in joined for each in _by_year(run))
    parts = [textures(_IDENT, {run.kind for run in joined}), *_grounds(rows), *rects, *_months(len(rows))]
    title = f"Calendar of {symbol}"
    return picture(_IDENT, LEFT + _COLUMNS + 2, TOP + PITCH * len(rows), title, _description(joined), parts)


def _description(runs: Sequence[Run]) -> str:
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.kind] = counts.get(run.kind, 0) + run.days
    told = ", ".join(f"{count:,} {kind.replace('-', ' ')}" for kind, count in counts.items())
    return f"One row a year, one column a day, from {between(runs[0].first, runs[-1].last)}. Days: {told}."


def _by_year(run: Run) -> Iterator[Run]:
    """Split a run where years end."""
    first = run.first
    while first <= run.last:
        last = min(run.last, dt.date(_year(first), 12, 31).toordinal())
        yield Run(run.kind, first, last)
        first = last + 1


def _rect(run: Run, row: int) -> Markup:
    column = run.first - dt.date(_year(run.first), 1, 1).toordinal()
    count = f", {run.days} days" if run.days > 1 else ""
    title = f"{run.words}{count}: {run.kind.replace('-', ' ')}"
    return block(_IDENT, run.kind, (LEFT + column, TOP + PITCH * row, run.days, HEIGHT), title)


def _grounds(rows: range) -> Iterator[Markup]:
    """Return the years: their names, and all of their days as a pale ground."""
    for row, year in enumerate(rows):
        y = TOP + PITCH * row
        length = dt.date(year, 12, 31).timetuple().tm_yday
        yield element("text", str(year), x=0, y=y + 9)
        yield element("rect", class_="ground", x=LEFT, y=y, width=length, height=HEIGHT)


def _months(rows: int) -> Iterator[Markup]:
    """Return names and thin lines of the months; after February they are a day off in leap years."""
    starts = [dt.date(2023, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)]
    for name, start in zip(_MONTHS, starts, strict=True):
        yield element("text", name, x=LEFT + start + 1, y=TOP - 3)
    bottom = TOP + PITCH * rows - (PITCH - HEIGHT)
    yield element("path", class_="months", d="".join(f"M{LEFT + start} {TOP}V{bottom}" for start in starts[1:]))


def _year(day: int) -> int:
    return dt.date.fromordinal(day).year
