"""Keep one reader from keeping the site busy: bounds that Datasette's time limit cannot reach."""

import sqlite3

from datasette import hookimpl

LONGEST_PATTERN = 60  # characters of a LIKE or GLOB pattern; the longest symbol has 30


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Bound what runs inside a single step of SQLite, where no time limit looks.

    Matching ``%a%a%a...`` takes time exponential in the number of its wildcards.
    """
    conn.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
