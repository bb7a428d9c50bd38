"""The exchange's own list of contracts: the live API's ``exchangeInfo``, from its address or from a file."""

import datetime as dt
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import urllib3

from etl.errors import UsageError
from etl.stores import USER_AGENT

EXCHANGE_INFO_URL = "https://fapi.binance.com/fapi/v1/exchangeInfo"
_TIMEOUT = urllib3.Timeout(connect=10, read=30)  # seconds between two bytes, not of a whole answer
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
        body = _fetch(source)
    elif Path(source).is_file():
        body = Path(source).read_bytes()
    else:
        raise UsageError(f"--exchange-info {source} is neither an address nor a file.")
    return body if isinstance(body, str) else _parse(source, body)


def _fetch(url: str) -> bytes | str:
    """Ask once; a refusal or no network is a reason, not a failure of this command."""
    try:
        with urllib3.PoolManager(timeout=_TIMEOUT, retries=False, headers={"User-Agent": USER_AGENT}) as pool:
            answer = pool.request("GET", url, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return f"{url} gives no answer ({_cause(error)})"
    if answer.status == HTTPStatus.OK:
        return answer.data
    words = _WORDS.get(HTTPStatus(answer.status)) if answer.status in set(HTTPStatus) else None
    return f"{url} answers HTTP {answer.status}{f': {words}' if words else ''}"


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
        moment = None if at is None else _moment(at)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        return f"{source}: {_NO_ANSWER} ({type(error).__name__})"
    trading = {symbol: since for symbol, kind, since in contracts if kind == "PERPETUAL TRADING"}
    others = {symbol: kind for symbol, kind, _ in contracts if kind != "PERPETUAL TRADING"}
    if not trading:
        return f"{source}: {_NO_ANSWER}, for no perpetual trades in it"
    return ExchangeInfo(source, moment, trading, others)


def _contract(each: dict[str, Any]) -> tuple[str, str, dt.date | None]:
    since = each.get("onboardDate")
    kind = f"{each['contractType']} {each['status']}".strip()
    return str(each["symbol"]), kind, None if since is None else _moment(since).date()


def _moment(milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).replace(tzinfo=None)
