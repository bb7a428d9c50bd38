"""The DuckDB file: open it, apply its schema, record whole listings. Functions take the connection first."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from etl.clock import now
from etl.errors import WarehouseError
from etl.keys import read_symbol
from etl.records import DayFiles, Enumeration, Failure, Listing, Probe, Stranger

SCHEMA_VERSION = 1
# Every DuckDB that pyproject.toml allows can read this format, whichever of them wrote it.
STORAGE_VERSION = "v1.4.0"
MEMORY_LIMIT = "400MB"  # DuckDB would take 80 % of the machine
VIEWS = (
    *("covered", "timespans", "flat_levels", "held_days", "file_states", "market_days", "publication", "holes"),
    *(
        "absences",
        "conditions",
        "gaps",
        "extents",
        "lives",
        "daily_counts",
        "freshness",
        "events",
        "daily_availability",
    ),
)
_LISTING_COLUMNS = (
    "listing_id, dataset, symbol, prefix, from_key, first_day, last_day, started_at, ended_at,"
    " complete, pages, objects, day_files, strangers, url, status_code, error"
)
_PROBE = ("symbols", "days", "urls", "asked_at", "statuses", "sizes", "last_modified", "etags", "errors")
_STRANGER = ("prefixes", "keys", "reasons", "sizes", "last_modified", "etags", "seen_at")
_Found = tuple[str, dt.datetime, Sequence[Stranger]]  # prefix, seen at, what is strange below it


@cache
def sql(name: str) -> str:
    """Return the text of ``etl/sql/NAME.sql``."""
    return (files("etl") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def open_warehouse(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse at ``path`` and close it again; raises WarehouseError.

    Read-only never creates a file; a writer creates it, applies the schema and renews the views.
    """
    if read_only and not path.exists():
        raise WarehouseError(f"There is no warehouse at {path}: run `availability discover` first.")
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": MEMORY_LIMIT}
    if not read_only:
        config["storage_compatibility_version"] = STORAGE_VERSION
    with _sentences(path):
        con = duckdb.connect(path, read_only=read_only, config=config)
        try:
            _check_ours(con, path) if read_only else _apply_schema(con, path)
            yield con
        finally:
            con.close()


