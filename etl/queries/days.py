"""Questions about single day files."""

import datetime as dt
from typing import NamedTuple

from etl.keys import UM_KLINES_1M
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
    dataset: str


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
    dataset: str


class RangeRow(NamedTuple):
    """One day file held, in few columns: a month of all symbols has 27,000 rows."""

    date: dt.date
    symbol: str
    file_size_bytes: int
    condition: str
    reason: str | None
    dataset: str


def snapshot(con: Connection, date: dt.date, *, dataset: str = UM_KLINES_1M) -> list[SnapshotRow]:
    """Return every day file held of one day, by symbol."""
    return ask(con, "snapshot", SnapshotRow, dataset=dataset, date=choosing.days(con, dataset, date, date).start)


def timeline(
    con: Connection,
    symbol: str,
    start: dt.date | None = None,
    end: dt.date | None = None,
    *,
    dataset: str = UM_KLINES_1M,
) -> list[TimelineRow]:
    """Return every day file held of one symbol, by day."""
    days = choosing.days(con, dataset, start, end)
    known = choosing.symbol(con, dataset, symbol)
    return ask(con, "timeline", TimelineRow, dataset=dataset, symbol=known, **days._asdict())


def date_range(con: Connection, start: dt.date, end: dt.date, *, dataset: str = UM_KLINES_1M) -> list[RangeRow]:
    """Return every day file held from ``start`` to ``end``, by day and symbol."""
    return ask(con, "range", RangeRow, dataset=dataset, **choosing.days(con, dataset, start, end)._asdict())
