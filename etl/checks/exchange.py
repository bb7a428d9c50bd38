"""The exchange's own list of contracts: the live API's ``exchangeInfo``, from its address or from a file."""

import datetime as dt
import json
import reprlib
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import urllib3

from etl.errors import UsageError
from etl.stores import USER_AGENT

EXCHANGE_INFO_URL = "https://fapi.binance.com/fapi/v1/exchangeInfo"
DEADLINE_SECONDS = 30.0  # of the whole answer, from the look-up of the host to the last byte
MOST_BYTES = 50_000_000  # unpacked; a real answer has two million
_CHUNK = 16_384  # bytes; packed ones may become a thousand times as many
_YEARS = range(2000, 2101)  # a clock beside them tells no time
_NO_ANSWER = "the answer is no exchangeInfo"
_WORDS = {
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: "it does not serve the place this machine is at",
    HTTPStatus.TOO_MANY_REQUESTS: "it was asked too often",
}


class ExchangeInfo(NamedTuple):
    """What one answer said of its perpetuals."""

    source: str
    at: dt.datetime | None  # the server's time, UTC
    trading: dict[str, dt.date | None]  # symbol -> day it was listed
    others: dict[str, str]  # any other contract -> its type and status


def read_exchange_info(source: str) -> ExchangeInfo | str:
    """Return the answer at an address or in a file, or the reason why there is none to compare with."""
    if source.startswith(("http://", "https://")):
        body = _fetch_in_time(source)
    elif Path(source).is_file():
        body = _read(Path(source))
    else:
        raise UsageError(f"--exchange-info {source} is neither an address nor a file.")
    if isinstance(body, str):
        return body
    if len(body) > MOST_BYTES:
        return f"{source} has more than {MOST_BYTES / 10**6:g} MB"
    return _parse(source, body)


def _read(path: Path) -> bytes | str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"


def _fetch_in_time(url: str) -> bytes | str:
    """Fetch in a thread: a host may take its time for its name, each header and each byte, and only this bounds all.

    What is late is left alone; it ends with the program at the latest.
    """
    brought: list[bytes | str] = []
    thread = Thread(target=lambda: brought.append(_fetch(url)), name="exchange-info", daemon=True)
    thread.start()
    thread.join(DEADLINE_SECONDS)
    return f"{url} gives no whole answer within {DEADLINE_SECONDS:g} s" if thread.is_alive() else brought[0]


def _fetch(url: str) -> bytes | str:
    """Ask once, and read what is allowed; a refusal or no network is a reason, not a failure of this command."""
    timeout, headers = urllib3.Timeout(connect=10, read=DEADLINE_SECONDS), {"User-Agent": USER_AGENT}
    try:
        with urllib3.PoolManager(timeout=timeout, retries=False, headers=headers) as pool:
            answer = pool.request("GET", url, redirect=False, preload_content=False)
            body = _body(answer) if answer.status == HTTPStatus.OK else b""
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        return f"{url} gives no answer ({_cause(error)})"
    if answer.status == HTTPStatus.OK:
        return body
    words = _WORDS.get(HTTPStatus(answer.status)) if answer.status in set(HTTPStatus) else None
    return f"{url} answers HTTP {answer.status}{f': {words}' if words else ''}"


def _body(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Return the unpacked body; of one that is too large only so much that this shows."""
    body = bytearray()
    for chunk in answer.stream(_CHUNK):
        body += chunk
        if len(body) > MOST_BYTES:
            break
    return bytes(body)


def _cause(error: urllib3.exceptions.HTTPError) -> str:
    """Say what happened without the addresses of Python objects that urllib3 puts into its messages."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "the host name cannot be resolved"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "the connection is refused"
    return type(error).__name__


def _parse(source: str, body: bytes) -> ExchangeInfo | str:
    try:
        answer = json.loads(body)
        contracts = [_contract(each) for each in answer["symbols"]]
        at = answer.get("serverTime")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
        return f"{source}: {_NO_ANSWER} ({type(error).__name__})"
    moment = None if at is None else _answered(at)
    if isinstance(moment, str):
        return f"{source}: {_NO_ANSWER}, for {moment}"
    trading = {symbol: since for symbol, kind, since in contracts if kind == "PERPETUAL TRADING"}
    others = {symbol: kind for symbol, kind, _ in contracts if kind != "PERPETUAL TRADING"}
    if not trading:
        return f"{source}: {_NO_ANSWER}, for no perpetual trades in it"
    return ExchangeInfo(source, moment, trading, others)


def _contract(each: dict[str, Any]) -> tuple[str, str, dt.date | None]:
    symbol, since = each["symbol"], each.get("onboardDate")
    kind = f"{each['contractType']} {each['status']}".strip()
    if not isinstance(symbol, str) or not symbol:
        raise TypeError("a contract without a name")
    (symbol + kind).encode()  # JSON can say half of a character, and no database can hold that
    return symbol, kind, None if since is None else _moment(since).date()


def _answered(server_time: object) -> dt.datetime | str:
    """Return the time of the answer, or what is wrong with it."""
    nonsense = f"its serverTime {reprlib.repr(server_time)} is no time"
    try:
        moment = _moment(server_time)
    except (ValueError, TypeError, OverflowError, OSError):
        return nonsense
    return moment if moment.year in _YEARS else nonsense


def _moment(milliseconds: object) -> dt.datetime:
    if type(milliseconds) is not int:
        raise TypeError("a time that is no whole number")
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).replace(tzinfo=None)
