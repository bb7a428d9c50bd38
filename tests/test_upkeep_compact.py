"""Compacting takes out what nothing rests on, and nothing else: everything says the same before and after."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from etl.errors import AvailabilityError
from etl.recording import record_enumeration
from etl.replica.server import Replica
from etl.upkeep import compact
from etl.upkeep.compact import fold
from etl.warehouse import VIEWS, open_warehouse, sql, worked_out
from tests.conftest import Run
from tests.drawn import DATASET, day, enumeration
from tests.test_histories import SYMBOLS, Look, histories, record

pytestmark = pytest.mark.long

TODAY = day(40)
TABLES = ("listings", "symbols", "day_files", "revisions", "probes", "archives", "strangers")


@pytest.fixture
def con() -> Any:
    with open_warehouse(Path(":memory:")) as con:
        record_enumeration(con, DATASET, enumeration(*"ABCDE"), listing_url="http://l", files_url="http://f")
        yield con


def seen(con: duckdb.DuckDBPyConnection, *pictures: str, symbol: str = "A") -> None:
    """Record one listing a picture, each on the day after the one before."""
    for number, picture in enumerate(pictures):
        record(con, Look("list", symbol, picture), len(pictures[0]) + number)


def kept(con: duckdb.DuckDBPyConnection) -> list[int]:
    """Fold, and return the numbers of the listings of symbols that are left, the first one recorded being 1."""
    before = con.execute("SELECT listing_id FROM listings WHERE symbol IS NOT NULL ORDER BY ALL").fetchall()
    folded = fold(con, DATASET, TODAY)
    after = con.execute("SELECT listing_id FROM listings WHERE symbol IS NOT NULL ORDER BY ALL").fetchall()
    assert len(before) - len(after) == folded
    return [before.index(row) + 1 for row in after]


def rows(con: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """Return every row that every view returns."""
    return {name: sorted(con.execute(f"FROM {name}").fetchall(), key=repr) for name in VIEWS}


def test_what_a_newer_listing_saw_again_is_folded_but_for_the_first_and_the_newest(
    con: duckdb.DuckDBPyConnection,
) -> None:
    seen(con, "xxx.", "xxx.", "xxx.", "xxx.")
    assert kept(con) == [1, 4]
    assert con.execute("SELECT folded_listings FROM warehouse").fetchall() == [(2,)]
    assert kept(con) == [1, 2]


RESTS = [  # what each look saw, and the numbers of those that stay
    (["xxx..", "xxx__", "__x..", "xxx.."], [1, 4]),  # together narrower than the newest
    (["xxx..", "xxx..", "__x.."], [1, 2, 3]),  # nobody saw the first two days again since
    (["xxx..", "xx...", "xx...", "xx..."], [1, 2, 4]),  # the second one saw a file vanish
    (["xxx__", "xxx._", "xxx._", "xxxx_", "xxxxx"], [1, 2, 5]),  # freshness of the fifth day: who looked before
    (["xxx__", "__x__", "xxx__", "__x__", "xxx__"], [1, 5]),
]


def test_what_something_rests_on_is_kept(con: duckdb.DuckDBPyConnection) -> None:
    numbers = {}
    for name, (pictures, _) in zip("ABCDE", RESTS, strict=True):
        seen(con, *pictures, symbol=name)
        told = con.execute("SELECT listing_id FROM listings WHERE symbol = ? ORDER BY ALL", [name]).fetchall()
        numbers[name] = [number for (number,) in told]
    with worked_out(con):
        before = rows(con)
    fold(con, DATASET, TODAY)
    for name, (_, expected) in zip("ABCDE", RESTS, strict=True):
        told = con.execute("SELECT listing_id FROM listings WHERE symbol = ? ORDER BY ALL", [name]).fetchall()
        assert [numbers[name].index(number) + 1 for (number,) in told] == expected, name
    with worked_out(con):
        assert rows(con) == before


@pytest.mark.long
def test_a_head_stands_for_no_listing(con: duckdb.DuckDBPyConnection) -> None:
    seen(con, "xx..", "xx..")
    for at in (10, 11, 12):
        record(con, Look("head", "A", "xx.."), at)
    said = "SELECT method, count(*) FROM listings WHERE symbol = 'A' GROUP BY method ORDER BY method"
    assert fold(con, DATASET, TODAY) > 0
    assert con.execute(said).fetchall() == [("head", 1), ("list", 2)]


def test_failures_and_the_level_of_the_symbols_are_never_folded(con: duckdb.DuckDBPyConnection) -> None:
    for at in (5, 6, 7):
        record(con, Look("fail", "A", "xx"), at)
        record_enumeration(con, DATASET, enumeration("A", "B", at=at), listing_url="http://l", files_url="http://f")
    seen(con, "xx", "xx", "xx")
    fold(con, DATASET, TODAY)
    told = "SELECT count(*) FILTER (NOT complete), count(*) FILTER (symbol IS NULL) FROM listings"
    assert con.execute(told).fetchall() == [(3, 4)]


def test_a_rule_that_forgot_something_folds_nothing(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(con, "xxx..", "xx...", "xx...")
    careless = "SELECT listing_id FROM listings WHERE symbol IS NOT NULL AND dataset = $dataset"
    monkeypatch.setattr(compact, "sql", lambda name: careless if name.startswith("upkeep") else sql(name))
    with pytest.raises(AvailabilityError, match=r"3 idle listings covered, .* would say something else: none is"):
        fold(con, DATASET, TODAY)
    assert con.execute("SELECT count(*) FROM listings WHERE symbol IS NOT NULL").fetchall() == [(3,)]


@pytest.fixture(scope="module")
def two() -> Any:
    """Two warehouses that get the same looks, and only one of which is compacted."""
    with open_warehouse(Path(":memory:")) as one, open_warehouse(Path(":memory:")) as other:
        yield one, other


@pytest.mark.long
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories(), histories())
def test_what_follows_after_folding_is_judged_as_if_nothing_had_been_folded(
    two: Any, past: list[Look], future: list[Look]
) -> None:
    for con in two:
        for table in TABLES:
            con.execute(f"DELETE FROM {table}")
        con.execute("CREATE OR REPLACE SEQUENCE listing_ids")
        record_enumeration(con, DATASET, enumeration(*SYMBOLS), listing_url="http://l", files_url="http://f")
    width, folded = len(past[0].picture), 0
    for number, look in enumerate([*past, *past, *future]):
        for con in two:
            record(con, look, width + number)
        if number == 2 * len(past) - 1:
            folded = fold(two[1], DATASET, TODAY)
    with worked_out(two[0]), worked_out(two[1]):
        assert rows(two[0]) == rows(two[1])
    left = [con.execute("SELECT count(*) FROM listings").fetchall()[0][0] for con in two]
    assert left[0] - left[1] == folded


@pytest.mark.long
def test_a_file_that_has_grown_is_written_anew(filled: Run, archive: Replica) -> None:
    for query in ("CREATE TABLE ballast AS SELECT hash(range) FROM range(500_000)", "DROP TABLE ballast"):
        with open_warehouse(Path("warehouse.duckdb")) as con:
            con.execute(query)
    archive.edit("remove", symbol="ETHUSDT", day="2024-01-12")
    for _ in range(3):
        filled("backfill", "--full")
    filled("export")
    before = {name: facts for name, facts in published().items() if name != "runs"}
    told = filled("compact").stdout
    match = re.fullmatch(r"([\d,]+) listings folded\.\n.*: ([\d,]+) bytes before, ([\d,]+) after\.\n", told)
    assert match, told
    folded, was, now = (int(number.replace(",", "")) for number in match.groups())
    assert (
        folded == 4 * 6 - 2 * 6 - 1
    )  # the first and the newest of each symbol stay, and the one that saw a file vanish
    assert was > now == Path("warehouse.duckdb").stat().st_size
    filled("export")
    after = {name: facts for name, facts in published().items() if name != "runs"}
    assert after == before
    again = filled("compact").stdout
    assert again.startswith("0 listings folded.\n")
    assert "nothing to be gained, packed it has " in again
    assert {path.name for path in Path().iterdir()} == {"warehouse.duckdb", ".warehouse.duckdb.lock", "site"}
    filled("update")


def published() -> dict[str, list[Any]]:
    """Return every row of every table of the published file, but what the day of the build moves."""
    with closing(sqlite3.connect("site/availability.db")) as site:
        names = [name for (name,) in site.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: site.execute(f"SELECT * FROM {name}").fetchall() for name in names if name != "build"} | {
            "listings": site.execute("SELECT listings FROM build").fetchall()
        }


@pytest.mark.long
def test_a_killed_compact_leaves_a_whole_warehouse(filled: Run) -> None:
    filled("backfill", "--full")
    filled("backfill", "--full")
    program = (
        "import os, sys; from etl.upkeep import compact\n"
        "compact.swap_in = lambda part, path: os._exit(9)\n"
        "compact._WORTH_IT, compact._AT_LEAST = 2, 0\nfrom etl.__main__ import main\nsys.argv[1:] = ['compact']; main()"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert Path(".warehouse.duckdb.compacted.part").exists()
    filled("status", "--accept", "A201")
    filled("compact")
    assert {path.name for path in Path().iterdir()} == {"warehouse.duckdb", ".warehouse.duckdb.lock"}
