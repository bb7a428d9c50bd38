"""Questions about what changed: symbols that came and went, files that were replaced."""

import datetime as dt
from typing import NamedTuple

from etl.keys import UM_KLINES_1M
from etl.queries import choosing
from etl.queries.asking import Connection, ask


class NewRow(NamedTuple):
    """A symbol whose first file is of one of the days asked for."""

    symbol: str
    earliest: dt.date
    latest: dt.date
    days_held: int
    last_traded_day: dt.date | None
    state: str
    kind: str
    base: str
    quote: str
    dataset: str


class EndedRow(NamedTuple):
    """A symbol whose files ended; the day is the first one known to have none."""

    symbol: str
    first_day: dt.date  # First day known to have no file; not the day after `latest` where files vanished since.
    earliest: dt.date
    latest: dt.date
    days_held: int
    last_traded_day: dt.date | None
    kind: str
    base: str
    quote: str
    dataset: str


class RevisionRow(NamedTuple):
    """A file that changed after it was first seen."""

    symbol: str
    date: dt.date
    change: str
    detected_at: dt.datetime
    listing_id: int
    old_file_size_bytes: int
    old_last_modified: dt.datetime
    old_etag: str
    new_file_size_bytes: int | None
    new_last_modified: dt.datetime | None
    new_etag: str | None
    dataset: str


def new(con: Connection, start: dt.date, end: dt.date | None = None, *, dataset: str = UM_KLINES_1M) -> list[NewRow]:
    """Return the symbols whose first file ever is of ``start``, or of a day from ``start`` to ``end``.

    This is read from the files themselves: it holds for all of history, whenever the symbol was discovered. A symbol
    whose listings begin at its first file is left out, for nobody knows whether there were earlier ones.
    """
    return ask(con, "new", NewRow, dataset=dataset, **choosing.days(con, dataset, start, end or start)._asdict())


def ended(
    con: Connection, start: dt.date, end: dt.date | None = None, *, dataset: str = UM_KLINES_1M
) -> list[EndedRow]:
    """Return the symbols that have no file any more from ``start`` on, or from a day from ``start`` to ``end`` on.

    This too holds for all of history. A symbol that stopped trading and still gets flat files has not ended.
    """
    return ask(con, "ended", EndedRow, dataset=dataset, **choosing.days(con, dataset, start, end or start)._asdict())


def revisions(
    con: Connection, symbol: str | None = None, since: dt.date | None = None, *, dataset: str = UM_KLINES_1M
) -> list[RevisionRow]:
    """Return the changes to files already seen, detected on ``since`` or later, in the order they were detected."""
    values = {"symbol": choosing.symbol(con, dataset, symbol), "since": str(since or dt.date.min)}
    return ask(con, "revisions", RevisionRow, dataset=dataset, **values)
