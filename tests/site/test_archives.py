"""The site of two archives, that of Binance and a channel of the vault: each page and question is about one of them."""

from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest

from etl.export import export_site
from etl.recording import record_enumeration, record_listings, record_vault_days
from etl.records import VaultDay
from etl.warehouse import open_warehouse
from tests.drawn import DATASET, day, enumeration, listing
from tests.serving import Site, serving

pytestmark = pytest.mark.long  # a server of its own

TICKER = "coinbase/ticker"
OF_TICKER = "dataset=coinbase/ticker"
DRAWN = {
    DATASET: {"BTCUSDT": "xx.xxxxx", "ETHUSDT": "...xxxxx"},
    TICKER: {"BTC-USD": ".xx.xxx.", "ETH-USD": "....xxxX"},
}
TIMES = dict.fromkeys(("last_modified", "etag"), "")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A published file of both, behind a real server."""
    folder = tmp_path_factory.mktemp("both")
    with open_warehouse(folder / "warehouse.duckdb") as con:
        for dataset, pictures in DRAWN.items():
            place = "http://files" if dataset == DATASET else "vault:"
            record_enumeration(con, dataset, enumeration(*pictures), listing_url=place, files_url=place)
            record_listings(con, dataset, [listing(*each) for each in pictures.items()])
        told = [VaultDay(str(day(1)), 24, 1234, 7, 1, **TIMES, losses=0, lost_messages=0, breaks=0, files_md5="")]
        told.append(VaultDay(str(day(2)), 7, 5, 7, 2, **TIMES, losses=3, lost_messages=44, breaks=2, files_md5=""))
        record_vault_days(con, TICKER, "BTC-USD", told)
        export_site(con, Path(folder) / "availability.db", today=day(8))
    with serving(folder / "availability.db", AVAILABILITY_TODAY=str(day(8))) as site:
        yield site


QUESTIONS = ["snapshot", "coverage", "range", "universe", "gaps", "timespans", "new", "revisions", "events"]
QUESTIONS += ["daily_counts", "manifest", "freshness", "ended"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_about_the_archive_that_it_names_and_else_about_that_of_binance(both: Site, name: str) -> None:
    days = f"start={day(0)}&end={day(7)}&" if name in ("range", "manifest", "universe", "new", "ended") else ""
    for asked, dataset in (("", DATASET), (f"{OF_TICKER}&", TICKER), (f"dataset={DATASET}&", DATASET)):
        rows = both.rows(f"/availability/{name}.json?{asked}{days}_shape=array")
        assert {row["dataset"] for row in rows} <= {dataset}
        assert {row["symbol"] for row in rows if row.get("symbol")} <= set(DRAWN[dataset])
        assert rows or name in ("freshness", "ended", "revisions"), name


def test_no_day_of_another_archive_is_taken_for_the_newest(both: Site) -> None:
    assert {row["date"] for row in both.rows("/availability/snapshot.json?_shape=array")} == {str(day(7))}
    rows = both.rows(f"/availability/snapshot.json?{OF_TICKER}&_shape=array")
    assert [(row["symbol"], row["date"]) for row in rows] == [("ETH-USD", str(day(7)))]


def test_an_archive_that_there_is_not_is_answered_with_the_nearest(both: Site) -> None:
    for path in ("/availability/coverage.json", "/coverage", f"/day/{day(2)}", "/changes", "/symbol/BTCUSDT"):
        said = both.get(f"{path}?dataset=coinbase/tickers", 404)
        assert "coinbase/ticker" in said.data.decode()
    told = both.get("/availability/coverage.json?dataset=coinbase/tickers", 404).json()
    assert (told["case"], told["error"]) == (
        "unknown_dataset",
        "There is no archive 'coinbase/tickers'. Did you mean coinbase/ticker?",
    )


def test_a_symbol_of_another_archive_is_told_where_it_is(both: Site) -> None:
    told = both.get("/availability/timeline.json?symbol=BTC-USD", 404).json()
    assert "it is in coinbase/ticker: ask with dataset=coinbase/ticker." in told["error"]
    assert len(both.rows(f"/availability/timeline.json?symbol=BTC-USD&{OF_TICKER}&_shape=array")) == 5


def test_the_days_of_the_vault_are_told(both: Site) -> None:
    rows = both.rows("/availability/vault_days.json?symbol=BTC-USD&_shape=array")
    assert [(row["date"], row["hours"], row["rows"], row["lost_messages"]) for row in rows] == [
        (str(day(1)), 24, 1234, 0),
        (str(day(2)), 7, 5, 44),
    ]
    assert [row["dataset"] for row in both.rows("/availability/datasets.json?_shape=array")] == [DATASET, TICKER]
    for asked, case in (
        (f"dataset={DATASET}", "unknown_dataset"),
        ("symbol=BTCUSDT", "unknown_symbol"),
        (f"{OF_TICKER}&symbol=BTCUSDT", "unknown_symbol"),
    ):
        assert both.get(f"/availability/vault_days.json?{asked}", 404).json()["case"] == case


def test_the_licence_of_the_archive_reaches_nothing_that_the_vault_holds(both: Site) -> None:
    of_binance = both.get("/availability/coverage.json").json()
    of_vault = both.get(f"/availability/coverage.json?{OF_TICKER}").json()
    assert "Binance" in of_binance["attribution"]
    assert of_binance["license"]
    assert of_vault["attribution"] == "This site's own capture of Coinbase's public feed."
    assert of_vault["license"] is None
    assert both.get("/availability/vault_days.json").json()["license"] is None


def test_the_manifest_names_the_folders_of_the_vault_and_aria2_is_told_that_it_cannot_fetch_them(both: Site) -> None:
    asked = f"{OF_TICKER}&symbols=BTC-USD&start={day(1)}&end={day(1)}"
    assert both.text(f"/availability/manifest.txt?{asked}") == (
        f"vault:/processed/coinbase/ticker/product_id=BTC-USD/date={day(1)}/\n"
    )
    assert b"aria2 cannot fetch" in both.get(f"/availability/manifest.aria2?{asked}", 404).data


def test_the_page_of_a_symbol_finds_its_archive_and_shows_what_was_captured(both: Site) -> None:
    page = both.text("/symbol/BTC-USD")
    for said in (
        "coinbase/ticker",
        "1,239 records of 2 days",
        "44 messages were lost in 3 jumps",
        "Hours captured of each day",
    ):
        assert said in page
    assert f'href="/day/{day(1)}?dataset=coinbase/ticker"' in page
    assert "captured through" in page
    assert "Captured" not in both.text("/symbol/BTCUSDT")


def test_pages_stay_in_the_archive_they_are_about(both: Site) -> None:
    for path in (f"/coverage?{OF_TICKER}", f"/day/{day(2)}?{OF_TICKER}", f"/changes?{OF_TICKER}"):
        page = both.text(path)
        assert 'href="/symbol/BTC-USD?dataset=coinbase/ticker"' in page
        assert "BTCUSDT" not in page
    for path in ("/", "/coverage", f"/day/{day(2)}", "/changes", "/changes.atom"):
        assert "BTC-USD" not in both.text(path)


def test_links_lead_from_one_archive_to_the_other_only_where_there_is_another(both: Site, site: Site) -> None:
    for path in ("/coverage", f"/day/{day(4)}", "/changes"):
        assert f'<a href="{path}?dataset=coinbase/ticker">coinbase/ticker</a>' in both.text(path)
        assert f'<a href="{path}">um/klines/1m</a>' in both.text(f"{path}?{OF_TICKER}")
        assert 'aria-label="Archives"' not in site.text(path)
    assert '<a href="/coverage?dataset=coinbase/ticker">coinbase/ticker</a>' in both.text("/")
    assert "Archives" not in site.text("/")


def test_the_search_finds_symbols_of_all_archives_those_of_binance_first(both: Site) -> None:
    assert both.get("/search.json?q=btc").json()["symbols"] == ["BTCUSDT", "BTC-USD"]
    assert 'href="/symbol/BTC-USD?dataset=coinbase/ticker"' in both.text("/search?q=BTC")


def test_health_and_metrics_mean_the_archive_of_binance(both: Site) -> None:
    metrics = both.text("/-/metrics")
    assert "availability_symbols 2.0" in metrics
    assert "availability_gaps 1.0" in metrics
    assert str(day(7)) in both.text("/-/healthz")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/coverage?{OF_TICKER}",
        "/symbol/BTC-USD",
        f"/day/{day(2)}?{OF_TICKER}",
        f"/changes?{OF_TICKER}",
        "/search?q=B",
    ],
)
def test_pages_with_a_vault_are_valid_html(both: Site, path: str) -> None:
    html5lib.HTMLParser(strict=True).parse(both.text(path))
