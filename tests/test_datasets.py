"""Several archives in one warehouse and one published file: each answers as if it were alone there."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl import checks, queries
from etl.errors import UsageError
from etl.export import export_site
from etl.recording import record_enumeration, record_listings, record_vault_days
from etl.records import VaultDay
from etl.warehouse import open_warehouse, worked_out
from tests.conftest import Run
from tests.drawn import DATASET, day, enumeration, listing

TICKER = "coinbase/ticker"
TRADES = "coinbase/market_trades"
TODAY = day(12)
Pictures = dict[str, str]
BINANCE: Pictures = {"BTCUSDT": "xx.xxxxx", "ETHUSDT": "...xxxff"}
PRODUCTS: Pictures = {"BTC-USD": ".xx.xxx.", "ETH-USD": "....xxxx"}
ASKED: dict[str, Callable[[Any, str], list[Any]]] = {
    "snapshot": lambda con, of: queries.snapshot(con, day(4), dataset=of),
    "timeline": lambda con, of: [
        row for one in queries.coverage(con, dataset=of) for row in queries.timeline(con, one.symbol, dataset=of)
    ],
    "range": lambda con, of: queries.date_range(con, day(1), day(6), dataset=of),
    "coverage": lambda con, of: queries.coverage(con, dataset=of),
    "timespans": lambda con, of: queries.timespans(con, mergegaps=1, dataset=of),
    "gaps": lambda con, of: queries.gaps(con, dataset=of),
    "no_data": lambda con, of: queries.no_data(con, dataset=of),
    "new": lambda con, of: queries.new(con, day(1), day(5), dataset=of),
    "ended": lambda con, of: queries.ended(con, day(1), day(7), dataset=of),
    "summary": lambda con, of: queries.summary(con, dataset=of),
    "revisions": lambda con, of: queries.revisions(con, dataset=of),
    "freshness": lambda con, of: queries.freshness(con, dataset=of),
    "universe": lambda con, of: queries.universe(con, day(0), day(7), dataset=of),
    "unlooked": lambda con, of: queries.unlooked(con, day(0), day(7), dataset=of),
}


class Two(NamedTuple):
    """The same facts in both forms."""

    con: duckdb.DuckDBPyConnection
    site: sqlite3.Connection


@contextmanager
def warehouse(**drawn: Pictures) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with the pictures of the Binance archive, of tickers and of trades."""
    names = {"binance": DATASET, "ticker": TICKER, "trades": TRADES}
    with open_warehouse(Path(":memory:")) as con:
        for name, pictures in drawn.items():
            place = "http://listing" if name == "binance" else "vault:"
            record_enumeration(con, names[name], enumeration(*pictures), listing_url=place, files_url=place)
            record_listings(con, names[name], [listing(*each) for each in pictures.items()])
        yield con


@contextmanager
def published(con: duckdb.DuckDBPyConnection) -> Iterator[sqlite3.Connection]:
    with TemporaryDirectory() as folder:
        export_site(con, Path(folder) / "availability.db", today=TODAY)
        with queries.open_published(Path(folder) / "availability.db") as site:
            yield site


def said(rows: list[Any]) -> list[Any]:
    """Return rows without what names the build and the listing: those differ from file to file."""
    names = {"build_id", "listing_id"}
    return [row if isinstance(row, str) else row._replace(**dict.fromkeys(names & set(row._fields))) for row in rows]


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """The archive of Binance and a channel of the vault, recorded and published."""
    with warehouse(binance=BINANCE, ticker=PRODUCTS) as con:
        told = [VaultDay(str(day(number)), 24, 5, 7, 1, "", "", 1, 2, 3, "") for number in (1, 2, 3)]  # 3 holds no file
        record_vault_days(con, TICKER, "BTC-USD", told)
        with published(con) as site:
            yield Two(con, site)


pictures = st.lists(st.text("xxx.f", min_size=8, max_size=8), min_size=1, max_size=2)


