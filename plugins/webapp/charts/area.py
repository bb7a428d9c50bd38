"""Symbols over time: areas of the files held, traded and flat, under the line of the symbols listed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.axis import Days, axis
from webapp.charts.runs import date
from webapp.charts.svg import element, picture
from webapp.charts.textures import textures

WIDTH, HEIGHT, LEFT, RIGHT, TOP = 396, 110, 26, 394, 6
WORDS = {"traded": "files of contracts that trade", "flat": "flat files, without a trade", "listed": "symbols listed"}
_IDENT = "area"
_SAMPLES = {"traded": "M0 0h14v7H0z", "flat": "M0 0h14v7H0z", "listed": "M0 3.5h14"}
_LINES = 5  # at most that many across


class Point(NamedTuple):
    """One day (ordinal): symbols that have begun and not ended, files held of them, and how many are flat."""

    day: int
    listed: int
    files: int
    flat: int


def area(points: Sequence[Point]) -> Markup:
    """Return the chart, or nothing without points; they come in the order of their days."""
    if not points:
        return Markup("")
    days = Days(points[0].day, points[-1].day, LEFT, RIGHT)
    top = max(max(each.listed, each.files) for each in points) or 1
    zero = [0.0] * len(points)
    traded = [float(each.files - each.flat) for each in points]
    files = [float(each.files) for each in points]
    listed = [float(each.listed) for each in points]
    parts = [
        textures(_IDENT, ["flat"]),
        *_lines(top),
        *axis(days, [(TOP, HEIGHT)], HEIGHT),
        _between(days, points, zero, traded, top, "traded"),
        _between(days, points, traded, files, top, "flat"),
        element("path", class_="listed", d=_path(days, points, listed, top)),
    ]
    return picture(_IDENT, WIDTH, HEIGHT + 13, "Symbols over time", _description(points), parts)


def key() -> Markup:
    """Return what the areas and the line are, as a list beside the chart."""
    return element("ul", *(element("li", _sample(kind), " ", words) for kind, words in WORDS.items()), class_="legend")


def _sample(kind: str) -> Markup:
    fill = f"url(#{_IDENT}-flat)" if kind == "flat" else None
    drawn = element("path", class_=kind, d=_SAMPLES[kind], fill=fill)
    return element("svg", drawn, class_=_IDENT, viewBox="0 0 14 7", aria_hidden="true", focusable="false")


def steps(top: int) -> list[int]:
    """Return the round numbers to be named, from a step up to the top."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if top / step < _LINES:
                return list(range(step, top + 1, step))
        power *= 10


def _lines(top: int) -> Iterator[Markup]:
    for value in [0, *steps(top)]:
        y = _at(value, top)
        yield element("path", class_="line", d=f"M{LEFT} {y:.1f}H{RIGHT}")
        yield element("text", f"{value:,}", x=LEFT - 3, y=y + 2.5, text_anchor="end")


def _at(value: float, top: int) -> float:
    return HEIGHT - value / top * (HEIGHT - TOP)


def _between(
    days: Days, points: Sequence[Point], lower: Sequence[float], upper: Sequence[float], top: int, kind: str
) -> Markup:
    """Draw an area that is never thinner at one point than what it stands for."""
    above = _path(days, points, upper, top)
    below = _path(days, points[::-1], lower[::-1], top).replace("M", "L", 1)
    fill = f"url(#{_IDENT}-flat)" if kind == "flat" else None
    return element("path", class_=kind, d=f"{above}{below}Z", fill=fill)


def _path(days: Days, points: Sequence[Point], values: Sequence[float], top: int) -> str:
    """A day is as wide as one, so a single point is a short line too."""
    ends = [(days.at(each.day + 0.5), _at(value, top)) for each, value in zip(points, values, strict=True)]
    if len(points) == 1:
        ends = [(float(LEFT), ends[0][1]), (float(RIGHT), ends[0][1])]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ends)


def _description(points: Sequence[Point]) -> str:
    first, last = points[0], points[-1]
    most = max(points, key=lambda each: each.files)
    return (
        f"From {first.files:,} files on {date(first.day)} to {last.files:,} on {date(last.day)}, "
        f"of which {last.flat:,} are flat; {last.listed:,} symbols were listed then. "
        f"The most files, {most.files:,}, are of {date(most.day)}."
    )
