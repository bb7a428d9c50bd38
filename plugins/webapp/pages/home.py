"""The first page: what this is, how fresh it is, and ways into it."""

import sqlite3
from typing import Any

from webapp.charts import area, strip
from webapp.charts.runs import date, ordinal
from webapp.pages.archives import archives
from webapp.routing import Asked, Page
from webapp.vocabulary import sql

PATTERN = r"/$"
LATEST = 8  # of each list; the changes have more
DAYS = 90
_REACH = "SELECT min(date), max(date) FROM daily_counts WHERE dataset = (SELECT dataset FROM build)"
_LISTS = ("listed", "ended", "gaps", "revisions")


def home(asked: Asked) -> Page:
    """Gather what is new, and the two pictures of the whole."""
    con = asked.con
    facts = con.execute(sql("home_facts")).fetchone()
    weeks = [
        area.Point(ordinal(day), listed, files, flat)
        for day, listed, files, flat in con.execute(sql("home_weeks"), {"newest": facts["newest"]})
    ]
    days = _days(con, asked.today)
    latest = {name: con.execute(sql(f"home_{name}"), {"limit": LATEST}).fetchall() for name in _LISTS}
    shown: dict[str, Any] = {
        "facts": facts,
        "area": area.area(weeks),
        "area_key": area.key(),
        "weeks": _yearly(weeks),
        "strip": strip.strip(days),
        "strip_key": strip.key(days),
        "strip_links": strip.links(days),
        "runs": [(date(run.first), date(run.last), run) for run in reversed(strip.runs(days))],
        "days": days,
        "origin": asked.origin,
        "archives": archives(con),
        **latest,
    }
    return Page("home", shown)


def _days(con: sqlite3.Connection, today: str) -> list[strip.Day]:
    """Return the last days up to yesterday, those at which nobody looked included, those before the first not."""
    oldest, newest = con.execute(_REACH).fetchone()
    if not newest:
        return []
    last = max(ordinal(today) - 1, ordinal(newest))
    first = max(last - DAYS + 1, ordinal(oldest))
    rows = con.execute(sql("home_days"), {"first": date(first), "last": date(last)})
    counted = {day: strip.Day(ordinal(day), *counts) for day, *counts in rows}
    return [counted.get(date(day), strip.Day(day)) for day in range(first, last + 1)]


def _yearly(weeks: list[area.Point]) -> list[tuple[str, area.Point]]:
    """Return the table behind the picture: the first week of each year, and the newest."""
    first = {date(each.day)[:4]: each for each in reversed(weeks)}
    told = dict.fromkeys([*reversed(first.values()), *weeks[-1:]])
    return [(date(each.day), each) for each in told]
