"""What a published SQLite file holds of its default dataset, counted from its day table."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

_COUNTS = """
SELECT symbols.symbol, count(codes.date), coalesce(sum(codes.file_size_bytes), 0)
FROM build INNER JOIN symbols ON build.dataset = symbols.dataset
LEFT JOIN day_file_codes AS codes ON symbols.symbol_id = codes.symbol_id
GROUP BY symbols.symbol ORDER BY symbols.symbol
"""


class Published(NamedTuple):
    """The counts of one published file, as parallel columns."""

    path: Path
    newest_listing_at: str  # of the facts it was built from, YYYY-MM-DDTHH:MM:SSZ
    symbols: list[str]
    files: list[int]
    sizes: list[int]  # bytes


class Unreadable(NamedTuple):
    """A file that is there and is no published file, or no whole one."""

    path: Path
    why: str


def read_published(path: Path) -> Published | Unreadable | str:
    """Count a published file; a text says why there is none to compare with."""
    if not path.is_file():
        return f"there is no published file at {path}"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as site:
            built = site.execute("SELECT newest_listing_at FROM build").fetchone()
            counts = site.execute(_COUNTS).fetchall()
    except sqlite3.Error as error:
        return Unreadable(path, str(error))
    if built is None:
        return Unreadable(path, "it names no build")
    symbols, files, sizes = (list(column) for column in zip(*counts, strict=True)) if counts else ([], [], [])
    return Published(path, built[0], symbols, files, sizes)