def _apply_schema(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    with transaction(con):
        if con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() != (0,):
            _check_ours(con, path)
        con.execute(sql("schema"))
        con.execute(
            "INSERT INTO warehouse SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM warehouse)", [SCHEMA_VERSION, now()]
        )
        for view in VIEWS:
            con.execute(f"CREATE OR REPLACE VIEW {view} AS {sql(f'views/{view}')}")


def _check_ours(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not {"warehouse", "listings", "day_files"} <= tables:
        raise WarehouseError(f"{path} is a DuckDB file of something else: it has none of this program's tables.")
    version = one(con, "SELECT schema_version FROM warehouse")
    if version > SCHEMA_VERSION:
        raise WarehouseError(f"{path} was written by a newer version of this program (schema {version}): update it.")


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what happens inside, or nothing of it."""
    con.execute("BEGIN")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:  # Ctrl-C too must not leave half a listing
        with suppress(duckdb.TransactionException):  # a COMMIT that fails has ended the transaction itself
            con.execute("ROLLBACK")
        raise


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors about the file into sentences."""
    try:
        yield
    except duckdb.Error as error:
        raise WarehouseError(_sentence(path, str(error))) from error
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise KeyboardInterrupt from error


def _sentence(path: Path, message: str) -> str:
    if "set lock" in message or "Conflicting lock" in message:
        holder = re.search(r"PID (\d+)", message)
        by = f" (process {holder[1]})" if holder else ""
        return f"{path} is in use by another process{by}: try again when it is done."
    if "not a valid DuckDB database" in message:
        return f"{path} is not a DuckDB file."
    if "No space left" in message or "File too large" in message:
        return f"{path} cannot grow, its disk is full; what was recorded before is kept."
    if "Permission denied" in message or "Read-only file system" in message:
        return f"{path} cannot be written: permission denied."
    if "Could not open file" in message or "Cannot open file" in message or "No such file" in message:
        return f"{path} cannot be opened: is its folder there, and yours to write?"
    return f"{path}: {' '.join(message.split())}"


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - as typed by SQL
    """Return the single value of a query that has exactly one row and column."""
    row = con.execute(query, list(parameters)).fetchone()
    if row is None:
        raise WarehouseError("The warehouse holds no row where one must be; is it damaged?")
    return row[0]


def record_enumeration(
    con: duckdb.DuckDBPyConnection, dataset: str, found: Enumeration, *, listing_url: str, files_url: str
) -> list[str]:
    """Record one complete listing of the symbol level, merge only; return the symbols not known before."""
    known = set(known_symbols(con, dataset))
    new = [symbol for symbol in found.symbols if symbol not in known]
    with transaction(con):
        con.execute("DELETE FROM archives WHERE dataset = ?", [dataset])
        con.execute("INSERT INTO archives VALUES (?, ?, ?)", [dataset, listing_url, files_url.rstrip("/")])
        con.execute(
            f"INSERT INTO listings ({_LISTING_COLUMNS})"
            " VALUES (nextval('listing_ids'), ?, NULL, ?, '', NULL, NULL, ?, ?, TRUE, ?, ?, 0, ?, NULL, NULL, NULL)",
            [
                *(dataset, found.prefix, found.started_at, found.ended_at),
                *(found.pages, len(found.symbols), len(found.strangers)),
            ],
        )
        con.execute(
            "UPDATE symbols SET last_seen_at = ? WHERE dataset = ? AND list_contains(?::VARCHAR[], symbol)",
            [found.started_at, dataset, found.symbols],
        )
        if new:
            columns = list(zip(*(read_symbol(symbol) for symbol in new), strict=True))
            con.execute(
                "INSERT INTO symbols SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),"
                " unnest(?::VARCHAR[]), ?, ?",
                [dataset, new, *map(list, columns), found.started_at, found.started_at],
            )
        _record_strangers(con, dataset, [(found.prefix, found.started_at, found.strangers)])
    return new


def known_symbols(con: duckdb.DuckDBPyConnection, dataset: str) -> list[str]:
    """Return every symbol ever enumerated, sorted."""
    rows = con.execute("SELECT symbol FROM symbols WHERE dataset = ? ORDER BY symbol", [dataset]).fetchall()
    return [symbol for (symbol,) in rows]


def record_listings(
    con: duckdb.DuckDBPyConnection, dataset: str, listings: Sequence[Listing], probes: Sequence[Probe] = ()
) -> dict[str, int]:
    """Record complete listings and all they imply in one transaction; return how many files moved, and how.

    Every HEAD is kept beside them, whatever it said.
    """
    if not listings and not probes:
        return {}
    with transaction(con):
        _record_probes(con, dataset, probes)
        if not listings:
            return {}
        con.execute(
            "CREATE OR REPLACE TEMP TABLE staged (listing_id BIGINT, date DATE, file_size_bytes BIGINT,"
            " last_modified TIMESTAMP, etag VARCHAR, has_checksum BOOLEAN)"
        )
        numbers = _record_listing_rows(con, dataset, [_row(listing) for listing in listings])
        con.execute(sql("record/stage"), _columns_as_text(numbers, [listing.files for listing in listings]))
        con.execute(
            "CREATE OR REPLACE TEMP TABLE staged_listings AS"
            " SELECT * REPLACE (coalesce(first_day, DATE '0001-01-01') AS first_day) FROM listings"
            " WHERE list_contains(?::BIGINT[], listing_id)",
            [numbers],
        )
        con.execute(sql("record/revise"))
        moved = dict(con.execute("SELECT change, count(*) FROM moved GROUP BY change").fetchall())
        moved["added"] = one(con, sql("record/add"))
        _record_strangers(con, dataset, [(each.prefix, each.started_at, each.strangers) for each in listings])
        con.execute("DROP TABLE staged; DROP TABLE staged_listings; DROP TABLE moved")
    return moved


def record_failures(con: duckdb.DuckDBPyConnection, dataset: str, failures: Sequence[Failure]) -> None:
    """Record that listings did not complete, with all that is known of why; they cover no day."""
    if not failures:
        return
    with transaction(con):
        _record_listing_rows(con, dataset, [_row(failure) for failure in failures])


def listed_symbols(con: duckdb.DuckDBPyConnection, dataset: str) -> set[str]:
    """Return the symbols that were listed; a HEAD of a few files does not count."""
    query = "SELECT DISTINCT symbol FROM listings WHERE dataset = ? AND complete AND method <> 'head'"
    return {symbol for (symbol,) in con.execute(query, [dataset]).fetchall()}


def covered(con: duckdb.DuckDBPyConnection, dataset: str) -> dict[str, list[tuple[dt.date, dt.date]]]:
    """Return each symbol's runs of days that complete listings looked at, in order."""
    runs: dict[str, list[tuple[dt.date, dt.date]]] = defaultdict(list)
    query = "SELECT symbol, first_day, last_day FROM covered WHERE dataset = ? ORDER BY symbol, first_day"
    for symbol, first, last in con.execute(query, [dataset]).fetchall():
        runs[symbol].append((first, last))
    return runs


def enumerated_symbols(con: duckdb.DuckDBPyConnection, dataset: str) -> set[str]:
    """Return the symbols whose folder the newest listing of the symbol level showed."""
    query = (
        "SELECT symbol FROM symbols WHERE dataset = $dataset AND last_seen_at ="
        " (SELECT max(last_seen_at) FROM symbols WHERE dataset = $dataset)"
    )
    return {symbol for (symbol,) in con.execute(query, {"dataset": dataset}).fetchall()}


def held_extents(con: duckdb.DuckDBPyConnection, dataset: str) -> dict[str, tuple[dt.date, dt.date]]:
    """Return the first and the last day held of each symbol that holds any."""
    query = (
        "SELECT symbol, min(date), max(date) FROM day_files WHERE dataset = ? AND vanished_at IS NULL GROUP BY symbol"
    )
    return {symbol: (first, last) for symbol, first, last in con.execute(query, [dataset]).fetchall()}


def emptied(con: duckdb.DuckDBPyConnection, dataset: str, listings: Sequence[Listing]) -> set[str]:
    """Return the symbols of which no file of the window is found though some are held, and whose folder still is."""
    windows = [listing.window for listing in listings if not listing.files.days]
    if not windows:
        return set()
    columns = dict(
        zip(("symbols", "firsts", "lasts"), map(list, zip(*(each[:3] for each in windows), strict=True)), strict=True)
    )
    found = con.execute(sql("record/emptied"), {"dataset": dataset, **columns}).fetchall()
    return {symbol for (symbol,) in found}


def _record_listing_rows(con: duckdb.DuckDBPyConnection, dataset: str, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert the rows of ``listings`` in one statement and return their ids, in the order of ``rows``."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    numbers = con.execute(sql("record/listings"), {"dataset": dataset, **columns}).fetchall()
    return [number for (number,) in numbers]


def _row(answer: Listing | Failure) -> dict[str, Any]:
    symbol, first, last = answer[:3] if isinstance(answer, Failure) else answer.window[:3]
    row = {"symbol": symbol, "first_day": first, "last_day": last, "complete": True}
    row |= {name: getattr(answer, name) for name in ("prefix", "from_key", "started_at", "ended_at", "url", "method")}
    if isinstance(answer, Failure):
        unknown = dict.fromkeys(("pages", "objects", "day_files", "strangers"))
        return row | unknown | {"complete": False, "status_code": answer.status, "error": answer.reason}
    counted = {"day_files": len(answer.files.days), "strangers": len(answer.strangers)}
    status = 404 if answer.method == "head" and not answer.files.days else 200
    return row | counted | {"pages": answer.pages, "objects": answer.objects, "status_code": status, "error": None}


def _columns_as_text(numbers: Sequence[int], found: Sequence[DayFiles]) -> dict[str, list[Any]]:
    names = ("days", "sizes", "last_modified", "etags", "checksums")
    columns = [[",".join(column) for column in columns] for columns in zip(*found, strict=True)]
    return {"listing_ids": list(numbers), **dict(zip(names, columns, strict=True))}


def _record_probes(con: duckdb.DuckDBPyConnection, dataset: str, probes: Sequence[Probe]) -> None:
    if probes:
        columns = [list(column) for column in zip(*((symbol, day, *head) for symbol, day, head in probes), strict=True)]
        con.execute(sql("record/probes"), {"dataset": dataset, **dict(zip(_PROBE, columns, strict=True))})


def _record_strangers(con: duckdb.DuckDBPyConnection, dataset: str, found: Sequence[_Found]) -> None:
    rows = [
        [prefix, key, reason, size or None, last_modified or None, etag or None, seen_at]
        for prefix, seen_at, strangers in found
        for (key, size, last_modified, etag), reason in strangers
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        con.execute(sql("record/stage_strangers"), {"dataset": dataset, **dict(zip(_STRANGER, columns, strict=True))})
        con.execute(sql("record/strangers"))
