"""The newest days as a strip, one bar a day: the worst that is known of a day is what it looks like."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from webapp.charts.axis import Days, axis
from webapp.charts.runs import Run, date, join
from webapp.charts.svg import element, picture
from webapp.charts.textures import block, textures
from webapp.vocabulary import day_url

WIDTH, HEIGHT = 396, 24
KINDS = {  # from the best to the worst, and the look of a condition that each is drawn with
    "complete": "available",
    "pending": "pending",
    "partly": "degraded",
    "missing": "missing",
    "not looked": "not-looked",
}
WORDS = {
    "complete": "complete: every listed symbol has its file",
    "pending": "pending: files may still come",
    "partly": "partly: some files are missing, doubtful or not looked for",
    "missing": "missing: most of the listed symbols lack their file",
    "not looked": "not looked",
}
_IDENT = "strip"
_APART = 0.6  # units between two bars


class Day(NamedTuple):
    """A day (ordinal) with what was counted; None where nobody looked."""

    day: int
    listed: int | None = None
    files: int = 0
    missing: int = 0
    pending: int = 0
    degraded: int = 0
    not_looked: int = 0

    @property
    def kind(self) -> str:
        """The worst that is known of it."""
        if self.listed is None or self.not_looked > self.files + self.missing + self.pending:
            return "not looked"
        if self.missing > self.files:
            return "missing"
        if self.missing or self.degraded or self.not_looked:
            return "partly"
        return "pending" if self.pending else "complete"

    @property
    def words(self) -> str:
        """The same in words."""
        if self.listed is None:
            return f"{date(self.day)}: not looked"
        return f"{date(self.day)}: {self.kind}, {self.files:,} of {self.listed:,} files"


def strip(days: Sequence[Day]) -> Markup:
    """Return the chart, or nothing without days; they are neighbours, in order."""
    if not days:
        return Markup("")
    across = Days(days[0].day, days[-1].day, 0, WIDTH)
    kinds = [each.kind for each in days]
    drawn = (_bar(across, each) for each in days)
    parts = [textures(_IDENT, [KINDS[kind] for kind in kinds]), *axis(across, [(0, HEIGHT)], HEIGHT), *drawn]
    return picture(_IDENT, WIDTH, HEIGHT + 13, f"The last {len(days)} days", _description(days), parts)


def links(days: Iterable[Day]) -> Markup:
    """Return a link for each bar, to be laid over the picture: inside of it they would be no links to all readers."""
    entries = (
        element("li", element("a", "", href=day_url(date(each.day)), title=each.words, tabindex=-1)) for each in days
    )
    return element("ul", *entries, class_="strip-days")


def key(days: Iterable[Day]) -> Markup:
    """Return the kinds that the chart shows with their meaning."""
    found = {each.kind for each in days}
    return element("ul", *(_entry(kind) for kind in KINDS if kind in found), class_="legend")


def runs(days: Iterable[Day]) -> list[Run]:
    """Return the table behind the chart, oldest first."""
    return join(Run(each.kind, each.day, each.day) for each in days)


def _bar(across: Days, day: Day) -> Markup:
    left, right = across.at(day.day), across.at(day.day + 1)
    apart = min(_APART, (right - left) / 4)
    return block(_IDENT, KINDS[day.kind], (left + apart / 2, 0, right - left - apart, HEIGHT))


def _entry(kind: str) -> Markup:
    bar = block(_IDENT, KINDS[kind], (0, 0, 14, 7))
    sample = element("svg", bar, viewBox="0 0 14 7", aria_hidden="true", focusable="false")
    return element("li", sample, " ", WORDS[kind])


def _description(days: Sequence[Day]) -> str:
    kinds = [each.kind for each in days]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    return f"One bar a day from {date(days[0].day)} to {date(days[-1].day)}: {counted}."
