"""The page of a symbol: a sentence, its days, its lives, its gaps, its files, and how to ask for them."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import median_low
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from webapp.charts.gantt import Life, gantt
from webapp.charts.heatmap import heatmap
from webapp.charts.runs import Run, date, join, ordinal
from webapp.charts.sizes import File, sizes
from webapp.charts.textures import legend
from webapp.pages.archives import elsewhere
from webapp.pages.captured import captured
from webapp.pages.symbol_words import Absence, Facts, sentence
from webapp.parameters import Parameter, known_symbol
from webapp.routing import Asked, Page
from webapp.vocabulary import sql, with_days_whole

PATTERN = r"/symbol/(?P<symbol>[^/]+)$"
PARAMETERS = (Parameter("dataset", "dataset", "The archive that is shown. Empty: the first that has the symbol."),)
FLAT_BYTES = 10_000  # docs/conditions.md: of um/klines/1m, the one archive with flat files
MOST_ROWS = 200  # of a table on the page; the data has all
_REASONS = {
    "symbol_gap": "this symbol alone lacks these days",
    "market_gap": "most symbols lack these days",
    "relist_break": "between two lives of the ticker",
    "ended": "the market went on without it",
    "vanished": "the files were there once, at an end of the series",
    "not_published_yet": "the files may still come",
    "not_looked": "nobody looked at these days",
}
Day = tuple[str, int, str, str | None]  # date, size, condition, reason


class Year(NamedTuple):
    """The files of a year, sizes in bytes."""

    year: str
    files: int
    flat: int
    least: int
    median: int
    most: int
    total: int


def symbol(asked: Asked) -> Page:
    """Gather all that is known of one symbol."""
    name = known_symbol(asked.con, asked.path["symbol"], str(asked.values["dataset"]))
    found = _dicts(asked.con, "symbol_datasets", symbol=name)
    of = {"symbol": name, "dataset": str(asked.values["dataset"]) or found[0]["dataset"]}
    where = elsewhere(asked, of["dataset"])
    facts = Facts(*_rows(asked.con, "symbol_facts", **of)[0])
    days: list[Day] = _rows(asked.con, "symbol_days", **of)
    absences = [Absence(*row) for row in _rows(asked.con, "symbol_absences", **of)]
    revisions = _dicts(asked.con, "symbol_revisions", **of)
    runs = _runs(days, absences)
    drawn = _until_its_end(runs)
    files = [File(ordinal(date), size, reason == "flat") for date, size, _, reason in days]
    said = sentence(facts, absences, _looked_through(asked.con, of["dataset"]))
    shown = {
        "facts": facts,
        "sentence": said,
        "lead": with_days_whole(said),
        "heatmap": heatmap(name, drawn),
        "legend": legend("heatmap", [run.kind for run in drawn]),
        "runs": list(reversed(runs))[:MOST_ROWS],
        "run_count": len(runs),
        "gaps": [each for each in reversed(absences) if each.is_gap][:MOST_ROWS],
        "gap_count": sum(each.is_gap for each in absences),
        "others": [each for each in absences if not each.is_gap][-MOST_ROWS:],
        "other_count": sum(not each.is_gap for each in absences),
        "reasons": _REASONS,
        "sizes": sizes(name, files, FLAT_BYTES),
        "years": list(_years(days)),
        "revisions": revisions,
        "revision_count": revisions[0]["total"] if revisions else 0,
        "events": _dicts(asked.con, "symbol_events", **of),
        "related": _related(asked.con, facts, of["dataset"]),
        "archive": of["dataset"],
        "elsewhere": where,
        "found_in": found,
        **captured(_dicts(asked.con, "symbol_vault", **of)),
        **_lives(asked.con, **of),
        **_addresses(asked.origin, name, where),
    }
    return Page("symbol", shown)


def _looked_through(con: sqlite3.Connection, dataset: str) -> str | None:
    (day,) = con.execute("SELECT looked_through FROM datasets WHERE dataset = ?", [dataset]).fetchone()
    return None if day is None else str(day)


def _rows(con: sqlite3.Connection, name: str, **values: str) -> list[Any]:
    """Return rows as tuples: Datasette's own rows cost more than the query."""
    cursor = con.cursor()
    cursor.row_factory = None
    return cursor.execute(sql(name), values).fetchall()


