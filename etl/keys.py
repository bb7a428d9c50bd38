"""Key <-> (dataset, symbol, day): one pair of functions for the archive of Binance futures klines, one for the vault.

A dataset of the archive is named ``market/data_type/interval``; ``um/klines/1m`` lies at
``data/futures/um/daily/klines/SYMBOL/1m/SYMBOL-1m-YYYY-MM-DD.zip`` with a ``.CHECKSUM`` beside each zip. One of the
vault is named ``coinbase/channel``; a day of it is the folder ``coinbase/CHANNEL/product_id=SYMBOL/date=YYYY-MM-DD`` of
a tree.
"""

import datetime as dt
import re
from functools import lru_cache
from urllib.parse import quote

from etl.records import SymbolName

UM_KLINES_1M = "um/klines/1m"
VAULT = "coinbase"  # what the name of each dataset of the vault begins with

_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "USD1", "USD", "BTC", "ETH", "BNB", "U")
_DELIVERY = re.compile(r"(?P<pair>.+)_\d{6}")
_SETTLED = re.compile(r"(?P<pair>.+?)_?(?:SETTLED)+")
_VAULT_DAY = re.compile(
    rf"(?P<dataset>{VAULT}/[a-z][a-z0-9_]*)/product_id=(?P<symbol>[^/=]+)/date=(?P<day>\d{{4}}-\d{{2}}-\d{{2}})(/hour=\d\d)?",
    re.ASCII,
)
_TAIL = re.compile(r"(\d{4}-\d{2}-\d{2})\.zip", re.ASCII)


def symbols_prefix(dataset: str) -> str:
    """Return the prefix under which every symbol of a dataset has its folder."""
    market, data_type, _ = dataset.split("/")
    return f"data/futures/{market}/daily/{data_type}/"


def series_prefix(dataset: str, symbol: str) -> str:
    """Return the prefix of one symbol's day files."""
    return f"{symbols_prefix(dataset)}{symbol}/{dataset.split('/')[2]}/"


def stem(dataset: str, symbol: str) -> str:
    """Return what every day file of a symbol begins with, up to its date."""
    return f"{series_prefix(dataset, symbol)}{symbol}-{dataset.split('/')[2]}-"


def day_key(dataset: str, symbol: str, day: dt.date) -> str:
    """Return the key of the zip of one symbol on one day."""
    return f"{stem(dataset, symbol)}{day.isoformat()}.zip"


def key_before(dataset: str, symbol: str, day: dt.date) -> str:
    """Return a key that sorts after all files of the day before ``day`` and before all of ``day``."""
    return f"{stem(dataset, symbol)}{day.isoformat()}"


def file_url(files_url: str, key: str) -> str:
    """Return the public address of a key: percent-encoded UTF-8."""
    return f"{files_url.rstrip('/')}/{quote(key)}"


@lru_cache(maxsize=16_384)  # a whole universe has about 5,000 different tails in 1.8 million keys
def read_tail(tail: str) -> str | None:
    """Read the day from what follows the stem of a zip's key; None where that is no day file."""
    match = _TAIL.fullmatch(tail)
    return match[1] if match and _is_day(match[1]) else None


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_of_vault(dataset: str) -> bool:
    """Tell whether a dataset is one of the vault."""
    return dataset.startswith(f"{VAULT}/")


def vault_folder(dataset: str, symbol: str, day: dt.date | None = None) -> str:
    """Return the folder of a product in a tree of the vault, or of one day of it."""
    return f"{dataset}/product_id={symbol}{f'/date={day.isoformat()}' if day else ''}"


def read_vault_folder(folder: str) -> tuple[str, str, str] | None:
    """Read dataset, symbol and day from a folder of parts, one by hour too; None where it is none of a product."""
    match = _VAULT_DAY.fullmatch(folder)
    return (match["dataset"], match["symbol"], match["day"]) if match and _is_day(match["day"]) else None


def read_symbol(symbol: str) -> SymbolName:
    """Tell kind, base and quote from a symbol's name.

    >>> read_symbol("BTCUSDT_231229")
    SymbolName(kind='delivery', base='BTC', quote='USDT')
    """
    if match := _SETTLED.fullmatch(symbol):
        kind, pair = "settled", match["pair"]
    elif match := _DELIVERY.fullmatch(symbol):
        kind, pair = "delivery", match["pair"]
    else:
        kind, pair = "perpetual", symbol
    found = next((name for name in _QUOTES if pair.endswith(name) and pair != name), "")
    return SymbolName(kind, pair.removesuffix(found), found)


def read_product(product: str) -> SymbolName:
    """Tell base and quote from the name of a product of the vault: all are traded on the spot.

    >>> read_product("BTC-USD")
    SymbolName(kind='spot', base='BTC', quote='USD')
    """
    base, _, quoted = product.partition("-")
    return SymbolName("spot", base, quoted)
