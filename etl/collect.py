"""Discover, backfill, update and probe: look at windows side by side, record what completed."""

import gc
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from threading import Event

import duckdb

from etl import recording, warehouse
from etl.archives import enumerate_symbols, list_series
from etl.clock import now
from etl.errors import ListingError
from etl.keys import symbols_prefix
from etl.probe import by_head, in_parallel
from etl.records import Answer, Enumeration, Failure, Listing, Outcome, Probe, Window
from etl.stores import Bucket, Lister, open_files, page_url

_DAYS_A_TRANSACTION = 100_000  # fewer transactions are no faster, more cost 50 ms each
_PATIENCE = 32  # failures without one success before an archive counts as refusing everything
_SHRUNK_TO_NOTHING = 0.5  # an enumeration with fewer than this share of the known symbols is refused
_SPOILED = "the listing holds a value that is none"
_WRONG_HOST = "not one file asked for is there, and some are held: is this the right host? A listing tells"

_FOUND, _NOT_THERE = 200, 404

Advance = Callable[[Answer], None]
Look = Callable[[Window, Callable[[], bool]], Answer]  # window, stopped


def discover(
    con: duckdb.DuckDBPyConnection,
    bucket: Bucket,
    dataset: str,
    *,
    files_url: str,
    check: Callable[[Sequence[str]], object] = len,
) -> tuple[Enumeration, list[str]]:
    """List the symbol level and merge it in; return it with the new symbols. Never loses a symbol.

    Before anything is recorded ``check`` is called with all names then known, and may raise.
    """
    known, started_at = warehouse.known_symbols(con, dataset), now()
    try:
        found = _enumerate_believably(bucket, dataset, len(known))
    except ListingError as error:
        prefix = symbols_prefix(dataset)
        failure = Failure(None, None, None, prefix, "", started_at, now(), error.url, error.status, error.reason)
        recording.record_failures(con, dataset, [failure])
        raise
    check(sorted({*known, *found.symbols}))
    new = recording.record_enumeration(con, dataset, found, listing_url=bucket.listing_url, files_url=files_url)
    return found, new


def _enumerate_believably(bucket: Bucket, dataset: str, known: int) -> Enumeration:
    found = enumerate_symbols(bucket, dataset)
    if not found.symbols or len(found.symbols) < known * _SHRUNK_TO_NOTHING:
        url = page_url(bucket.listing_url, found.prefix, delimiter="/")
        said = f"it lists {len(found.symbols)} symbols where {known} are known; nothing was changed"
        raise ListingError(url, _FOUND, f"{said}, for this is not believed")
    return found


@contextmanager
def by_method(method: str, bucket: Bucket, files_url: str, dataset: str, *, workers: int) -> Iterator[Look]:
    """Yield a function that looks at a window by ``list`` or by ``head``; one without a first day is listed anyway."""
    listing = by_listing(bucket, dataset)
    if method == "list":
        yield listing
        return
    with by_head(open_files(files_url, workers), dataset, workers=workers) as probing:
        yield lambda window, stopped: (probing if window.first else listing)(window, stopped)


def by_listing(bucket: Bucket, dataset: str, lister: Lister | None = None) -> Look:
    """Return a function that looks at one window by listing it."""

    def look(window: Window, stopped: Callable[[], bool]) -> Answer:
        answer = list_series(bucket, dataset, window, lister=lister, stopped=stopped)
        if answer is None:
            return Answer([], [], [], whole=False)
        return Answer([answer], [], []) if isinstance(answer, Listing) else Answer([], [answer], [])

    return look


def collect(
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    windows: Sequence[Window],
    look: Look,
    *,
    workers: int,
    stop: Event | None = None,
    advance: Advance = lambda _: None,
) -> Outcome:
    """Look at every window, one a symbol, ``workers`` at a time; record each listing whole or not at all.

    Once ``stop`` is set nobody is asked any more; what was complete by then is recorded, and the outcome says so. So
    does an archive that refuses the first requests of every worker: it is not asked a thousand times in vain.
    """
    stop, enough = stop or Event(), Event()
    tally, failures = Counter[str](), list[Failure]()

    def stopped() -> bool:
        return stop.is_set() or enough.is_set()

    def unless_stopped(window: Window) -> Answer:
        return Answer([], [], [], whole=False) if stopped() else look(window, stopped)

    with _many_small_objects(), in_parallel(workers) as pool:
        try:
            done = as_completed([pool.submit(unless_stopped, window) for window in windows])
            for batch in _batches(done, advance, enough, patience=max(workers, _PATIENCE)):
                failures += _record(con, dataset, batch, tally, look)
        finally:
            enough.set()  # whatever went wrong here: do not ask on for nothing
    counted = {name: tally[name] for name in Outcome._fields if name not in ("asked", "failures", "interrupted")}
    return Outcome(asked=len(windows), failures=failures, interrupted=stop.is_set(), **counted)


