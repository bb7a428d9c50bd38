"""Rows into Parquet files of the vault: written, read back, and only then taken as kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from etl.errors import AvailabilityError
from etl.vault import storage
from etl.vault.storage import Storage
from etl.vault.stored import PIECE_BYTES

MEMORY: Final = "512MB"  # what DuckDB may take; beyond it, it spills into the scratch folder


class Part(NamedTuple):
    """A Parquet file of the vault."""

    path: str
    rows: int
    size: int  # bytes


# Version 2 of Parquet's pages writes times and counts as differences: a third of the size, read by every engine.
_FORMAT: Final = "FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd"


@contextmanager
def scratch_database(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database in memory that spills into a folder. One thread: capture may be at work beside it."""
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(scratch / "spill")}) as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'")
        yield con


def write_part(
    con: duckdb.DuckDBPyConnection, vault: Storage, path: str, select: str, about: Mapping[str, str], scratch: Path
) -> Part:
    """Write the rows of a query, in its order, with words about them in the footer; compare what is then there."""
    file = scratch / "part.parquet"
    words = ", ".join(f"{name}: {quoted(value)}" for name, value in about.items())
    con.execute(f"COPY ({select}) TO {quoted(str(file))} ({_FORMAT}, KV_METADATA {{{words}}})")
    storage.write(vault, path, _pieces(file))
    size = fetch(vault, path, file)
    wanted, found = fingerprint(con, select), fingerprint(con, f"FROM read_parquet({quoted(str(file))})")
    file.unlink()
    if found != wanted:
        raise AvailabilityError(
            f"{vault.place(path)} does not hold what was written: it has {found[0]:,} rows with the sum {found[1]},"
            f" not {wanted[0]:,} with {wanted[1]}."
        )
    return Part(path, wanted[0], size)


def fetch(vault: Storage, path: str, target: Path) -> int:
    """Copy a file of the vault to this machine; return its bytes."""
    with target.open("wb") as file:
        for piece in storage.stream(vault, path):
            file.write(piece)
        return file.tell()


def fingerprint(con: duckdb.DuckDBPyConnection, select: str) -> tuple[int, int]:
    """Return how many rows a query has, and the sum of their hashes."""
    ((rows, total),) = con.execute(f"SELECT count(*), coalesce(sum(hash(row_)), 0) FROM ({select}) AS row_").fetchall()
    return rows, int(total)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE_BYTES):
            yield piece


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
