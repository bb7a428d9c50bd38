"""What the replica's tests share: a small universe, and a plain S3 client that shows answers as they are."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

import urllib3

from etl.replica.universe import StrayKey, SymbolFacts

KLINES = "data/futures/um/daily/klines/"
NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
LONG_AGO = datetime(2023, 1, 1, tzinfo=UTC)
HTTP = urllib3.PoolManager(retries=False, maxsize=8)
XMLNS = "{http://s3.amazonaws.com/doc/2006-03-01/}"

SMALL = [
    SymbolFacts("BTCUSDT", date(2024, 1, 1)),
    SymbolFacts("BTCUSDT_240105", date(2024, 1, 1), date(2024, 1, 5)),
    SymbolFacts("ICPUSDT", date(2024, 1, 1), None, ((date(2024, 1, 3), date(2024, 1, 5)),)),
    SymbolFacts("BLZUSDT", date(2024, 1, 1), None, dead_from=date(2024, 1, 4)),
    SymbolFacts("币安人生USDT", date(2024, 1, 8)),
]


class Answer(NamedTuple):
    """One listing page, read."""

    keys: list[str]
    prefixes: list[str]
    truncated: bool
    onward: str | None


def stray(key: str, size: int = 10) -> StrayKey:
    return StrayKey(key, size, LONG_AGO)


def day_key(symbol: str, day: str, *, checksum: bool = False) -> str:
    return f"{KLINES}{symbol}/1m/{symbol}-1m-{day}.zip{'.CHECKSUM' if checksum else ''}"


def fetch(url: str, method: str = "GET") -> urllib3.BaseHTTPResponse:
    return HTTP.request(method, url, headers={"Connection": "close"})


def listing(url: str, params: Mapping[str, str]) -> str:
    return fetch(f"{url}?{urlencode(params)}").data.decode()


def read_answer(text: str) -> Answer:
    root = ET.fromstring(text)
    onward = root.findtext(f"{XMLNS}NextContinuationToken") or root.findtext(f"{XMLNS}NextMarker")
    return Answer(
        [entry.findtext(f"{XMLNS}Key") or "" for entry in root.iter(f"{XMLNS}Contents")],
        [entry.findtext(f"{XMLNS}Prefix") or "" for entry in root.iter(f"{XMLNS}CommonPrefixes")],
        root.findtext(f"{XMLNS}IsTruncated") == "true",
        onward,
    )


def ask(url: str, **params: str) -> Answer:
    """One page; parameter names with underscores for dashes."""
    return read_answer(listing(url, {name.replace("_", "-"): value for name, value in params.items()}))


def walk(url: str, **params: str) -> tuple[list[str], list[str]]:
    """All keys and all common prefixes of a question, followed page by page as each version of the API demands."""
    keys: list[str] = []
    prefixes: list[str] = []
    name = "continuation_token" if params.get("list_type") == "2" else "marker"
    while True:
        page = ask(url, **params)
        keys += page.keys
        prefixes += page.prefixes
        if not page.truncated:
            return keys, prefixes
        params[name] = page.onward or page.keys[-1]


def days_listed(keys: Iterable[str]) -> list[str]:
    """Days of the zips among keys."""
    return [found[1] for key in keys if (found := re.search(r"(\d{4}-\d{2}-\d{2})\.zip$", key))]


def object_url(base: str, key: str) -> str:
    return f"{base}/{quote(key)}"
