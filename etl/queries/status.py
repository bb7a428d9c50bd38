"""How things stand in a warehouse."""

import datetime as dt
from typing import NamedTuple

import duckdb

from etl.warehouse import sql


class Status(NamedTuple):
    """What a warehouse holds and how fresh it is."""

    dataset: str
    source: str | None  # the listing's address
    symbols: int
    symbols_listed: int  # with at least one complete listing; HEADs are none
    day_files: int  # held now
    first_day: dt.date | None
    last_day: dt.date | None
    looked_through: dt.date | None  # the last day that every listed symbol was looked at
    gap_days: int
    revisions: int
    strangers: int
    last_listing_at: dt.datetime | None
    open_failures: int  # symbols, and the level of the symbols, whose newest listing did not complete

    def days_behind(self, today: dt.date) -> int | None:
        """Return how many whole days are over and not looked at for every listed symbol; None where none was listed."""
        return None if self.looked_through is None else (today - self.looked_through).days - 1


def status(con: duckdb.DuckDBPyConnection, dataset: str) -> Status:
    """Tell what the warehouse holds of a dataset."""
    (row,) = con.execute(sql("status"), {"dataset": dataset}).fetchall()
    return Status(*row)
