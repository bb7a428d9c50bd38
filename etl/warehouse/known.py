"""What a warehouse knows already, as far as planning the next look needs it."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

import duckdb

from etl.keys import UM_KLINES_1M, is_of_vault
from etl.records import Window
from etl.warehouse.schema import sql


def datasets(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of all datasets, that of Binance first: it is the default."""
    names = {name for (name,) in con.execute("SELECT DISTINCT dataset FROM archives").fetchall()}
    return sorted(names, key=lambda name: (name != UM_KLINES_1M, name))


def datasets_of_vault(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the datasets of the vault, sorted."""
    return list(filter(is_of_vault, datasets(con)))


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
