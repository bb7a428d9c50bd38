"""The only code that talks to the archive. It yields records and knows nothing of symbols."""

import datetime as dt
import re
import socket
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from etl.clock import now
from etl.errors import AvailabilityError, ListingError, UsageError
from etl.records import Head, Page
from etl.s3_xml import PageError, read_page

USER_AGENT = f"market-data-availability/{version('market-data-availability')}"
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0  # between two bytes, not of a whole answer
_FOUND, _NOT_THERE = 200, 404
_SIZE = re.compile(r"[1-9]\d{0,14}", re.ASCII)  # a zip has bytes: 0 is what a proxy says that does not know
_FIRST_YEAR, _LAST_YEAR = 2000, 2100  # a clock beside them tells no time
_ETAG = re.compile(r'"([0-9a-f]{32}(?:-\d{1,5})?)"', re.ASCII)
_READING = Lock()  # one page at a time: it is all Python, and threads at it only fight for the interpreter
_CAUSES: dict[type[Exception], str] = {  # the first kind that fits speaks; the narrow ones come first
    urllib3.exceptions.NameResolutionError: "the host name cannot be resolved",
    urllib3.exceptions.NewConnectionError: "the connection is refused",
    urllib3.exceptions.ConnectTimeoutError: "no connection within {connect:g} s",
    urllib3.exceptions.ReadTimeoutError: "no byte for {read:g} s",
    urllib3.exceptions.ProtocolError: "the connection broke off before the answer was whole",
}


class Bucket(NamedTuple):
    """One public bucket and the connections to it."""

    listing_url: str
    pool: urllib3.HTTPConnectionPool


class Lister(NamedTuple):
    """One way to list a bucket; ``pages`` takes prefix and start-after and raises ListingError."""

    method: str  # as it is recorded
    pages: Callable[[str, str], Iterator[Page]]


class Sample(NamedTuple):
    """The first key of a prefix, and what time the archive had."""

    key: str | None
    date: dt.datetime | None  # UTC; None where it told none


class Files(NamedTuple):
    """The public files and the connections to their host."""

    files_url: str
    pool: urllib3.HTTPConnectionPool


def open_bucket(listing_url: str, workers: int) -> Bucket:
    """Return a bucket with one kept connection a worker; nothing is asked yet."""
    _address(listing_url, "a bucket")
    return Bucket(listing_url, urllib3.connection_from_url(listing_url, **_pool_settings(workers)))


def open_files(files_url: str, workers: int) -> Files:
    """Return the files with one connection a worker, all to one address of the host, looked up here and only here.

    150 connections that each look up the same name are what a resolver refuses first. Raises AvailabilityError.
    """
    url = _address(files_url, "files")
    host, port = (url.host or "").strip("[]"), url.port or {"http": 80, "https": 443}[url.scheme or ""]
    settings = _pool_settings(workers, Host=url.netloc or "")
    address = _reachable(host, port)
    if url.scheme == "https":
        return Files(files_url, urllib3.HTTPSConnectionPool(address, port, server_hostname=host, **settings))
    return Files(files_url, urllib3.HTTPConnectionPool(address, port, **settings))


def _address(url: str, what: str) -> Url:
    try:
        read = parse_url(url)
    except LocationParseError as error:
        raise UsageError(f"{url} is no address of {what}: {error}") from error
    if read.scheme not in ("http", "https") or not read.host:
        raise UsageError(f"{url} is no address of {what}: it must begin with https:// and a host.")
    if read.auth or read.query or read.fragment:
        raise UsageError(f"The address of {what} carries more than a host and a path: it is published as it is.")
    return read


def _pool_settings(workers: int, **headers: str) -> dict[str, Any]:
    return {
        "maxsize": workers,
        "block": True,
        "retries": False,  # strict: the next run completes what fails now
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "headers": {"User-Agent": USER_AGENT, **headers},
    }


