"""The only code that talks to the archive. It yields records and knows nothing of symbols."""

from collections.abc import Iterator
from importlib.metadata import version
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from etl.errors import ListingError, UsageError
from etl.records import Page
from etl.s3_xml import PageError, read_page

USER_AGENT = f"market-data-availability/{version('market-data-availability')}"
_TIMEOUT = urllib3.Timeout(connect=10, read=30)  # seconds between two bytes, not of a whole answer
_FOUND = 200
_READING = Lock()  # one page at a time: it is all Python, and threads at it only fight for the interpreter
_CAUSES: dict[type[Exception], str] = {  # the first kind that fits speaks; the narrow ones come first
    urllib3.exceptions.NameResolutionError: "the host name cannot be resolved",
    urllib3.exceptions.NewConnectionError: "the connection is refused",
    urllib3.exceptions.ConnectTimeoutError: "no connection within 10 s",
    urllib3.exceptions.ReadTimeoutError: "no byte for 30 s",
    urllib3.exceptions.ProtocolError: "the connection broke off before the answer was whole",
}


class Bucket(NamedTuple):
    """One public bucket and the connections to it."""

    listing_url: str
    pool: urllib3.HTTPConnectionPool


def open_bucket(listing_url: str, workers: int) -> Bucket:
    """Return a bucket with one kept connection a worker; nothing is asked yet."""
    try:
        host = parse_url(listing_url)
    except LocationParseError as error:
        raise UsageError(f"{listing_url} is no address of a bucket: {error}") from error
    if host.scheme not in ("http", "https") or not host.host:
        raise UsageError(f"{listing_url} is no address of a bucket: it must begin with https:// and a host.")
    pool = urllib3.connection_from_url(
        listing_url,
        maxsize=workers,
        block=True,
        retries=False,  # strict: the next run completes what fails now
        timeout=_TIMEOUT,
        headers={"User-Agent": USER_AGENT},
    )
    return Bucket(listing_url, pool)


def list_pages(bucket: Bucket, prefix: str, *, start_after: str = "", delimiter: str = "") -> Iterator[Page]:
    """Yield the verified pages of a prefix in key order; raise ListingError at the first doubt."""
    after, token = start_after, None
    while True:
        url = page_url(bucket.listing_url, prefix, start_after=start_after, delimiter=delimiter, token=token)
        page = _get_page(bucket, url, prefix=prefix, after=after)
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


def _get_page(bucket: Bucket, url: str, *, prefix: str, after: str) -> Page:
    try:
        answer = bucket.pool.request("GET", parse_url(url).request_uri, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise ListingError(url, None, _cause(error)) from error
    if answer.status != _FOUND:
        raise ListingError(url, answer.status, f"the archive refuses: {_error_code(answer.data)}")
    try:
        with _READING:
            return read_page(answer.data, prefix=prefix, after=after)
    except PageError as error:
        raise ListingError(url, answer.status, str(error)) from error


def _cause(error: urllib3.exceptions.HTTPError) -> str:
    """Say what happened without the addresses of Python objects that urllib3 puts into its messages."""
    known = next((words for kind, words in _CAUSES.items() if isinstance(error, kind)), None)
    return known or f"{type(error).__name__}: {error}"


def _error_code(body: bytes) -> str:
    """Return S3's own error code, or the beginning of whatever came instead."""
    text = body[:2000].decode(errors="replace")
    _, found, rest = text.partition("<Code>")
    return rest.partition("</Code>")[0] if found else repr(" ".join(text[:80].split()))