@pytest.mark.long
@settings(max_examples=4, deadline=None)
@given(pictures, pictures)
def test_each_archive_answers_as_if_it_were_alone(here: list[str], there: list[str]) -> None:
    binance = {f"BTC{number}USDT": picture for number, picture in enumerate(here)}
    products = {f"B{number}-USD": picture for number, picture in enumerate(there)}
    with warehouse(binance=binance, ticker=products, trades=binance) as con, published(con) as site:
        for of, alone in {
            DATASET: {"binance": binance},
            TICKER: {"ticker": products},
            TRADES: {"trades": binance},
        }.items():
            with warehouse(**alone) as single, worked_out(single):
                for name, ask in ASKED.items():
                    assert said(ask(site, of)) == said(ask(single, of)), (name, of)


def test_who_names_no_dataset_means_that_of_binance(two: Two) -> None:
    assert [row.symbol for row in queries.coverage(two.site)] == list(BINANCE)
    assert {row.dataset for row in queries.date_range(two.site, day(0), day(7))} == {DATASET}
    assert two.site.execute("SELECT dataset, symbols, day_files FROM build").fetchall() == [(DATASET, 2, 12)]


def test_the_datasets_are_named_with_what_each_holds(two: Two) -> None:
    rows = queries.datasets(two.site)
    assert rows == queries.datasets(two.con)
    assert [tuple(row) for row in rows] == [
        (DATASET, "http://listing", day(0), day(7), day(7), 2, 12, 416_000, 1),
        (TICKER, "vault:", day(1), day(7), day(7), 2, 9, 360_000, 0),
    ]


@pytest.mark.parametrize("name", ASKED)
def test_an_unknown_dataset_is_answered_with_the_nearest(two: Two, name: str) -> None:
    with pytest.raises(UsageError, match=r"Unknown dataset coinbase/tickers\. Did you mean coinbase/ticker\?"):
        ASKED[name](two.site, "coinbase/tickers")


def test_a_symbol_of_another_dataset_is_answered_with_that(two: Two) -> None:
    with pytest.raises(UsageError, match=r"Unknown symbol BTC-USD\. It is in coinbase/ticker: name the dataset\."):
        queries.timeline(two.site, "BTC-USD")


def test_the_days_of_the_vault_are_told_while_their_files_are_held(two: Two) -> None:
    rows = queries.vault_days(two.site)
    assert [tuple(row) for row in rows] == [("BTC-USD", day(number), 24, 5, 7, 1, 1, 2, 3, TICKER) for number in (1, 2)]
    assert rows == queries.vault_days(two.con, "BTC-USD", day(0), day(9), dataset=TICKER)
    assert queries.vault_days(two.site, start=day(2)) == rows[1:]
    with pytest.raises(UsageError, match=r"The vault holds no ETH-EUR\. It holds BTC-USD\."):
        queries.vault_days(two.site, "ETH-EUR")
    with pytest.raises(UsageError, match=f"{DATASET} is no channel of the vault"):
        queries.vault_days(two.site, dataset=DATASET)


def test_findings_say_of_which_archive_they_are_and_a_day_without_capture_is_no_error(two: Two) -> None:
    found = two.site.execute("SELECT code, dataset FROM findings").fetchall()
    assert ("A201", DATASET) in found
    assert ("A201", TICKER) not in found
    assert {dataset for _, dataset in found} == {DATASET, TICKER}
    codes = {check.code for check in checks.CATALOGUE} - {check.code for check in checks.catalogue_of(TICKER)}
    assert codes == {"A201", "A202", "A304", "A501", "A502", "A503", "A504"}


def test_a_check_looks_at_the_archive_that_it_is_asked_about(filled: Run) -> None:
    with open_warehouse(Path("warehouse.duckdb")) as con:
        record_enumeration(con, TICKER, enumeration(*PRODUCTS), listing_url="vault:", files_url="vault:")
        record_listings(con, TICKER, [listing(*each) for each in PRODUCTS.items()])
    told = json.loads(filled("check", "--dataset", TICKER, "--json").stdout)
    assert told["dataset"] == TICKER
    assert "A201" not in {each["code"] for each in told["checks"]}
    assert {each["symbol"] for one in told["checks"] for each in one["findings"]} <= {*PRODUCTS, None}
    assert json.loads(filled("check", "--json").stdout)["dataset"] == DATASET
    assert "Unknown dataset coinbase. Did you mean" in filled("check", "--dataset", "coinbase", code=2).stderr
