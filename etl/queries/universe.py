"""Which symbols there were at a point in time, those delisted since included."""

import datetime as dt
from collections import Counter
from typing import Any, NamedTuple

from etl.errors import UsageError
from etl.queries import choosing
from etl.queries.asking import Connection, build_id, fetch
from etl.queries.spans import gaps

_NOT_LISTED = "relist_break"  # between two lives of a ticker there is nothing that could be missing


class UniverseRow(NamedTuple):
    """One symbol with files in the days asked for, and what it has of them."""

    symbol: str
    first_day: dt.date  # First day held of those asked for.
    last_day: dt.date  # Last day held of those asked for.
    days_held: int  # Number of days asked for whose file is held.
    days_missing: int  # Number of days asked for that lie in a gap of it; a break between two lives is no gap.
    flat_days: int  # Number of days held whose file shows no trade.
    completeness: float  # Days held, divided by days held plus days missing; 1 means no gap in the days asked for.
    kind: str
    base: str
    quote: str
    build_id: str | None  # Build of the published file that says so, to be cited; null where a warehouse was asked.


def universe(
    con: Connection,
    start: dt.date,
    end: dt.date | None = None,
    *,
    min_completeness: float = 0,
    exclude_flat: bool = False,
    quote: str | None = None,
    kind: str | None = None,
) -> list[UniverseRow]:
    """Return the symbols with a file on ``start``, or on any day from ``start`` to ``end``, by name.

    ``min_completeness`` (0 to 1) asks for that share of the symbol's own days in the range, from its first file ever
    to its last; ``exclude_flat`` leaves out symbols without a single traded day in the range.
    """
    if not 0 <= min_completeness <= 1:
        raise UsageError(f"The least completeness is a number from 0 to 1, not {min_completeness}.")
    last = end or start
    days = choosing.days(con, start, last)
    choosing.kind_and_quote(con, kind, quote)
    build, missing = build_id(con), _missing(con, start, last)
    found = (_completed(row, missing[row[0]], build) for row in fetch(con, "universe", **days._asdict()))
    return [
        row
        for row in found
        if row.completeness >= min_completeness
        and not (exclude_flat and row.flat_days == row.days_held)
        and kind in {None, row.kind}
        and quote in {None, row.quote}
    ]


def _completed(row: tuple[Any, ...], missing: int, build: str | None) -> UniverseRow:
    symbol, first, last, held, flat, kind, base, quote = row
    days = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    whole = round(held / (held + missing), 6)
    return UniverseRow(symbol, *days, held, missing, flat, whole, kind, base, quote, build)


def _missing(con: Connection, first: dt.date, last: dt.date) -> Counter[str]:
    """Count each symbol's days from ``first`` to ``last`` that lie in a gap."""
    missing: Counter[str] = Counter()
    for gap in gaps(con):
        if gap.reason != _NOT_LISTED and gap.first_day <= last and gap.last_day >= first:
            missing[gap.symbol] += (min(gap.last_day, last) - max(gap.first_day, first)).days + 1
    return missing