def _reachable(host: str, port: int) -> str:
    """Return the first address of a host that takes a connection, the first of all where none does."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise AvailabilityError(f"The host {host} cannot be resolved; nothing was probed.") from error
    for address in found if len(found) > 1 else ():
        try:
            socket.create_connection((address, port), CONNECT_SECONDS).close()
        except OSError:
            continue
        return address
    return found[0]


def over_http(bucket: Bucket) -> Lister:
    """Return the lister that asks the bucket itself."""
    return Lister("list", lambda prefix, start_after: list_pages(bucket, prefix, start_after=start_after))


def list_pages(bucket: Bucket, prefix: str, *, start_after: str = "", delimiter: str = "") -> Iterator[Page]:
    """Yield the verified pages of a prefix in key order; raise ListingError at the first doubt."""
    after, token = start_after, None
    while True:
        url = page_url(bucket.listing_url, prefix, start_after=start_after, delimiter=delimiter, token=token)
        page = _get_page(bucket, url, prefix=prefix, after=after)
        if token is not None and not (page.keys or page.prefixes):
            raise ListingError(url, _FOUND, "a page that was announced to follow is empty")
        yield page
        if page.next_token is None:
            return
        if page.next_token == token:
            raise ListingError(url, _FOUND, "the answer repeats its continuation token: a page loop")
        token, after = page.next_token, max(page.keys[-1:] + page.prefixes[-1:])


def page_url(
    listing_url: str, prefix: str, *, start_after: str = "", delimiter: str = "", token: str | None = None
) -> str:
    """Return the address of one ListObjectsV2 page."""
    wanted = {"list-type": "2", "delimiter": delimiter, "prefix": prefix, "start-after": start_after}
    query = {name: value for name, value in wanted.items() if value}
    if token is not None:
        query["continuation-token"] = token
    return f"{listing_url}?{urlencode(query, quote_via=quote, safe='/')}"


def sample(bucket: Bucket, prefix: str) -> Sample:
    """Ask for one key of a prefix; raises ListingError."""
    url = f"{page_url(bucket.listing_url, prefix)}&max-keys=1"
    answer = _get(bucket, url)
    told = _utc(answer.headers.get("Date", ""))
    date = dt.datetime.fromisoformat(told).replace(tzinfo=None) if told else None
    return Sample(next(iter(_read(answer, url, prefix=prefix, after="").keys), None), date)


def _get_page(bucket: Bucket, url: str, *, prefix: str, after: str) -> Page:
    return _read(_get(bucket, url), url, prefix=prefix, after=after)


def _get(bucket: Bucket, url: str) -> urllib3.BaseHTTPResponse:
    try:
        answer = bucket.pool.request("GET", parse_url(url).request_uri, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise ListingError(url, None, _cause(error)) from error
    if answer.status != _FOUND:
        raise ListingError(url, answer.status, f"the archive refuses: {_error_code(answer.data)}")
    return answer


def _read(answer: urllib3.BaseHTTPResponse, url: str, *, prefix: str, after: str) -> Page:
    try:
        with _READING:
            return read_page(answer.data, prefix=prefix, after=after)
    except PageError as error:
        raise ListingError(url, answer.status, str(error)) from error


def head(files: Files, url: str) -> Head:
    """Ask for the headers of one file; never raises: what is neither a whole 200 nor a 404 carries its error."""
    asked_at = now()
    try:
        answer = files.pool.request("HEAD", parse_url(url).request_uri, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return Head(url, asked_at, None, error=_cause(error))
    if answer.status == _NOT_THERE:
        return Head(url, asked_at, _NOT_THERE)
    if answer.status != _FOUND:
        onward = answer.headers.get("Location")
        why = f"it points to {onward}" if onward else answer.reason or "no reason given"
        return Head(url, asked_at, answer.status, error=why)
    return _read_head(url, asked_at, answer.headers)


def _read_head(url: str, asked_at: dt.datetime, headers: urllib3.HTTPHeaderDict) -> Head:
    """Read a 200; one that lacks what every file of the archive has tells nothing."""
    size = _SIZE.fullmatch(headers.get("Content-Length", ""))
    etag = _ETAG.fullmatch(headers.get("ETag", ""))
    moment = _utc(headers.get("Last-Modified", ""))
    told = (size[0] if size else None, moment, etag[1] if etag else None)
    names = ("Content-Length", "Last-Modified", "ETag")
    lacking = " and no usable ".join(name for name, value in zip(names, told, strict=True) if value is None)
    error = f"the answer has no usable {lacking}" if lacking else None
    if headers.get("Content-Type", "").startswith("text/html"):
        error = "the answer is a web page"
    return Head(url, asked_at, _FOUND, *told, error=error)


def _utc(date: str) -> str | None:
    """Read an HTTP date, ``Tue, 16 Jan 2024 07:31:02 GMT``, as a listing writes it; None where it is none."""
    try:
        moment = parsedate_to_datetime(date)
        moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def _cause(error: urllib3.exceptions.HTTPError) -> str:
    """Say what happened without the addresses of Python objects that urllib3 puts into its messages."""
    known = next((words for kind, words in _CAUSES.items() if isinstance(error, kind)), None)
    if known is None:
        return f"{type(error).__name__}: {error}"
    return known.format(connect=CONNECT_SECONDS, read=READ_SECONDS)


def _error_code(body: bytes) -> str:
    """Return S3's own error code, or the beginning of whatever came instead."""
    text = body[:2000].decode(errors="replace")
    _, found, rest = text.partition("<Code>")
    return rest.partition("</Code>")[0] if found else repr(" ".join(text[:80].split()))
