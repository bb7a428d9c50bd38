"""Warehouse -> the published SQLite file: built beside its target, checked, then swapped in."""

import datetime as dt
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import sqlite_utils

from etl import checks, queries, warehouse
from etl.errors import AvailabilityError, UsageError
from etl.keys import UM_KLINES_1M
from etl.records import Build
from etl.warehouse import sql, worked_out

LICENSE = "CC BY-NC-SA 4.0 (Binance dataset terms v1.0 of 2026-08-26)"
ATTRIBUTION = (
    "Source: Binance Vision (data.binance.vision), under CC BY-NC-SA 4.0 and the Binance Vision Dataset Terms v1.0."
    " Changes: file listings were collected and summarised as availability tables."
    " Independent of Binance, and not endorsed by it."
)
SMALL_TABLES = (
    *("datasets", "vault_days", "extents", "timespans", "gaps", "absences", "covered", "lives", "daily_counts"),
    *("revisions", "freshness", "events", "runs"),
)
_ROWS_A_FETCH = 50_000
_LEFT_BEHIND = 3600  # seconds; no build takes that long
# A month of all symbols is read from it alone; a snapshot looks two more columns up, 0.5 ms. With them: 37 MB more.
_SNAPSHOT_INDEX = (
    "CREATE INDEX day_file_codes_by_date ON day_file_codes (date, symbol_id, file_size_bytes, has_checksum, state)"
)


def export_site(con: duckdb.DuckDBPyConnection, target: Path, *, today: dt.date) -> Build:
    """Build the published file and swap it in at ``target``; the same facts and day give the same bytes.

    Raises AvailabilityError and leaves the old file where there is nothing to publish or a check fails.
    """
    facts = queries.status(con, UM_KLINES_1M)
    if facts.last_listing_at is None or not facts.symbols_listed:
        raise AvailabilityError("The warehouse holds no complete listing yet: run `availability backfill` first.")
    _check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.building")
    try:
        _clear(target)
        with worked_out(con, "held_days", "lives"):
            _fill(con, beside, today)
        with beside.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        build = _describe(con, facts, at=facts.last_listing_at, today=today, content=content)
        _seal(beside, build)
        beside.replace(target)
    except sqlite3.Error as error:
        raise AvailabilityError(f"{target} could not be built: {error}. The old file is untouched.") from error
    finally:
        beside.unlink(missing_ok=True)
    return build


def _check_target(target: Path) -> None:
    """Refuse to replace anything but a file that is published already."""
    if target.is_dir() or not target.name:
        raise UsageError(f"{target} is a folder: name the file to write.")
    if target.is_symlink():
        raise UsageError(f"{target} is a link, and not replaced: `availability publish` checks a build and flips it.")
    if target.exists() and not is_published(target):
        raise UsageError(f"{target} exists and is no file published by this program: it is not replaced.")


def is_published(path: Path) -> bool:
    """Tell whether this is a whole SQLite file with a row about its build."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as site:
            return bool(site.execute("SELECT count(*) FROM build").fetchone() == (1,))
    except sqlite3.Error:
        return False


def _clear(target: Path) -> None:
    """Remove what builds that died have left beside the target; another one under way would be younger."""
    for left in target.parent.glob(f".{target.name}.*.building"):
        if left.name.split(".")[-2] == str(os.getpid()) or time.time() - left.stat().st_mtime > _LEFT_BEHIND:
            left.unlink(missing_ok=True)


def _fill(con: duckdb.DuckDBPyConnection, path: Path, today: dt.date) -> None:
    """Put the file together in memory and write it once: packed whole, it is 6 MB smaller than grown row by row."""
    with closing(sqlite3.connect(":memory:")) as site:
        site.executescript(sql("published"))
        small = sqlite_utils.Database(site)
        small.table("symbols").insert_all(_rows(con, "symbols"))
        with site:
            site.executemany("INSERT INTO day_file_codes VALUES (?, ?, ?, ?, ?, ?, ?)", _codes(con))
        for name in SMALL_TABLES:
            small.table(name).insert_all(_rows(con, name))
        for dataset in warehouse.datasets(con):
            small.table("findings").insert_all(checks.as_rows(checks.run_checks(con, dataset, today), dataset))
        site.execute(_SNAPSHOT_INDEX)
        site.commit()
        site.execute("VACUUM INTO ?", [str(path)])


def _seal(path: Path, build: Build) -> None:
    """Add the build's own row, check the file and bring it safely to disk."""
    with closing(sqlite3.connect(path)) as site:
        site.execute("PRAGMA journal_mode = OFF")
        sqlite_utils.Database(site).table("build").insert(build._asdict())
        site.commit()
        verdict = site.execute("PRAGMA quick_check").fetchone()[0]
    if verdict != "ok":
        raise AvailabilityError(f"{path} fails SQLite's quick_check: {verdict}. Nothing was published.")
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _rows(con: duckdb.DuckDBPyConnection, name: str) -> Iterator[dict[str, Any]]:
    result = con.execute(sql(f"site/{name}"))
    columns = [column[0] for column in result.description]
    return (dict(zip(columns, row, strict=True)) for row in result.fetchall())


def _codes(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    result = con.execute(sql("site/day_file_codes"))
    while rows := result.fetchmany(_ROWS_A_FETCH):
        yield from rows


def _describe(
    con: duckdb.DuckDBPyConnection, facts: queries.Status, *, at: dt.datetime, today: dt.date, content: str
) -> Build:
    """Return the build's row; its time is that of the newest fact, so that the same facts give the same build."""
    files_url, listings = con.execute(
        "SELECT any_value(files_url), (SELECT count(*) FROM listings WHERE dataset = $dataset AND complete)"
        " + (SELECT folded_listings FROM warehouse)"
        " FROM archives WHERE dataset = $dataset",
        {"dataset": UM_KLINES_1M},
    ).fetchall()[0]
    identity = hashlib.sha256(f"{content} {today} {version('market-data-availability')}".encode()).hexdigest()
    return Build(
        build_id=f"{at:%Y%m%dT%H%M%SZ}-{identity[:8]}",
        built_at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        today=today.isoformat(),
        source=facts.source or "",
        files_url=files_url,
        dataset=UM_KLINES_1M,
        symbols=facts.symbols,
        day_files=facts.day_files,
        gap_days=facts.gap_days,
        first_day=_text(facts.first_day),
        last_day=_text(facts.last_day),
        looked_through=_text(facts.looked_through),
        listings=listings,
        newest_listing_at=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        failed_symbols=facts.open_failures,
        content_sha256=content,
        code_version=version("market-data-availability"),
        license=LICENSE,
        attribution=ATTRIBUTION,
    )


def _text(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None
