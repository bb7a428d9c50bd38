"""What a look at the archive said goes into the warehouse: whole listings, each with all it implies, set by set."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import duckdb

from etl.keys import is_of_vault, read_product, read_symbol
from etl.records import Enumeration, Failure, Listing, Probe, Stranger, VaultDay
from etl.warehouse import known_symbols, one, sql, transaction

_LISTING_COLUMNS = (
    "listing_id, dataset, symbol, prefix, from_key, first_day, last_day, started_at, ended_at,"
    " complete, pages, objects, day_files, strangers, url, status_code, error"
)
_STRANGER = ("prefixes", "keys", "reasons", "sizes", "last_modified", "etags", "seen_at")
_PROBE = ("symbols", "days", "urls", "asked_at", "statuses", "sizes", "last_modified", "etags", "errors")
_DAY_FILE = ("days", "sizes", "last_modified", "etags", "checksums")
_VAULT_DAY = ("day", "hours", "rows", "bytes", "parts", "losses", "lost_messages", "breaks", "files_md5")
_Found = tuple[str, dt.datetime, Sequence[Stranger]]  # prefix, seen at, what is strange below it


def record_enumeration(
    con: duckdb.DuckDBPyConnection, dataset: str, found: Enumeration, *, listing_url: str, files_url: str
) -> list[str]:
    """Record one complete listing of the symbol level, merge only; return the symbols not known before."""
    known = set(known_symbols(con, dataset))
    new = [symbol for symbol in found.symbols if symbol not in known]
    read = read_product if is_of_vault(dataset) else read_symbol
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
            columns = list(zip(*(read(symbol) for symbol in new), strict=True))
            con.execute(
                "INSERT INTO symbols SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),"
                " unnest(?::VARCHAR[]), ?, ?",
                [dataset, new, *map(list, columns), found.started_at, found.started_at],
            )
        _record_strangers(con, dataset, [(found.prefix, found.started_at, found.strangers)])
    return new


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
            " last_modified TIMESTAMP_S, etag VARCHAR, has_checksum BOOLEAN)"
        )
        numbers = _record_listing_rows(con, dataset, [_row(listing) for listing in listings])
        columns = {name: [getattr(listing.files, name) for listing in listings] for name in _DAY_FILE}
        con.execute(sql("record/stage"), {"listing_ids": numbers, **columns})
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


def record_vault_days(con: duckdb.DuckDBPyConnection, dataset: str, symbol: str, days: Sequence[VaultDay]) -> None:
    """Record what the vault holds of one symbol, in place of what was recorded before."""
    with transaction(con):
        con.execute("DELETE FROM vault_days WHERE dataset = ? AND symbol = ?", [dataset, symbol])
        if days:
            rows = {name: [getattr(day, name) for day in days] for name in _VAULT_DAY}
            con.execute(sql("record/vault_days"), {"dataset": dataset, "symbol": symbol, **rows})


def known_vault_days(con: duckdb.DuckDBPyConnection, dataset: str, symbol: str) -> dict[str, VaultDay]:
    """Return what is recorded of one symbol of the vault, by day."""
    rows = con.execute(sql("record/known_vault_days"), {"dataset": dataset, "symbol": symbol}).fetchall()
    return {row[0]: VaultDay(*row) for row in rows}


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
    counted = {"day_files": answer.files.number, "strangers": len(answer.strangers)}
    status = 404 if answer.method == "head" and not answer.files.number else 200
    return row | counted | {"pages": answer.pages, "objects": answer.objects, "status_code": status, "error": None}


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
