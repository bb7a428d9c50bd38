"""Look at a window by a HEAD of each of its files: what is conclusive is as good as a listing of those days."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby

from etl import keys
from etl.clock import now
from etl.records import Answer, Failure, Listing, Probe, Window, day_files
from etl.stores import Files, head

Stopped = Callable[[], bool]
_FOUND = 200


@contextmanager
def by_head(files: Files, dataset: str, *, workers: int) -> Iterator[Callable[[Window, Stopped], Answer]]:
    """Yield a function that looks at one window with a first day; all windows share ``workers`` threads."""
    with in_parallel(workers) as pool:
        yield lambda window, stopped: look(files, pool, dataset, window, stopped)


@contextmanager
def in_parallel(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads that is not waited for at the end: who stops at once wants no answer any more."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def look(files: Files, pool: ThreadPoolExecutor, dataset: str, window: Window, stopped: Stopped) -> Answer:
    """Probe the days of a window until ``stopped``; days between two inconclusive ones are a listing of their own.

    A day is conclusive where its file answers 404 or a whole 200; any other is a failure and covered by nothing.
    """

    def ask(day: dt.date) -> Probe | None:
        if stopped():
            return None
        url = keys.file_url(files.files_url, keys.day_key(dataset, window.symbol, day))
        return Probe(window.symbol, day, head(files, url))

    days, started_at = days_of(window), now()
    answers = [ask(days[0])] if len(days) == 1 else list(pool.map(ask, days))
    probes = [probe for probe in answers if probe]
    runs = groupby(answers, key=lambda probe: probe is not None and probe.head.error is None)
    listings = [_listing(dataset, [probe for probe in run if probe], started_at) for told, run in runs if told]
    failures = [_failure(dataset, probe) for probe in probes if probe.head.error]
    return Answer(listings, failures, probes, whole=len(probes) == len(days))


def days_of(window: Window) -> list[dt.date]:
    """Return the days of a window; ValueError for one without a first day, whose files only a listing knows."""
    if window.first is None:
        raise ValueError(f"{window} cannot be probed: it has no first day")
    return [window.first + dt.timedelta(days=number) for number in range((window.last - window.first).days + 1)]


def _listing(dataset: str, run: Sequence[Probe], started_at: dt.datetime) -> Listing:
    """Tell what a run of conclusive days says, in the words of a listing; HEADs do not tell of checksums."""
    symbol = run[0].symbol
    found = [(str(probe.day), probe.head) for probe in run if probe.head.status == _FOUND]
    files = day_files(
        [day for day, _ in found],
        [told.size or "" for _, told in found],
        [told.last_modified or "" for _, told in found],
        [told.etag or "" for _, told in found],
        [""] * len(found),
    )
    return Listing(
        window=Window(symbol, run[0].day, run[-1].day),
        prefix=keys.series_prefix(dataset, symbol),
        from_key="",
        url=run[0].head.url,
        started_at=started_at,
        ended_at=now(),
        pages=len(run),
        objects=len(found),
        files=files,
        strangers=[],
        method="head",
    )


def _failure(dataset: str, probe: Probe) -> Failure:
    symbol, day, told = probe
    where = (keys.series_prefix(dataset, symbol), "", told.asked_at, now())
    return Failure(symbol, day, day, *where, told.url, told.status, told.error or "", "head")
