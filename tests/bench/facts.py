"""What is asked of warehouses and published files; each function runs in a process of its own."""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import duckdb
import yaml

from etl import queries
from etl.keys import UM_KLINES_1M
from etl.recording import record_listings
from etl.records import Listing, Window, day_files
from etl.serve import SETTINGS
from etl.warehouse import VIEWS, open_warehouse, worked_out

_METADATA = Path(__file__).parents[2] / "metadata.yml"
_PAGE = 1000  # entries of a listing page at most
RUNS = 50
_FACTS = "dataset, symbol, date, file_size_bytes, last_modified, etag, has_checksum, first_seen_at, vanished_at"


class Size(NamedTuple):
    """What the archive held when a warehouse was built from it, and what asking for all of it must take."""

    symbols: int
    day_files: int
    objects: int  # below the symbols' prefixes
    discovery_pages: int  # of the symbol level
    file_pages: int

    @property
    def requests(self) -> int:
        """Requests of `discover` and `backfill` together."""
        return self.discovery_pages + self.file_pages


class Answered(NamedTuple):
    """One canned query."""

    name: str
    rows: int
    milliseconds: float  # median


def size_of(path: Path) -> Size:
    """Count pages from entries, not from what the program says it asked."""
    with closing(duckdb.connect(path, read_only=True)) as con:
        return Size(
            *con.execute(
                "SELECT count(DISTINCT symbol), coalesce(sum(day_files), 0)::BIGINT,"
                " (sum(objects) FILTER (symbol IS NOT NULL))::BIGINT,"
                " (sum(ceil((objects + strangers) / $page)) FILTER (symbol IS NULL))::BIGINT,"
                " (sum(greatest(1, ceil(objects / $page))) FILTER (symbol IS NOT NULL))::BIGINT FROM listings",
                {"page": _PAGE},
            ).fetchall()[0]
        )


def days_that_differ(path: Path, other: Path) -> int:
    """Count facts about days, and revisions, that only one of two warehouses holds."""
    with closing(duckdb.connect()) as con:
        con.execute(f"ATTACH '{path}' AS one (READ_ONLY); ATTACH '{other}' AS two (READ_ONLY)")
        rows = con.execute(
            f"SELECT count(*) FROM ((SELECT {_FACTS} FROM one.day_files EXCEPT SELECT {_FACTS} FROM two.day_files)"
            f" UNION ALL (SELECT {_FACTS} FROM two.day_files EXCEPT SELECT {_FACTS} FROM one.day_files))"
        ).fetchall()
        revisions = con.execute(
            "SELECT abs((SELECT count(*) FROM one.revisions) - (SELECT count(*) FROM two.revisions))"
        ).fetchall()
    return int(rows[0][0] + revisions[0][0])


def upsert_seconds(path: Path, wanted: int) -> float:
    """Record other sizes, times and etags of the ``wanted`` newest days of all symbols; seconds of that alone."""
    with open_warehouse(path) as con:
        listings = _moved_listings(con, wanted)
        began = perf_counter()
        moved = record_listings(con, UM_KLINES_1M, listings)
        seconds = perf_counter() - began
    if moved != {"changed": wanted, "added": 0}:
        raise ValueError(f"{wanted} days were to change, but {moved}")
    return seconds


def _moved_listings(con: duckdb.DuckDBPyConnection, wanted: int) -> list[Listing]:
    """Return listings in which the newest days of every symbol have moved: as many of each as there are."""
    rows = con.execute(
        "SELECT symbol, min(date), max(date), list(date::VARCHAR ORDER BY date),"
        " list((file_size_bytes + 1)::VARCHAR ORDER BY date),"
        " list(strftime(last_modified + INTERVAL 1 DAY, '%Y-%m-%dT%H:%M:%S.000Z') ORDER BY date),"
        " list(reverse(etag) ORDER BY date), list(has_checksum::INTEGER::VARCHAR ORDER BY date)"
        " FROM (SELECT * FROM day_files WHERE vanished_at IS NULL AND reverse(etag) <> etag ORDER BY"
        " row_number() OVER (PARTITION BY symbol ORDER BY date DESC), symbol LIMIT $wanted) GROUP BY symbol",
        {"wanted": wanted},
    ).fetchall()
    at = dt.datetime(2027, 5, 2)  # noqa: DTZ001 - UTC without saying so, as etl.clock gives it
    return [
        Listing(
            Window(symbol, first, last), f"{symbol}/", "", "", at, at, 1, 2 * len(columns[0]), day_files(*columns), []
        )
        for symbol, first, last, *columns in rows
    ]


def query_times(path: Path) -> list[Answered]:
    """Ask the three questions of metadata.yml where they have most to say."""
    queries = yaml.safe_load(_METADATA.read_text(encoding="utf-8"))["databases"]["availability"]["queries"]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as site:
        site.execute(f"PRAGMA cache_size = -{SETTINGS['cache_size_kb']}")  # as the server has it
        (day,) = site.execute("SELECT date FROM daily_counts ORDER BY files DESC, date LIMIT 1").fetchone()
        (symbol,) = site.execute("SELECT symbol FROM extents ORDER BY days_held DESC, symbol LIMIT 1").fetchone()
        asked = {
            f"snapshot of {day}": ("snapshot", {"date": day}),
            f"timeline of {symbol}": ("timeline", {"symbol": symbol, "start": "", "end": ""}),
            "coverage of all symbols": ("coverage", {"symbol": ""}),
        }
        of = {"dataset": UM_KLINES_1M}
        return [_ask(site, name, queries[query]["sql"], values | of) for name, (query, values) in asked.items()]


def judgement_seconds(path: Path) -> float:
    """Work out every view of a warehouse whole, each once; seconds of all of them together."""
    with open_warehouse(path) as con:
        began = perf_counter()
        with worked_out(con, "held_days", "lives"):  # as the export does
            for view in VIEWS:
                con.execute(f"CREATE OR REPLACE TEMP TABLE whole AS FROM {view}")
        return perf_counter() - began


def month_of_all(path: Path) -> Answered:
    """Ask for the month with most files, as ``query range`` does, rows made and all."""
    with queries.open_published(path) as site:
        (first,) = site.execute(
            "SELECT date(date, 'start of month') FROM daily_counts GROUP BY 1 ORDER BY sum(files) DESC, 1 LIMIT 1"
        ).fetchone()
        start = dt.date.fromisoformat(first)
        end = (start + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        seconds, rows = [], 0
        for _ in range(RUNS):
            began = perf_counter()
            rows = len(queries.date_range(site, start, end))
            seconds.append(perf_counter() - began)
    return Answered(f"range of {first[:7]}", rows, median(seconds) * 1000)


def _ask(site: sqlite3.Connection, name: str, query: str, values: dict[str, Any]) -> Answered:
    seconds, rows = [], 0
    for _ in range(RUNS):
        began = perf_counter()
        rows = len(site.execute(query, values).fetchall())
        seconds.append(perf_counter() - began)
    return Answered(name, rows, median(seconds) * 1000)
