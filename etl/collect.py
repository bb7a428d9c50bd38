"""Discover, backfill and update: plan windows, list them side by side, record what completed."""

import datetime as dt
import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event

import duckdb

from etl import warehouse
from etl.archives import enumerate_symbols, list_series
from etl.clock import now
from etl.errors import AvailabilityError, ListingError
from etl.keys import symbols_prefix
from etl.records import Enumeration, Failure, Listing, Outcome, Window
from etl.stores import Bucket

_DAY_FILES_A_TRANSACTION = 100_000  # fewer transactions are no faster, more cost 50 ms each
_PATIENCE = 32  # failures without one success before an archive counts as refusing everything
_SHRUNK_TO_NOTHING = 0.5  # an enumeration with fewer than this share of the known symbols is refused
_EMPTIED = "the listing is empty though files were there before and the symbol's folder still is"

Advance = Callable[[Listing | Failure], None]
_Answer = Future[Listing | Failure]


def discover(
    con: duckdb.DuckDBPyConnection, bucket: Bucket, dataset: str, *, files_url: str
) -> tuple[Enumeration, list[str]]:
    """List the symbol level and merge it in; return it with the new symbols. Never loses a symbol."""
    started_at = now()
    try:
        found = enumerate_symbols(bucket, dataset)
    except ListingError as error:
        prefix = symbols_prefix(dataset)
        failure = Failure(None, None, None, prefix, "", started_at, now(), error.url, error.status, error.reason)
        warehouse.record_failures(con, dataset, [failure])
        raise
    known = len(warehouse.known_symbols(con, dataset))
    if not found.symbols or len(found.symbols) < known * _SHRUNK_TO_NOTHING:
        raise AvailabilityError(
            f"{bucket.listing_url} lists {len(found.symbols)} symbols below {found.prefix} where {known} are known:"
            " this is not believed and nothing was changed."
        )
    new = warehouse.record_enumeration(con, dataset, found, listing_url=bucket.listing_url, files_url=files_url)
    return found, new


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
    return windows


def plan_update(
    con: duckdb.DuckDBPyConnection, dataset: str, symbols: Sequence[str], *, lookback: int, today: dt.date
) -> list[Window]:
    """Return one window a symbol: the last ``lookback`` days and whatever lies between them and where we stand."""
    looked = warehouse.covered(con, dataset)
    first, last = today - dt.timedelta(days=lookback), today - dt.timedelta(days=1)
    stands = {symbol: runs[-1][1] + dt.timedelta(days=1) for symbol, runs in looked.items()}
    return [Window(symbol, min(first, stands[symbol]) if symbol in stands else None, last) for symbol in symbols]


def _lacking(looked: Sequence[tuple[dt.date, dt.date]], first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
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


def collect(
    con: duckdb.DuckDBPyConnection,
    bucket: Bucket,
    dataset: str,
    windows: Sequence[Window],
    *,
    workers: int,
    advance: Advance = lambda _: None,
) -> Outcome:
    """List every window, ``workers`` at a time, and record each whole or not at all.

    Ctrl-C stops asking; what was complete by then is recorded and the outcome says so. So does an
    archive that refuses the first requests of every worker: nobody is asked a thousand times in vain.
    """
    stop, interrupted, tally, failures = Event(), False, Counter[str](), list[Failure]()
    with _many_small_objects(), ThreadPoolExecutor(workers) as pool:
        asked = [pool.submit(list_series, bucket, dataset, window, stopped=stop.is_set) for window in windows]
        left = dict.fromkeys(asked)
        try:
            for batch in _batches(as_completed(asked), advance, patience=max(workers, _PATIENCE)):
                failures += _record(con, dataset, [future.result() for future in batch], tally)
                for future in batch:
                    del left[future]
        except (KeyboardInterrupt, duckdb.InterruptException):
            interrupted = True
        stop.set()
        pool.shutdown(cancel_futures=True)
    if interrupted:
        done = [future.result() for future in left if future.done() and not future.cancelled()]
        _record(con, dataset, [answer for answer in done if isinstance(answer, Listing)], tally)
    moved = {name: tally[name] for name in ("added", "changed", "touched", "vanished", "returned")}
    return Outcome(
        asked=len(windows),
        recorded=tally["recorded"],
        pages=tally["pages"],
        day_files=tally["day_files"],
        **moved,
        strangers=tally["strangers"],
        failures=failures,
        interrupted=interrupted,
    )


@contextmanager
def _many_small_objects() -> Iterator[None]:
    """Keep the garbage collector off millions of short texts: it finds nothing and costs a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _batches(done: Iterable[_Answer], advance: Advance, *, patience: int) -> Iterator[list[_Answer]]:
    """Gather finished listings until one transaction is worth its price; give up where nothing succeeds."""
    batch, day_files, succeeded = list[_Answer](), 0, False
    for future in done:
        answer = future.result()
        advance(answer)
        batch.append(future)
        succeeded = succeeded or isinstance(answer, Listing)
        if not succeeded and len(batch) >= patience:
            break
        day_files += len(answer.files.days) if isinstance(answer, Listing) else 0
        if day_files >= _DAY_FILES_A_TRANSACTION:
            yield batch
            batch, day_files = [], 0
    yield batch


def _record(
    con: duckdb.DuckDBPyConnection, dataset: str, answers: Sequence[Listing | Failure], tally: Counter[str]
) -> list[Failure]:
    """Record answers, add to the tally, return the failures among them."""
    listings = [answer for answer in answers if isinstance(answer, Listing)]
    refused = warehouse.emptied(con, dataset, listings)
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    failures += [_as_failure(each, _EMPTIED) for each in listings if each.window.symbol in refused]
    listings = [each for each in listings if each.window.symbol not in refused]
    tally.update(warehouse.record_listings(con, dataset, listings))
    warehouse.record_failures(con, dataset, failures)
    tally.update(
        recorded=len(listings),
        pages=sum(each.pages for each in listings),
        day_files=sum(len(each.files.days) for each in listings),
        strangers=sum(len(each.strangers) for each in listings),
    )
    return failures


def _as_failure(listing: Listing, reason: str) -> Failure:
    where = (*listing.window[:3], listing.prefix, listing.from_key, listing.started_at, listing.ended_at)
    return Failure(*where, url=listing.url, status=200, reason=reason)
