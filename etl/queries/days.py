"""Questions about single day files."""

import datetime as dt
from typing import NamedTuple

from etl.queries import choosing
from etl.queries.asking import Connection, ask


class SnapshotRow(NamedTuple):
    """One day file held."""

    symbol: str
    date: dt.date
    file_size_bytes: int
    last_modified: dt.datetime
    etag: str
    has_checksum: int | None
    condition: str
    reason: str | None


class TimelineRow(NamedTuple):
    """One day file held."""

    date: dt.date
    symbol: str
    file_size_bytes: int
    last_modified: dt.datetime
    etag: str
    has_checksum: int | None
    condition: str
    reason: str | None


class RangeRow(NamedTuple):
    """One day file held, in few columns: a month of all symbols has 27,000 rows."""

    date: dt.date
    symbol: str
    file_size_bytes: int
    condition: str
    reason: str | None


def snapshot(con: Connection, date: dt.date) -> list[SnapshotRow]:
    """Return every day file held of one day, by symbol."""
    return ask(con, "snapshot", SnapshotRow, date=choosing.days(con, date, date).start)


def timeline(
    con: Connection, symbol: str, start: dt.date | None = None, end: dt.date | None = None
) -> list[TimelineRow]:
    """Return every day file held of one symbol, by day."""
    days = choosing.days(con, start, end)
    return ask(con, "timeline", TimelineRow, symbol=choosing.symbol(con, symbol), start=days.start, end=days.end)


def date_range(con: Connection, start: dt.date, end: dt.date) -> list[RangeRow]:
    """Return every day file held from ``start`` to ``end``, by day and symbol."""
    return ask(con, "range", RangeRow, **choosing.days(con, start, end)._asdict())