def _dicts(con: sqlite3.Connection, name: str, **values: str) -> list[dict[str, Any]]:
    cursor = con.cursor()
    cursor.row_factory = None
    rows = cursor.execute(sql(name), values)
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _runs(days: Sequence[Day], absences: Sequence[Absence]) -> list[Run]:
    """Return all days from the first file on, held or not, as runs of a kind."""
    held: list[Run] = []
    kind, first, last = "", 0, 0
    for written, _, condition, reason in days:
        day, now = ordinal(written), "flat" if reason == "flat" else condition
        if day != last + 1 or now != kind:
            if kind:
                held.append(Run(kind, first, last))
            kind, first = now, day
        last = day
    if kind:
        held.append(Run(kind, first, last))
    return join([*held, *(Run(_kind(each), ordinal(each.first_day), ordinal(each.last_day)) for each in absences)])


def _until_its_end(runs: Sequence[Run]) -> list[Run]:
    """Leave out the years after the one in which a symbol ended: they would be empty rows."""
    return [
        Run(run.kind, run.first, min(run.last, ordinal(f"{date(run.first)[:4]}-12-31"))) if run.kind == "ended" else run
        for run in runs
    ]


def _kind(absence: Absence) -> str:
    if absence.reason == "ended":
        return "ended"
    return absence.condition or "not-looked"


def _years(days: Sequence[Day]) -> Iterator[Year]:
    for year, group in groupby(days, key=lambda day: day[0][:4]):
        inside = list(group)
        weights = [size for _, size, _, _ in inside]
        flat = sum(reason == "flat" for *_, reason in inside)
        yield Year(year, len(inside), flat, min(weights), median_low(weights), max(weights), sum(weights))


def _lives(con: sqlite3.Connection, symbol: str, dataset: str) -> dict[str, Any]:
    """Return the lives of the ticker and their picture; timespans of all its folders, the listed ones are its own."""
    lives = _dicts(con, "symbol_lives", symbol=symbol, dataset=dataset)
    folders = json.dumps(sorted({each["symbol"] for each in lives}))
    spans = _dicts(con, "symbol_timespans", symbols=folders, dataset=dataset)
    drawn = [
        Life(
            each["life"],
            each["symbol"],
            ordinal(each["first_day"]),
            ordinal(each["last_day"]),
            ordinal(each["last_traded_day"]) if each["last_traded_day"] else None,
        )
        for each in lives
    ]
    held = [(each["symbol"], ordinal(each["first_day"]), ordinal(each["last_day"])) for each in spans]
    own = [each for each in reversed(spans) if each["symbol"] == symbol]
    return {
        "lives": lives,
        "gantt": gantt(lives[0]["ticker"], drawn, held) if lives else Markup(""),
        "gantt_legend": legend("gantt", ["available", *(["flat"] if any(_is_flat(each) for each in drawn) else [])]),
        "timespans": own[:MOST_ROWS],
        "timespan_count": len(own),
    }


def _is_flat(life: Life) -> bool:
    return life.traded is None or life.traded < life.last


def _related(con: sqlite3.Connection, facts: Facts, dataset: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return other contracts on the same base, by kind."""
    found = _dicts(con, "symbol_related", symbol=facts.symbol, base=facts.base, dataset=dataset)
    titles = {
        "perpetual": "Perpetual contracts in other quotes" if facts.kind == "perpetual" else "Perpetual contracts",
        "settled": "SETTLED folders, of earlier contracts",
        "delivery": "Delivery contracts",
        "spot": "Products in other quotes",
    }
    groups = [(title, [each for each in found if each["kind"] == kind]) for kind, title in titles.items()]
    return [(title, group) for title, group in groups if group]


def _addresses(origin: str, name: str, where: str) -> Mapping[str, Any]:
    """Return where the same is to be had as data; names are percent-encoded."""
    api = "/availability"
    of = {"dataset": where} if where else {}
    asked = urlencode({"symbol": name, **of})
    array = urlencode({"symbol": name, **of, "_shape": "array"})
    symbols = urlencode({"symbols": name, **of})
    names = ("timeline", "gaps", "revisions", "timespans", "events")
    return {
        "data": [(each, f"{api}/{each}.json?{array}", f"{api}/{each}.csv?{asked}") for each in names],
        "timeline_url": f"{origin}{api}/timeline.json?{array}",
        "csv_url": f"{origin}{api}/timeline.csv?{asked}",
        "manifest": f"{api}/manifest.txt?{symbols}",
        "manifest_url": f"{origin}{api}/manifest.txt?{symbols}",
    }
