"""The build that is being served: the one row of the table ``build``, and the clock that judges its age."""

import datetime as dt
import os
import sqlite3
from typing import NamedTuple

DATABASE = "availability"
DEFAULT = "um/klines/1m"  # the archive that is meant where none is named: `dataset` of every build


class Build(NamedTuple):
    """What a reader must know of the file behind an answer; days and times as the file writes them."""

    build_id: str
    built_at: str
    today: str
    files_url: str
    dataset: str
    symbols: int
    day_files: int
    gap_days: int
    first_day: str | None
    last_day: str | None
    looked_through: str | None
    newest_listing_at: str
    failed_symbols: int
    code_version: str
    license: str
    attribution: str


def read_build(con: sqlite3.Connection) -> Build:
    """Return the build of a published file."""
    return Build(*con.execute(f"SELECT {', '.join(Build._fields)} FROM build").fetchone())


def today() -> dt.date:
    """Return the UTC day, or the one that AVAILABILITY_TODAY names."""
    told = os.environ.get("AVAILABILITY_TODAY")
    return dt.date.fromisoformat(told) if told else dt.datetime.now(dt.UTC).date()
