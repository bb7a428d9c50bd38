"""Judgements over drawn facts; an obvious and slow Python reference is the oracle for random histories."""

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.warehouse import open_warehouse, record_enumeration, record_listings
from tests.drawn import DATASET, day, enumeration, listing

HELD = "xcX"


def rows(con: duckdb.DuckDBPyConnection, view: str, columns: str, symbol: str = "A") -> list[tuple[Any, ...]]:
    """Return some columns of a view for one symbol, in order."""
    return con.execute(f"SELECT {columns} FROM {view} WHERE symbol = ? ORDER BY ALL", [symbol]).fetchall()


def record(path: Path, *drawn: str, symbol: str = "A", whole: bool = False) -> None:
    """Record one drawn listing after the other."""
    with open_warehouse(path) as con:
        record_enumeration(con, DATASET, enumeration(symbol), listing_url="http://l", files_url="http://f")
        for number, picture in enumerate(drawn):
            record_listings(con, DATASET, [listing(symbol, picture, at=len(picture) + number, whole=whole)])


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


def test_days_15_17_19_have_the_gaps_16_and_18(warehouse: Path) -> None:
    record(warehouse, "..............x.x.x")
    with open_warehouse(warehouse, read_only=True) as con:
        assert rows(con, "gaps", "first_day, last_day, days") == [(day(15), day(15), 1), (day(17), day(17), 1)]
        assert rows(con, "timespans", "days") == [(1,), (1,), (1,)]
        assert rows(con, "extents", "earliest, latest, days_held, days_missing, timespan_count, longest_gap") == [
            (day(14), day(18), 3, 2, 3, 1)
        ]


def test_what_nobody_looked_at_is_no_gap(warehouse: Path) -> None:
    record(warehouse, "xx________", "____x.x___")
    with open_warehouse(warehouse, read_only=True) as con:
        assert rows(con, "gaps", "first_day, last_day") == [(day(5), day(5))]


def test_touching_listings_cover_one_run_and_distant_ones_two(warehouse: Path) -> None:
    record(warehouse, "xxx_______", "___xx_____", "_______xx_")
    with open_warehouse(warehouse, read_only=True) as con:
        assert rows(con, "covered", "first_day, last_day") == [(day(0), day(4)), (day(7), day(8))]


def test_days_without_any_file_are_counted_too(warehouse: Path) -> None:
    record(warehouse, "x..x.")
    with open_warehouse(warehouse, read_only=True) as con:
        counts = con.execute("SELECT date, files, missing, bytes FROM daily_counts ORDER BY date").fetchall()
    assert counts == [
        (day(0), 1, 0, 100),
        (day(1), 0, 1, 0),
        (day(2), 0, 1, 0),
        (day(3), 1, 0, 100),
        (day(4), 0, 0, 0),
    ]


def availability(con: duckdb.DuckDBPyConnection) -> dict[dt.date, tuple[Any, ...]]:
    """Return what the old system's table says a day."""
    columns = "date, available, file_size_bytes, status_code, probe_timestamp"
    return {row[0]: row[1:] for row in con.execute(f"SELECT {columns} FROM daily_availability").fetchall()}


def test_the_old_table_has_rows_only_where_somebody_looked(warehouse: Path) -> None:
    record(warehouse, ".x.____", "_____x.")
    with open_warehouse(warehouse, read_only=True) as con:
        assert {when: row[:3] for when, row in availability(con).items()} == {
            day(1): (True, 100, None),
            day(2): (False, None, None),
            day(5): (True, 100, None),
            day(6): (False, None, None),
        }
        (url,) = con.execute("SELECT url FROM daily_availability WHERE date = ?", [day(1)]).fetchone() or ("",)
    assert url == "http://f/data/futures/um/daily/klines/A/1m/A-1m-2024-01-02.zip"


def test_a_newer_probe_decides_and_an_older_one_does_not(warehouse: Path) -> None:
    record(warehouse, "x.x")
    probe = "INSERT INTO probes VALUES (?, 'A', ?, 'http://f', ?, ?, ?, NULL, NULL, NULL)"
    with open_warehouse(warehouse) as con:
        con.execute(probe, [DATASET, day(1), dt.datetime(2024, 6, 1), 200, 70])  # noqa: DTZ001
        con.execute(probe, [DATASET, day(2), dt.datetime(2023, 6, 1), 404, None])  # noqa: DTZ001
        con.execute(probe, [DATASET, day(0), dt.datetime(2024, 6, 1), 503, None])  # noqa: DTZ001
    with open_warehouse(warehouse, read_only=True) as con:
        assert {when: row[:3] for when, row in availability(con).items()} == {
            day(0): (True, 100, None),  # 503 says nothing about the file
            day(1): (True, 70, 200),
            day(2): (True, 100, None),
        }


# -- the oracle ------------------------------------------------------------------------------------

pictures = st.integers(3, 24).flatmap(
    lambda width: st.lists(st.text("xxx.", min_size=width, max_size=width), min_size=1, max_size=4)
)
windows = st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), min_size=4, max_size=4)


def crop(picture: str, window: tuple[int, int]) -> str:
    """Draw what a listing of a part of the picture sees."""
    begin, end = sorted(place % len(picture) for place in window)
    return "_" * begin + picture[begin : end + 1] + "_" * (len(picture) - end - 1)


def believed(seen: list[str]) -> str:
    """Return what is known after all these listings, the newest winning a day."""
    return "".join(next((mark for mark in reversed(column) if mark != "_"), "_") for column in zip(*seen, strict=True))


def runs(picture: str, marks: str) -> list[tuple[int, int]]:
    """Return (first, last) of each unbroken run of any of the marks."""
    places = [place for place, mark in enumerate(picture) if mark in marks]
    starts = [place for place in places if place == 0 or picture[place - 1] not in marks]
    ends = [place for place in places if place + 1 == len(picture) or picture[place + 1] not in marks]
    return list(zip(starts, ends, strict=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pictures, windows)
def test_timespans_gaps_and_extents_agree_with_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[str], cut: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("oracle") / "warehouse.duckdb"
    seen = [crop(picture, window) for picture, window in zip(drawn, cut, strict=False)]
    record(path, *seen)
    known = believed(seen)
    spans = runs(known, HELD)
    held = [place for place, mark in enumerate(known) if mark in HELD]
    inside = "".join(mark if held and held[0] < n < held[-1] else "_" for n, mark in enumerate(known))
    with open_warehouse(path, read_only=True) as con:
        assert rows(con, "timespans", "first_day, last_day") == [(day(a), day(b)) for a, b in spans]
        assert rows(con, "gaps", "first_day, last_day") == [(day(a), day(b)) for a, b in runs(inside, ".")]
        assert rows(con, "covered", "first_day, last_day") == [(day(a), day(b)) for a, b in runs(known, "x.")]
        expected = [(len(held), len(spans), inside.count("."))] if held else []
        assert rows(con, "extents", "days_held, timespan_count, days_missing") == expected
        assert all(a[1] < b[0] for a, b in pairwise(rows(con, "timespans", "first_day, last_day")))
        first = min(held) if held else len(known)
        looked = {day(n): mark in HELD for n, mark in enumerate(known) if mark != "_" and n >= first}
        if all(mark == "_" or n >= first for n, mark in enumerate(known)):
            assert {when: row[0] for when, row in availability(con).items()} == looked
