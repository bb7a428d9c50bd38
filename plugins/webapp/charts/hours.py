"""The hours captured of each day as bars, up to 24; a day with a loss or a break looks doubtful."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.axis import Days, axis
from webapp.charts.runs import date
from webapp.charts.svg import element, picture
from webapp.charts.textures import block, textures
from webapp.vocabulary import plural

WIDTH, HEIGHT = 396, 48
HOURS = 24
WORDS = {"available": "captured, nothing known to be lost", "degraded": "captured, with losses or breaks"}
_IDENT = "hours"
_WIDEST = 12  # units of a bar, where there are few days


class Day(NamedTuple):
    """A day (ordinal) with what was captured of it."""

    day: int
    hours: int
    losses: int
    breaks: int

    @property
    def kind(self) -> str:
        """Its look."""
        return "degraded" if self.losses or self.breaks else "available"

    @property
    def words(self) -> str:
        """The same in words."""
        harm = f", {self.losses:,} losses, {self.breaks:,} breaks" if self.kind == "degraded" else ""
        return f"{date(self.day)}: {plural(self.hours, 'hour')}{harm}"


def hours(days: Sequence[Day]) -> Markup:
    """Return the chart, or nothing without days; days between that were not captured are empty."""
    if not days:
        return Markup("")
    across = Days(days[0].day, days[-1].day, 0, WIDTH)
    bars = (_bar(across, each) for each in days)
    parts = [textures(_IDENT, {each.kind for each in days}), *axis(across, [(0, HEIGHT)], HEIGHT), *bars]
    told = f"One bar a day from {date(days[0].day)} to {date(days[-1].day)}, as high as hours were captured of it."
    return picture(_IDENT, WIDTH, HEIGHT + 13, "Hours captured of each day", told, parts)


def key(days: Sequence[Day]) -> Markup:
    """Return the kinds that the chart shows with their meaning."""
    found = {each.kind for each in days}
    return element("ul", *(_entry(kind) for kind in WORDS if kind in found), class_="legend")


def _bar(across: Days, day: Day) -> Markup:
    left = across.at(day.day)
    width, height = min(across.at(day.day + 1) - left, _WIDEST), HEIGHT * min(day.hours, HOURS) / HOURS
    return block(_IDENT, day.kind, (left, HEIGHT - height, width * 0.9, height), day.words)


def _entry(kind: str) -> Markup:
    bar = block(_IDENT, kind, (0, 0, 14, 7))
    sample = element("svg", bar, viewBox="0 0 14 7", aria_hidden="true", focusable="false")
    return element("li", sample, " ", WORDS[kind])
