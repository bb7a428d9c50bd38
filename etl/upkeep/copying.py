"""A whole warehouse into a new file beside, proved equal before anybody relies on it."""

import os
from pathlib import Path

import duckdb

from etl.disk import sync_folder
from etl.errors import WarehouseError
from etl.warehouse import STORAGE_VERSION, log_of, one, sentences

Proof = dict[str, tuple[int, int | None]]  # rows of each table, and the sum of their hashes, which knows no order


def copy_whole(con: duckdb.DuckDBPyConnection, target: Path) -> Proof:
    """Write all that the connection's database holds to a new file, packed, and safely to disk; return what was proved.

    Raises WarehouseError and leaves no file where the copy cannot be written or does not hold the same.
    """
    whole = False
    try:
        with sentences(target):
            _write(con, target)
            expected, copied = proof(con, _current(con)), _reread(con, target)
        if copied != expected:
            odd = ", ".join(name for name in expected if copied.get(name) != expected[name])
            raise WarehouseError(f"{target} does not hold what it was copied from ({odd}): it is not used.")
        with target.open("rb+") as file:
            os.fsync(file.fileno())
        whole = True
    finally:
        if not whole:
            cleared(target)
    return expected


def cleared(part: Path) -> Path:
    """Remove a half-written file, and return its name."""
    part.unlink(missing_ok=True)
    log_of(part).unlink(missing_ok=True)
    return part


def proof(con: duckdb.DuckDBPyConnection, catalog: str) -> Proof:
    """Count the rows of every table and add up their hashes."""
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary ORDER BY table_name"
    names = [name for (name,) in con.execute(query, [catalog]).fetchall()]
    return {name: weighed(con, f"{_quoted(catalog)}.{_quoted(name)}") for name in names}


def weighed(con: duckdb.DuckDBPyConnection, rows: str) -> tuple[int, int | None]:
    """Return the number of rows of a table or view, and the sum of their hashes."""
    query = f"SELECT count(*), sum(hash(each)::HUGEINT)::VARCHAR FROM {rows} AS each"
    ((count, total),) = con.execute(query).fetchall()
    return count, int(total) if total else None


def swap_in(part: Path, path: Path) -> None:
    """Put a finished file in the place of another one, in one step that outlasts a power cut."""
    part.replace(path)
    sync_folder(path.parent)


def _write(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    place = str(target.resolve()).replace("'", "''")
    con.execute(f"ATTACH '{place}' AS copied (READ_WRITE, STORAGE_VERSION '{STORAGE_VERSION}')")
    try:
        con.execute(f"COPY FROM DATABASE {_quoted(_current(con))} TO copied")
        con.execute("CHECKPOINT copied")
    finally:
        con.execute("DETACH copied")


def _reread(con: duckdb.DuckDBPyConnection, target: Path) -> Proof:
    """Prove what is on disk, not what is still in memory."""
    place = str(target.resolve()).replace("'", "''")
    con.execute(f"ATTACH '{place}' AS copied (READ_ONLY)")
    try:
        return proof(con, "copied")
    finally:
        con.execute("DETACH copied")


def _current(con: duckdb.DuckDBPyConnection) -> str:
    return str(one(con, "SELECT current_database()"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
