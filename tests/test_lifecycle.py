"""Sizes alone tell when the real delisted contracts traded last: see tests/data/README.md."""

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from etl.cli import cli
from etl.replica.server import running
from etl.replica.universe import read_universe
from etl.warehouse import open_warehouse

pytestmark = pytest.mark.long

NOW = dt.datetime(2026, 10, 3, 12, tzinfo=dt.UTC)
LAST = "2026-10-02"
with (Path(__file__).parent / "data" / "lifecycle.csv").open(encoding="utf-8", newline="") as file:
    REAL = {row["symbol"]: row for row in csv.DictReader(file)}
# One file without volume, its last one: two fewer than a flat run needs, so it counts as traded.
TOO_SHORT = {"LUNAUSDT"}


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("lifecycle") / "warehouse.duckdb"
    facts = [row for row in read_universe() if row.symbol in REAL]
    with running(facts, now=NOW) as replica:
        environment = {
            "AVAILABILITY_WAREHOUSE": str(path),
            "AVAILABILITY_LISTING_URL": replica.listing_url,
            "AVAILABILITY_FILES_URL": replica.files_url,
            "AVAILABILITY_TODAY": f"{NOW:%Y-%m-%d}",
            "AVAILABILITY_WORKERS": "4",
        }
        for command in ("discover", "backfill"):
            done = CliRunner().invoke(cli, [command], env=environment)
            assert done.exit_code == 0, done.output
    with open_warehouse(path, read_only=True) as con:
        yield con


def test_last_traded_day_and_flat_days_are_those_of_the_real_volumes(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT symbol, earliest::VARCHAR, latest::VARCHAR, last_traded_day::VARCHAR, flat_days FROM extents"
    found = {symbol: tuple(rest) for symbol, *rest in con.execute(query).fetchall()}
    real = {
        symbol: (row["first_day"], row["last_day"], row["last_traded_day"], int(row["flat_days"]))
        for symbol, row in REAL.items()
    }
    assert len(real) == 171
    assert {symbol for symbol in real if found[symbol] != real[symbol]} == TOO_SHORT
    assert sum(flat for *_, flat in found.values()) == 56_927 - 1


def test_a_contract_that_still_gets_files_is_flat_and_one_without_has_ended(con: duckdb.DuckDBPyConnection) -> None:
    states = dict(con.execute("SELECT symbol, state FROM extents").fetchall())
    assert states == {
        symbol: "ended" if row["last_day"] < LAST else "flat" if row["last_traded_day"] < LAST else "trading"
        for symbol, row in REAL.items()
    }


def test_the_relisted_tickers_have_two_lives(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT symbol, max(life) AS lives FROM lives GROUP BY symbol HAVING lives > 1 ORDER BY symbol"
    assert con.execute(query).fetchall() == [
        *[("AERGOUSDT", 2), ("AIAUSDT", 2), ("CTKUSDT", 2), ("CVCUSDT", 2), ("CVXUSDT", 2), ("ICPUSDT", 2)],
        *[("LITUSDT", 2), ("MAVIAUSDT", 2), ("PUMPUSDT", 2), ("SLPUSDT", 2), ("TLMUSDT", 2)],
    ]
    second = "SELECT first_day::VARCHAR FROM lives WHERE symbol = 'LITUSDT' ORDER BY life"
    assert con.execute(second).fetchall() == [("2021-02-18",), ("2025-12-23",)]


def test_what_was_there_at_the_first_look_is_no_news(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("SELECT count(*) FROM events WHERE watched = 1").fetchall() == [(0,)]