@contextmanager
def _many_small_objects() -> Iterator[None]:
    """Keep the garbage collector off millions of short texts: it finds nothing and costs a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _batches(
    done: Iterable[Future[Answer]], advance: Advance, enough: Event, *, patience: int
) -> Iterator[list[Answer]]:
    """Gather what is finished until one transaction is worth its price; say ``enough`` where nothing succeeds."""
    batch, days, succeeded = list[Answer](), 0, False
    for future in done:
        answer = future.result()
        advance(answer)
        batch.append(answer)
        succeeded = succeeded or bool(answer.listings)
        if not succeeded and len(batch) >= patience:
            enough.set()
        days += len(answer.probes) or sum(each.files.number for each in answer.listings)
        if days >= _DAYS_A_TRANSACTION:
            yield batch
            batch, days = [], 0
    yield batch


def _record(
    con: duckdb.DuckDBPyConnection, dataset: str, answers: Sequence[Answer], tally: Counter[str], look: Look
) -> list[Failure]:
    """Record answers, add to the tally, return the failures among them."""
    found = [listing for answer in answers for listing in answer.listings]
    refused, control = _refused(con, dataset, found, look, tally)
    asked = [probe for answer in answers for probe in answer.probes]
    asked = [_doubted(probe) if probe.symbol in refused else probe for probe in asked]
    probes = asked + control.probes  # the control was not asked for, and counts as a request only
    found += control.listings
    listings = [listing for listing in found if listing.window.symbol not in refused]
    moved, spoiled = _record_listings(con, dataset, listings, probes)
    refused |= spoiled
    listings = [listing for listing in listings if listing.window.symbol not in spoiled]
    failures = [failure for answer in answers for failure in answer.failures]
    failures += [_as_failure(each, refused[each.window.symbol]) for each in found if each.window.symbol in refused]
    recording.record_failures(con, dataset, failures)
    tally.update(moved)
    tally.update(
        recorded=sum(_is_recorded(answer, refused) for answer in answers),
        pages=len(probes) + sum(each.pages for each in listings if each.method != "head"),
        day_files=sum(each.files.number for each in listings),
        strangers=sum(len(each.strangers) for each in listings),
    )
    tally.update(
        "unknown" if head.error else "absent" if head.status == _NOT_THERE else "present" for *_, head in asked
    )
    return failures


def _record_listings(
    con: duckdb.DuckDBPyConnection, dataset: str, listings: Sequence[Listing], probes: Sequence[Probe]
) -> tuple[Counter[str], dict[str, str]]:
    """Record listings together, or one by one where a value among them is none; return moves and spoiled symbols."""
    try:
        return Counter(recording.record_listings(con, dataset, listings, probes)), {}
    except duckdb.ConversionException as error:
        if len(listings) == 1:
            return Counter(), {listings[0].window.symbol: f"{_SPOILED}: {error}"}
    moved, spoiled = Counter(recording.record_listings(con, dataset, [], probes)), dict[str, str]()
    for listing in listings:
        more, also = _record_listings(con, dataset, [listing], [])
        moved, spoiled = moved + more, spoiled | also
    return moved, spoiled


def _refused(
    con: duckdb.DuckDBPyConnection, dataset: str, found: Sequence[Listing], look: Look, tally: Counter[str]
) -> tuple[dict[str, str], Answer]:
    """Return the symbols whose HEADs are not believed, and why; and the answer about the control, if it was asked for.

    A 404 is believed where the host has shown one file in this run; one that has shown none may be any host. On a
    morning without one new file no host shows any: then one file known to be held tells, all or none are believed.
    """
    nobody = Answer([], [], [])
    headed = [listing for listing in found if listing.method == "head"]
    if not headed or tally["present"] or tally["controlled"] or any(listing.files.number for listing in headed):
        return {}, nobody
    held = warehouse.control(con, dataset, [listing.window for listing in headed])
    if held is None:  # nothing can be lost, and nothing could tell
        return {}, nobody
    symbol, day, asked = held
    answer = nobody if asked else look(Window(symbol, day, day), lambda: False)
    if any(listing.files.number for listing in answer.listings):
        tally["controlled"] += 1
        return {}, answer
    refused = dict.fromkeys((listing.window.symbol for listing in headed), _WRONG_HOST)
    return refused, Answer([], [], list(map(_doubted, answer.probes)))


def _doubted(probe: Probe) -> Probe:
    return probe._replace(head=probe.head._replace(error=probe.head.error or _WRONG_HOST))


def _is_recorded(answer: Answer, refused: Collection[str]) -> bool:
    return answer.whole and not answer.failures and all(each.window.symbol not in refused for each in answer.listings)


def _as_failure(listing: Listing, reason: str) -> Failure:
    where = (*listing.window[:3], listing.prefix, listing.from_key, listing.started_at, listing.ended_at)
    status = _NOT_THERE if listing.method == "head" else _FOUND
    return Failure(*where, url=listing.url, status=status, reason=reason, method=listing.method)
