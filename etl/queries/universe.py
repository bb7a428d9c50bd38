"""Which symbols there were at a point in time, those delisted since included."""

import datetime as dt
from collections import Counter
from typing import Any, NamedTuple, TypeAlias

from etl.errors import UsageError
from etl.keys import UM_KLINES_1M
from etl.queries import choosing
from etl.queries.asking import Connection, build_id, fetch

_DAY = dt.timedelta(days=1)
_Lacking: TypeAlias = Counter[tuple[str, bool]]  # days of a symbol without a file; True: somebody looked


class UniverseRow(NamedTuple):
    """One symbol with files in the days asked for, and what it has of them."""

    symbol: str
    first_day: dt.date  # First day held of those asked for.
    last_day: dt.date  # Last day held of those asked for.
    days_held: int  # Number of days asked for whose file is held.
    days_missing: int  # Number of days asked for whose file is missing; none between two lives, or once it ended.
    flat_days: int  # Number of days held whose file shows no trade.
    completeness: float  # Days held / (days held + days missing + days not looked at): the share known to be there.
    kind: str
    base: str
    quote: str
    build_id: str | None  # Build of the published file that says so, to be cited; null where a warehouse was asked.
    days_not_looked: int  # Number of days asked for that nobody looked at, while it may have been there.
    dataset: str


def universe(
    con: Connection,
    start: dt.date,
    end: dt.date | None = None,
    *,
    min_completeness: float = 0,
    exclude_flat: bool = False,
    quote: str | None = None,
    kind: str | None = None,
    dataset: str = UM_KLINES_1M,
) -> list[UniverseRow]:
    """Return the symbols with a file on ``start``, or on any day from ``start`` to ``end``, by name.

    ``min_completeness`` (0 to 1) asks for that share of the symbol's own days in the range, from its first file ever
    until it ended; ``exclude_flat`` leaves out symbols without a single traded day in the range.
    """
    if not 0 <= min_completeness <= 1:
        raise UsageError(f"The least completeness is a number from 0 to 1, not {min_completeness}.")
    last = end or start
    days = choosing.days(con, dataset, start, last)
    choosing.kind_and_quote(con, dataset, kind, quote)
    build, lacking = build_id(con), _lacking(con, dataset, start, last)
    found = (_completed(row, lacking, build) for row in fetch(con, "universe", dataset=dataset, **days._asdict()))
    return [
        row
        for row in found
        if row.completeness >= min_completeness
        and not (exclude_flat and row.flat_days == row.days_held)
        and kind in {None, row.kind}
        and quote in {None, row.quote}
    ]


def _completed(row: tuple[Any, ...], lacking: _Lacking, build: str | None) -> UniverseRow:
    symbol, first, last, held, flat, kind, base, quote, dataset = row
    days = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    missing, unlooked = (lacking[symbol, looked] for looked in (True, False))
    whole = round(held / (held + missing + unlooked), 6)
    return UniverseRow(symbol, *days, held, missing, flat, whole, kind, base, quote, build, unlooked, dataset)


def _lacking(con: Connection, dataset: str, first: dt.date, last: dt.date) -> _Lacking:
    """Count each symbol's days from ``first`` to ``last`` whose file is missing, and those that nobody looked at."""
    lacking: _Lacking = Counter()
    for symbol, condition, *run in fetch(con, "lacking", dataset=dataset, start=str(first), end=str(last)):
        start, end = map(dt.date.fromisoformat, run)
        lacking[symbol, condition is not None] += (min(end, last) - max(start, first)).days + 1
    for symbol, looked_until, first_day in fetch(con, "unborn", dataset=dataset):
        start = dt.date.fromisoformat(looked_until) + _DAY if looked_until else dt.date.min
        end = dt.date.fromisoformat(first_day) - _DAY
        lacking[symbol, False] += max((min(end, last) - max(start, first)).days + 1, 0)
    return lacking
