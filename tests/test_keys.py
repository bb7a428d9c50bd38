"""Keys and names of the archive are read exactly, or not at all."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import keys
from etl.keys import UM_KLINES_1M as UM
from etl.records import SymbolName


def test_a_day_has_its_key_and_its_public_address() -> None:
    key = keys.day_key(UM, "BTCUSDT", dt.date(2024, 1, 15))
    assert key == "data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-15.zip"
    assert keys.file_url("https://data.binance.vision/", key) == f"https://data.binance.vision/{key}"


def test_a_public_address_is_percent_encoded() -> None:
    url = keys.file_url("https://a", keys.day_key(UM, "币安人生USDT", dt.date(2026, 1, 1)))
    assert "/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT/1m/%E5%B8%81" in url


@given(st.dates(dt.date(2019, 12, 31), dt.date(2099, 1, 1)))
def test_the_key_before_a_day_lies_between_that_day_and_the_day_before(day: dt.date) -> None:
    before = keys.key_before(UM, "BTCUSDT", day)
    assert keys.day_key(UM, "BTCUSDT", day - dt.timedelta(days=1)) + ".CHECKSUM" < before
    assert before < keys.day_key(UM, "BTCUSDT", day)


@pytest.mark.parametrize(
    ("tail", "read"),
    [
        ("2024-01-15.zip", "2024-01-15"),
        ("2024-01-15.zip.CHECKSUM", None),
        ("2024-02-30.zip", None),
        ("2024-1-5.zip", None),
        ("2024-01-15.zip.checksum", None),
        ("2024-01-15.zip.CHECKSUM.CHECKSUM", None),
        ("２０２４-01-15.zip", None),  # noqa: RUF001 - digits, but not ours
        ("2024-01-15.csv", None),
        ("2024-01.zip", None),
        ("2024-01-15.zip\n", None),
        ("", None),
    ],
)
def test_what_follows_the_stem_is_a_day_file_or_nothing(tail: str, read: str | None) -> None:
    assert keys.read_tail(tail) == read


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTCUSDT", SymbolName("perpetual", "BTC", "USDT")),
        ("1000SHIBBUSD", SymbolName("perpetual", "1000SHIB", "BUSD")),
        ("BTCUSD1", SymbolName("perpetual", "BTC", "USD1")),
        ("ETHBTC", SymbolName("perpetual", "ETH", "BTC")),
        ("币安人生USDT", SymbolName("perpetual", "币安人生", "USDT")),
        ("BTCUSDT_231229", SymbolName("delivery", "BTC", "USDT")),
        ("BTCUSDT_210229", SymbolName("delivery", "BTC", "USDT")),  # no date, but a real contract name
        ("BNXUSDTSETTLED", SymbolName("settled", "BNX", "USDT")),
        ("ICPUSDT_SETTLED", SymbolName("settled", "ICP", "USDT")),
        ("AERGOUSDTSETTLEDSETTLED", SymbolName("settled", "AERGO", "USDT")),
        ("USDT", SymbolName("perpetual", "USDT", "")),
        ("ABCXYZ", SymbolName("perpetual", "ABCXYZ", "")),
    ],
)
def test_a_symbol_tells_its_kind_base_and_quote(symbol: str, name: SymbolName) -> None:
    assert keys.read_symbol(symbol) == name
