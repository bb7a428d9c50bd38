"""Questions about runs of days: extents, timespans, gaps."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from etl.errors import UsageError
from etl.keys import UM_KLINES_1M
from etl.queries import choosing
from etl.queries.asking import Connection, ask, fetch


class CoverageRow(NamedTuple):
    """The extent of one symbol; numbers are None where nobody has looked, 0 where nothing was found."""

    symbol: str
    earliest: dt.date | None
    latest: dt.date | None
    days_held: int | None
    days_missing: int | None
    timespan_count: int | None
    longest_gap: int | None
    completeness: float | None
    bytes: int | None
    flat_days: int | None
    degraded_days: int | None
    last_traded_day: dt.date | None
    state: str | None
    kind: str
    quote: str
    looked_through: dt.date | None
    dataset: str


class TimespanRow(NamedTuple):
    """One unbroken run of days held, or several joined over short gaps."""

    symbol: str
    first_day: dt.date
    last_day: dt.date
    days: int
    days_held: int  # Days held in the run; fewer than `days` only where gaps were joined.
    dataset: str


class GapRow(NamedTuple):
    """One run of missing days between two days held."""

    symbol: str
    first_day: dt.date
    last_day: dt.date
    days: int
    reason: str
    listing_id: int
    looked_at: dt.datetime
    dataset: str


def coverage(con: Connection, symbol: str | None = None, *, dataset: str = UM_KLINES_1M) -> list[CoverageRow]:
    """Return the extent of every known symbol, or of one."""
    return ask(con, "coverage", CoverageRow, dataset=dataset, symbol=choosing.symbol(con, dataset, symbol))


def timespans(
    con: Connection, symbol: str | None = None, mergegaps: int = 0, *, dataset: str = UM_KLINES_1M
) -> list[TimespanRow]:
    """Return the runs of days held, joined where no more than ``mergegaps`` days lie between two."""
    if mergegaps < 0:
        raise UsageError(f"mergegaps is a number of days, 0 or more, not {mergegaps}.")
    rows = ask(con, "timespans", TimespanRow, dataset=dataset, symbol=choosing.symbol(con, dataset, symbol))
    return list(_joined(rows, mergegaps))


def gaps(
    con: Connection, symbol: str | None = None, mergegaps: int = 0, *, dataset: str = UM_KLINES_1M
) -> list[GapRow]:
    """Return the missing runs between two days held; those that ``timespans`` would join over are left out."""
    joined = defaultdict(list)
    for span in timespans(con, symbol, mergegaps, dataset=dataset):
        joined[span.symbol].append(span)
    rows = ask(con, "gaps", GapRow, dataset=dataset, symbol=symbol)
    return [row for row in rows if not any(_holds(span, row) for span in joined[row.symbol])]


def no_data(con: Connection, *, dataset: str = UM_KLINES_1M) -> list[str]:
    """Return the names, sorted, of symbols that were discovered and of which no file is held."""
    return [name for (name,) in fetch(con, "no_data", dataset=choosing.known_dataset(con, dataset))]


def _joined(rows: Iterable[TimespanRow], mergegaps: int) -> Iterator[TimespanRow]:
    """Yield the runs, which come by symbol and day, joined over short gaps."""
    last: TimespanRow | None = None
    for row in rows:
        if last and last.symbol == row.symbol and (row.first_day - last.last_day).days - 1 <= mergegaps:
            days = (row.last_day - last.first_day).days + 1
            last = last._replace(last_day=row.last_day, days=days, days_held=last.days_held + row.days_held)
            continue
        if last:
            yield last
        last = row
    if last:
        yield last


def _holds(span: TimespanRow, gap: GapRow) -> bool:
    return span.first_day < gap.first_day < span.last_day
