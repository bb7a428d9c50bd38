"""An archive pairs how to enumerate its symbols with how to read its keys."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import chain, compress

from etl import keys
from etl.clock import now, today
from etl.errors import ListingError
from etl.keys import read_tail
from etl.records import DayFiles, Enumeration, Failure, Listing, Page, StoredObject, Stranger, Window, day_files
from etl.stores import Bucket, Lister, list_pages, over_http, page_url

_NOT_A_DAY_FILE = "not a day file of this series"
_NOT_OVER = "its day was not over when listed"
_LONE_CHECKSUM = "a checksum without its file"
_EMPTY = "the listing is empty though files must be there"


class _Stopped(Exception):  # noqa: N818 - no error
    """Somebody does not want the rest of a listing any more."""


def enumerate_symbols(bucket: Bucket, dataset: str) -> Enumeration:
    """List the symbol level of a dataset; raises ListingError."""
    prefix, started_at = keys.symbols_prefix(dataset), now()
    pages = list(list_pages(bucket, prefix, delimiter="/"))
    symbols, strangers = [], []
    for page in pages:
        for folder in page.prefixes:
            symbol = folder.removeprefix(prefix).rstrip("/")
            if symbol:
                symbols.append(symbol)
            else:
                strangers.append(Stranger(StoredObject(folder, "", "", ""), "a folder without a name"))
        strangers += [Stranger(found, "an object beside the symbol folders") for found in _objects(page)]
    return Enumeration(prefix, started_at, now(), len(pages), symbols, strangers)


def list_series(
    bucket: Bucket,
    dataset: str,
    window: Window,
    *,
    lister: Lister | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Listing | Failure | None:
    """List one window of one symbol, whole or not at all; None where ``stopped``, asked between two pages, said so.

    Another ``lister`` than the bucket's own connections must tell the same.
    """
    lister = lister or over_http(bucket)
    prefix, started_at = keys.series_prefix(dataset, window.symbol), now()
    from_key = keys.key_before(dataset, window.symbol, window.first) if window.first else ""
    try:
        pages = list(_window_pages(lister.pages(prefix, from_key), dataset, window, stopped))
        if window.filled and not pages[0].keys:
            _confirm_empty(bucket, dataset, window, from_key)
    except _Stopped:
        return None
    except ListingError as error:
        times = (started_at, now())
        return Failure(*window[:3], prefix, from_key, *times, error.url, error.status, error.reason, lister.method)
    files, strangers = read_series(dataset, window, pages)
    objects = sum(len(page.keys) for page in pages)
    url = page_url(bucket.listing_url, prefix, start_after=from_key)
    counts = (len(pages), objects)
    return Listing(window, prefix, from_key, url, started_at, now(), *counts, files, strangers, lister.method)


def _window_pages(pages: Iterator[Page], dataset: str, window: Window, stopped: Callable[[], bool]) -> Iterator[Page]:
    """Yield the pages of a window; ends early behind the last day asked for, and raises Stopped."""
    beyond = keys.key_before(dataset, window.symbol, window.last + dt.timedelta(days=1))
    for page in pages:
        yield page
        if window.stop and page.keys and page.keys[-1] > beyond:
            return
        if page.next_token and stopped():
            raise _Stopped


def _confirm_empty(bucket: Bucket, dataset: str, window: Window, from_key: str) -> None:
    """Ask again about a window that came back empty, at other levels; raise ListingError where they say otherwise.

    The symbol's folder, which the symbol level showed, must be there. If it holds no series any more, or the whole
    series ends before the window, two answers agree that the window is empty.
    """
    prefix = keys.series_prefix(dataset, window.symbol)
    folder = keys.symbols_prefix(dataset) + window.symbol + "/"
    folders = [name for page in list_pages(bucket, folder, delimiter="/") for name in page.prefixes]
    if folders and prefix not in folders:
        return
    names = [name for page in list_pages(bucket, prefix) for name in page.keys] if folders and window.first else []
    if not names or names[-1] > from_key:
        raise ListingError(page_url(bucket.listing_url, prefix, start_after=from_key), 200, _EMPTY)


def read_series(dataset: str, window: Window, pages: list[Page]) -> tuple[DayFiles, list[Stranger]]:
    """Tell the day files of one symbol's pages from everything else that lies there."""
    stem, last = keys.stem(dataset, window.symbol), window.last.isoformat()
    names, sizes, last_modified, etags = (
        list(chain.from_iterable(column)) for column in zip(*(page[:4] for page in pages), strict=True)
    )
    if pairs := _read_pairs(stem, last, names, sizes, last_modified, etags):
        return pairs, []
    tails = [name.removeprefix(stem) for name in names]
    days = list(map(read_tail, tails))
    is_file = [day is not None and day <= last for day in days]
    beside = set(tails)
    checksums = ["1" if f"{tail}.CHECKSUM" in beside else "0" for tail in compress(tails, is_file)]
    held = [day for day in compress(days, is_file) if day]
    files = day_files(held, *(compress(each, is_file) for each in (sizes, last_modified, etags)), checksums)
    if files.number + checksums.count("1") == len(names):
        return files, []
    return files, [
        Stranger(StoredObject(*row), reason)
        for tail, row in zip(tails, zip(names, sizes, last_modified, etags, strict=True), strict=True)
        if (reason := _strange(tail, beside, last, stop=window.stop))
    ]


def _read_pairs(
    stem: str, last: str, names: list[str], sizes: list[str], last_modified: list[str], etags: list[str]
) -> DayFiles | None:
    """Take the days where each name is a zip and the next one its checksum: nearly always so, and half the work."""
    zips, checksums = names[::2], names[1::2]
    if ".CHECKSUM\n".join([*zips, ""]) != "\n".join([*checksums, ""]):  # as one text each: name by name takes longer
        return None
    days = [day for name in zips if (day := read_tail(name.removeprefix(stem))) and day <= last]
    if len(days) != len(zips):
        return None
    return day_files(days, sizes[::2], last_modified[::2], etags[::2], ["1"] * len(days))


def _strange(tail: str, beside: set[str], last: str, *, stop: bool) -> str | None:
    """Say why a key is no day file of the window; None for those that are, or that nobody asked for."""
    file = tail.removesuffix(".CHECKSUM")
    day = read_tail(file)
    if day is None:
        return _NOT_A_DAY_FILE
    if day > last:
        return None if stop or day < today().isoformat() else _NOT_OVER
    return None if file in beside else _LONE_CHECKSUM


def _objects(page: Page) -> list[StoredObject]:
    return list(map(StoredObject, page.keys, page.sizes, page.last_modified, page.etags))
