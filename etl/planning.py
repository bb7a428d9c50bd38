"""Which windows to look at, and by which method."""

import datetime as dt
from collections.abc import Mapping, Sequence

import duckdb

from etl import warehouse
from etl.keys import read_symbol
from etl.records import Window

LOOKBACK = 20  # days before today that an update looks at again: files come late
_ENDED = dt.timedelta(days=10)  # looked at after its newest file without another one: so long no file is late
_Run = tuple[dt.date, dt.date]  # of days looked at


def plan_backfill(
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    symbols: Sequence[str],
    *,
    first: dt.date | None,
    last: dt.date,
    bounded: bool,
    full: bool,
) -> list[Window]:
    """Return what to list so that ``first..last`` is covered; ``full`` lists what is covered again.

    ``bounded`` says that ``last`` was asked for: later keys are then not even requested.
    """
    looked = warehouse.covered(con, dataset)
    windows = []
    for symbol in symbols:
        lacking = [(first or dt.date.min, last)] if full else _lacking(looked[symbol], first or dt.date.min, last)
        if lacking:
            start, end = lacking[0][0], lacking[-1][1]
            windows.append(Window(symbol, None if start == dt.date.min else start, end, bounded or end < last))
    windows.sort(key=_probably_short)
    return _with_expectation(con, dataset, windows, looked)


def _probably_short(window: Window) -> tuple[bool, bool]:
    """Sort the short series last: of a long one the pages come one after another when all others are done."""
    name = read_symbol(window.symbol)
    return name.kind != "perpetual", name.quote != "USDT"  # other quotes came later, or have ended


def plan_update(
    con: duckdb.DuckDBPyConnection, dataset: str, symbols: Sequence[str], *, lookback: int, today: dt.date
) -> list[Window]:
    """Return one window a symbol: the last ``lookback`` days and whatever lies between them and where we stand.

    We stand where the first unbroken run of days looked at ends: a probe of a later day leaves none out. A symbol
    that was only ever probed is listed whole, as one never looked at.
    """
    looked, listed = warehouse.covered(con, dataset), warehouse.listed_symbols(con, dataset)
    first, last = today - dt.timedelta(days=lookback), today - dt.timedelta(days=1)
    stands = {symbol: runs[0][1] + dt.timedelta(days=1) for symbol, runs in looked.items() if symbol in listed}
    windows = [Window(symbol, min(first, stands[symbol]) if symbol in stands else None, last) for symbol in symbols]
    return _with_expectation(con, dataset, windows, looked)


def _with_expectation(
    con: duckdb.DuckDBPyConnection, dataset: str, windows: Sequence[Window], looked: Mapping[str, Sequence[_Run]]
) -> list[Window]:
    """Mark the windows of which an empty answer needs a second one: of a folder just enumerated, and not ended.

    The second question costs two requests and more. Of a symbol that has ended an empty answer is what every look says
    day after day, and one look was confirmed when it began: so the ended ones stay at one request an update.
    """
    enumerated, held = warehouse.enumerated_symbols(con, dataset), warehouse.held_extents(con, dataset)

    def ended(symbol: str, first: dt.date | None) -> bool:
        """Tell whether the days after the newest file were looked at, enough of them, and the window lies behind."""
        if first is None or symbol not in held or held[symbol][1] >= first:
            return False
        newest = held[symbol][1]
        return any(start <= newest and end >= newest + _ENDED for start, end in looked.get(symbol, ()))

    return [
        window._replace(filled=window.symbol in enumerated and not ended(window.symbol, window.first))
        for window in windows
    ]


def choose_method(windows: Sequence[Window]) -> tuple[str, str]:
    """Return ``head`` or ``list``, whichever asks less, and the reason; windows without a first day are listed anyway.

    A tie goes to ``head``: its answers are headers, a listing of one day is some 900 bytes of XML more.
    """
    known = [(window.last - window.first).days + 1 for window in windows if window.first]
    heads, listings = sum(known), len(known)
    if not known:
        return "list", "no symbol was listed before"
    if heads > listings:
        return "list", f"{listings:,} listings against {heads:,} HEAD requests"
    return "head", f"{heads:,} HEAD requests against {listings:,} listings, and smaller answers"


def _lacking(looked: Sequence[_Run], first: dt.date, last: dt.date) -> list[_Run]:
    """Return the runs of ``first..last`` that lie outside of ``looked`` (sorted, disjoint)."""
    lacking, day = [], first
    for start, end in looked:
        if start > day:
            lacking.append((day, min(start - dt.timedelta(days=1), last)))
        if end >= day:
            day = end + dt.timedelta(days=1)
        if day > last:
            break
    if day <= last:
        lacking.append((day, last))
    return [(start, end) for start, end in lacking if start <= end]
