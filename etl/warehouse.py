"""The DuckDB file: open it, apply its schema, record whole listings. Functions take the connection first."""

import datetime as dt
import hashlib
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
from etl.records import Window

SCHEMA_VERSION = 1
# Every DuckDB that pyproject.toml allows can read this format, whichever of them wrote it.
STORAGE_VERSION = "v1.4.0"
# views that others are made of; a temporary table hides the view of its name
COSTLY = ("covered", "timespans", "held_days", "market_days", "vanished_ends", "holes", "absences", "lives")
MEMORY_LIMIT = "400MB"  # DuckDB would take 80 % of the machine
VIEWS = (
    *("covered", "timespans", "flat_levels", "held_days", "file_states", "market_days", "publication"),
    *("vanished_ends", "holes", "absences", "conditions", "gaps", "births", "extents", "lives", "daily_counts"),
    *("freshness", "revision_bursts", "events", "daily_availability"),
)


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
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        # nothing is ever downloaded, whatever kind of file somebody gives as a warehouse
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if not read_only:
        config["storage_compatibility_version"] = STORAGE_VERSION
    if path.is_file() and path.stat().st_size and not _is_duckdb(path):
        raise WarehouseError(f"{path} is not a DuckDB file.")
    with _sentences(path):
        con = duckdb.connect(path, read_only=read_only, config=config)
        try:
            if read_only:
                _check_ours(con, path)
                _check_views(con, path)
            else:
                _apply_schema(con, path)
            yield con
        finally:
            con.close()


def _apply_schema(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Create what is lacking; 20 ms where nothing is, for then nothing is written."""
    if con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() != (0,):
        _check_ours(con, path)
        if one(con, "SELECT views_sha256 FROM warehouse") == _views_sha256():
            return
    with transaction(con):
        con.execute(sql("schema"))
        for view in VIEWS:
            con.execute(f"CREATE OR REPLACE VIEW {view} AS {sql(f'views/{view}')}")
        con.execute(
            "INSERT INTO warehouse SELECT ?, ?, NULL WHERE NOT EXISTS (SELECT 1 FROM warehouse)",
            [SCHEMA_VERSION, now()],
        )
        con.execute("UPDATE warehouse SET views_sha256 = ?", [_views_sha256()])


def _is_duckdb(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _check_ours(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not {"warehouse", "listings", "day_files"} <= tables:
        raise WarehouseError(f"{path} is a DuckDB file of something else: it has none of this program's tables.")
    version = one(con, "SELECT schema_version FROM warehouse")
    if not isinstance(version, int):
        raise WarehouseError(f"{path} is a DuckDB file of something else: its schema version is {version!r}.")
    if version > SCHEMA_VERSION:
        raise WarehouseError(f"{path} was written by a newer version of this program (schema {version}): update it.")


def _check_views(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse to read judgements by the rules of another version of this program."""
    if one(con, "SELECT views_sha256 FROM warehouse") != _views_sha256():
        raise WarehouseError(
            f"{path} was written by another version of this program: `availability discover` brings it up to date."
        )


@cache
def _views_sha256() -> str:
    return hashlib.sha256("".join(sql(f"views/{view}") for view in VIEWS).encode()).hexdigest()


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what happens inside, or nothing of it."""
    con.execute("BEGIN")
    committed = False
    try:
        yield
        con.execute("COMMIT")
        committed = True
    finally:  # whatever happened, Ctrl-C too, must not leave half a listing
        if not committed:
            with suppress(duckdb.TransactionException):  # a COMMIT that fails has ended the transaction itself
                con.execute("ROLLBACK")


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


@contextmanager
def worked_out(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Keep the judgements that others build on as temporary tables: each is then worked out once."""
    have = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()}
    mine = [name for name in COSTLY if name not in have]
    try:
        for name in mine:
            con.execute(f"CREATE TEMP TABLE {name} AS FROM {name}")
        yield
    finally:
        for name in mine:
            con.execute(f"DROP TABLE IF EXISTS temp.{name}")


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - as typed by SQL
    """Return the single value of a query that has exactly one row and column."""
    row = con.execute(query, list(parameters)).fetchone()
    if row is None:
        raise WarehouseError("The warehouse holds no row where one must be; is it damaged?")
    return row[0]


def known_symbols(con: duckdb.DuckDBPyConnection, dataset: str) -> list[str]:
    """Return every symbol ever enumerated, sorted."""
    rows = con.execute("SELECT symbol FROM symbols WHERE dataset = ? ORDER BY symbol", [dataset]).fetchall()
    return [symbol for (symbol,) in rows]


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


def control(
    con: duckdb.DuckDBPyConnection, dataset: str, windows: Sequence[Window]
) -> tuple[str, dt.date, bool] | None:
    """Return a held file by symbol and day that a host must show, and whether it lies in ``windows`` itself.

    It does only where every file held does; None where none is held.
    """
    names = ("symbols", "firsts", "lasts")
    columns = dict(zip(names, map(list, zip(*(each[:3] for each in windows), strict=True)), strict=True))
    rows = con.execute(sql("record/control"), {"dataset": dataset, **columns}).fetchall()
    return rows[0] if rows else None
