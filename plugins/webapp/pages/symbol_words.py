"""One sentence that says it all of a symbol."""

import datetime as dt
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from webapp.vocabulary import plural

_DELIVERY = re.compile(r"_(\d{2})(\d{2})(\d{2})$", re.ASCII)
_SETTLED = re.compile(r"_?(SETTLED)+$")


class Facts(NamedTuple):
    """What the tables symbols and extents say of one symbol; empty where it has no file."""

    symbol: str
    kind: str
    base: str
    quote: str
    first_seen_at: str
    looked_from: str | None = None
    looked_through: str | None = None
    earliest: str | None = None
    latest: str | None = None
    days_held: int = 0
    days_missing: int = 0
    longest_gap: int = 0
    completeness: float | None = None
    bytes: int = 0
    flat_days: int = 0
    degraded_days: int = 0
    last_traded_day: str | None = None
    state: str | None = None
    previous: str | None = None
    following: str | None = None


class Absence(NamedTuple):
    """A run of days without a file, as the table absences has it; a gap lies between two files."""

    first_day: str
    last_day: str
    days: int
    condition: str | None
    reason: str
    listing_id: int | None = None
    looked_at: str | None = None
    is_gap: bool = False

    @property
    def words(self) -> str:
        """Its days as text."""
        return self.first_day if self.days == 1 else f"{self.first_day} to {self.last_day}"


def sentence(facts: Facts, absences: Sequence[Absence], newest_look: str | None) -> str:
    """Say what is held, what is not, how it goes on, and how far anyone looked; ``newest_look`` is the site's."""
    parts = [*_held(facts, absences), *_trade(facts, absences), _looked(facts, newest_look)]
    said = "; ".join(parts)
    return f"{_kind(facts)}{said}." if _kind(facts) else f"{said[0].upper()}{said[1:]}."


def ticker(symbol: str) -> str:
    """Return a symbol without SETTLED."""
    return _SETTLED.sub("", symbol)


def delivery_day(symbol: str) -> str | None:
    """Return the day that the name of a delivery contract tells; some tell none, as 210229."""
    found = _DELIVERY.search(symbol)
    if not found:
        return None
    try:
        return dt.date(2000 + int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None


def _kind(facts: Facts) -> str:
    if facts.kind == "settled":
        return f"An earlier contract of {ticker(facts.symbol)}, in a folder of its own: "
    if facts.kind == "delivery":
        day = delivery_day(facts.symbol)
        return f"A contract with delivery on {day}: " if day else "A delivery contract: "
    return ""


def _held(facts: Facts, absences: Sequence[Absence]) -> list[str]:
    """Say how many days are held, and of which gaps somebody knows."""
    if not facts.days_held:
        return ["no day file was found" if facts.looked_through else "no day file is known"]
    unlooked = sum(each.days for each in absences if each.reason == "not_looked" and each.first_day < str(facts.latest))
    if facts.days_missing:
        total = facts.days_held + facts.days_missing
        held = f"{facts.days_held:,} of {plural(total, 'day')}{_extent(facts)} held"
        said = f"{held}, {_gaps(facts, absences)}"
    elif unlooked or not facts.looked_through:
        said = f"{plural(facts.days_held, 'day')}{_extent(facts)} held, no gap known"
    elif facts.days_held == 1:
        return [f"the only day held is {facts.earliest}"]
    else:
        said = f"all {plural(facts.days_held, 'day')}{_extent(facts)} held, no gap"
    more = [f"{plural(unlooked, 'day')} between not looked at"] if unlooked else []
    return [said, *more]


def _extent(facts: Facts) -> str:
    if facts.earliest == facts.latest:
        return f" ({facts.earliest})"
    return f" from {facts.earliest} to {facts.latest}"


def _gaps(facts: Facts, absences: Sequence[Absence]) -> str:
    """Count the holes; one with several reasons has neighbouring rows."""
    gaps = [each for each in absences if each.is_gap]
    follows = [_next(before.last_day) == each.first_day for before, each in pairwise(gaps)]
    count = len(gaps) - sum(follows)
    length = f"of {plural(facts.longest_gap, 'day')}" if count == 1 else f"longest {plural(facts.longest_gap, 'day')}"
    said = f"{plural(count, 'gap')} {length}" if count == 1 else f"{plural(count, 'gap')}, {length}"
    breaks = sum(each.reason == "relist_break" for each in gaps)
    if breaks and breaks == len(gaps):
        return f"{said}, between two lives" if count == 1 else f"{said}, all between two lives"
    return said


def _next(day: str) -> str:
    return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()


def _trade(facts: Facts, absences: Sequence[Absence]) -> list[str]:
    """Say when it last traded, and what came since."""
    if not facts.days_held:
        return []
    empty = "flat files" if facts.flat_days else "empty files"
    verb = "captured" if facts.kind == "spot" else "traded"
    quiet = facts.last_traded_day != facts.latest
    traded = f"last {verb} {facts.last_traded_day}" if facts.last_traded_day else f"never {verb}"
    if facts.state == "ended":
        return [f"{traded}, {empty} to {facts.latest}, none since" if quiet else f"{traded}, no file since"]
    if quiet:
        said = f"{traded}, {empty} since" if facts.last_traded_day else f"{traded}, {empty} only"
    else:
        said = f"{verb} through {facts.latest}" if facts.looked_through else f"newest file known {facts.latest}"
    return [said, *(f"{each.words} still pending" for each in absences if each.condition == "pending")]


def _looked(facts: Facts, newest_look: str | None) -> str:
    if not facts.looked_through:
        return "never looked through as a whole" if facts.days_held else "nobody has looked yet"
    start = f"from {facts.looked_from} " if facts.looked_from else ""
    since = ", not since" if newest_look and facts.looked_through < newest_look else ""
    return f"looked {start}through {facts.looked_through}{since}"
