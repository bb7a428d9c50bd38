"""Judgements over drawn facts; an obvious and slow Python reference is the oracle for random histories."""

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from shutil import copy
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.recording import record_enumeration, record_listings
from etl.warehouse import open_warehouse
from tests.drawn import DATASET, day, enumeration, listing

HELD = "xcX"


def rows(con: duckdb.DuckDBPyConnection, view: str, columns: str, symbol: str = "A") -> list[tuple[Any, ...]]:
    """Return some columns of a view for one symbol, in order."""
    return con.execute(f"SELECT {columns} FROM {view} WHERE symbol = ? ORDER BY ALL", [symbol]).fetchall()


def record(path: Path, *drawn: str, symbol: str = "A", whole: bool = False) -> None:
    """Record one drawn listing after the other."""
    with open_warehouse(path) as con:
        record_into(con, *drawn, symbol=symbol, whole=whole)


def record_into(con: duckdb.DuckDBPyConnection, *drawn: str, symbol: str = "A", whole: bool = False) -> None:
    record_enumeration(con, DATASET, enumeration(symbol), listing_url="http://l", files_url="http://f")
    for number, picture in enumerate(drawn):
        record_listings(con, DATASET, [listing(symbol, picture, at=len(picture) + number, whole=whole)])


@pytest.fixture
def warehouse(blank: Path, tmp_path: Path) -> Path:
    return copy(blank, tmp_path / "warehouse.duckdb")


@pytest.fixture(scope="module")
def emptied() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Path(":memory:")) as con:
        yield con


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
        (day(0), 1, 0, 40_000),
        (day(1), 0, 1, 0),
        (day(2), 0, 1, 0),
        (day(3), 1, 0, 40_000),
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
            day(1): (True, 40_000, None),
            day(2): (False, None, None),
            day(5): (True, 40_000, None),
            day(6): (False, None, None),
        }
        (url,) = con.execute("SELECT url FROM daily_availability WHERE date = ?", [day(1)]).fetchone() or ("",)
    assert url == "http://f/data/futures/um/daily/klines/A/1m/A-1m-2024-01-02.zip"


def test_a_newer_probe_decides_and_an_older_one_does_not(warehouse: Path) -> None:
    record(warehouse, "x.x")
    probe = "INSERT INTO probes (dataset, symbol, date, url, probed_at, status_code, file_size_bytes, error)"
    probe += " VALUES (?, 'A', ?, 'http://f', ?, ?, ?, ?)"
    with open_warehouse(warehouse) as con:
        con.execute(probe, [DATASET, day(1), dt.datetime(2024, 6, 1), 200, 70, None])  # noqa: DTZ001
        con.execute(probe, [DATASET, day(2), dt.datetime(2023, 6, 1), 404, None, None])  # noqa: DTZ001
        con.execute(probe, [DATASET, day(0), dt.datetime(2024, 6, 1), 503, None, None])  # noqa: DTZ001
        con.execute(probe, [DATASET, day(1), dt.datetime(2024, 6, 2), 404, None, "the wrong host"])  # noqa: DTZ001
        con.execute(probe, [DATASET, day(2), dt.datetime(2024, 6, 2), 200, None, "a web page"])  # noqa: DTZ001
    with open_warehouse(warehouse, read_only=True) as con:
        assert {when: row[:3] for when, row in availability(con).items()} == {
            day(0): (True, 40_000, None),  # 503 says nothing about the file
            day(1): (True, 70, 200),
            day(2): (True, 40_000, None),
        }


def record_all(path: Path, *looks: dict[str, str]) -> None:
    """Record several symbols, look by look; the first day drawn beyond the look before is the day it was done."""
    with open_warehouse(path) as con:
        for number, pictures in enumerate(looks):
            at = max(len(picture.rstrip("_")) for picture in pictures.values())
            everyone = enumeration(*pictures, at=at)
            record_enumeration(con, DATASET, everyone, listing_url="http://l", files_url="http://f")
            found = [listing(name, each, at=at, whole=each[0] != "_") for name, each in pictures.items()]
            seen = [each._replace(started_at=each.started_at + dt.timedelta(seconds=number)) for each in found]
            record_listings(con, DATASET, seen)


def events(path: Path) -> list[tuple[Any, ...]]:
    with open_warehouse(path, read_only=True) as con:
        query = "SELECT date, symbol, event, watched FROM events ORDER BY date, symbol NULLS FIRST, event"
        return con.execute(query).fetchall()


def test_nothing_is_news_at_the_first_look(warehouse: Path) -> None:
    record_all(warehouse, {"A": "xxxfffxxx", "B": "xx.......", "C": "x.....xxx", "DSETTLED": ".x......."})
    assert events(warehouse) == [
        (day(0), "A", "listed", 0),
        (day(0), "B", "listed", 0),
        (day(0), "C", "listed", 0),
        (day(1), "DSETTLED", "settled", 0),
        (day(2), "B", "ended", 0),
        (day(3), "A", "turned_flat", 0),
        (day(6), "A", "relisted", 0),
        (day(6), "C", "came_back", 0),
    ]


def test_what_happens_after_the_first_look_is_news(warehouse: Path) -> None:
    record_all(warehouse, {"A": "xxx", "B": "xxx"}, {"A": "xxxxfffffx", "B": "xxx.......", "C": "....xxxxxx"})
    assert [row for row in events(warehouse) if row[3]] == [
        (day(3), "B", "ended", 1),
        (day(4), "A", "turned_flat", 1),
        (day(4), "C", "listed", 1),
        (day(9), "A", "relisted", 1),
    ]


def test_a_symbol_known_by_name_and_listed_late_is_no_news(warehouse: Path) -> None:
    with open_warehouse(warehouse) as con:
        everyone = enumeration("A", "B")
        record_enumeration(con, DATASET, everyone, listing_url="http://l", files_url="http://f")
        record_listings(con, DATASET, [listing("A", "xxx")])
        record_listings(con, DATASET, [listing("A", "xxxxxxx"), listing("B", "____xxx")])
    assert [row for row in events(warehouse) if row[3]] == []


def test_nothing_has_ended_on_a_day_nobody_looked(warehouse: Path) -> None:
    record_all(warehouse, {"A": "xxxx", "B": "xxxx"}, {"A": "xxxxxxxxxx"})
    assert [event for *_, event, _ in events(warehouse)] == ["listed", "listed"]


def test_a_market_gap_is_news_once_nobody_waits_any_more(warehouse: Path) -> None:
    crowd = [f"M{number:02d}" for number in range(12)]
    record_all(warehouse, dict.fromkeys(crowd, "xxxx"), dict.fromkeys(crowd, "xxxx.xx"))
    assert [row for row in events(warehouse) if row[2] == "market_gap"] == []
    record_all(warehouse, dict.fromkeys(crowd, "xxxx.xxx"))
    assert [row for row in events(warehouse) if row[2] == "market_gap"] == [(day(4), None, "market_gap", 1)]


def test_many_files_changed_or_gone_at_once_are_a_burst(warehouse: Path) -> None:
    bursts = "SELECT date, symbol, detail, watched FROM events WHERE event = 'revision_burst' ORDER BY ALL"
    record_all(warehouse, {"A": "x" * 40, "B": "x" * 40}, {"A": "X" * 19 + "x" * 21, "B": "." * 19 + "x" * 21})
    with open_warehouse(warehouse, read_only=True) as con:
        assert con.execute(bursts).fetchall() == []
    record_all(warehouse, {"A": "x" * 20 + "X" * 20 + "_", "B": "x" * 40 + "x"})
    record_all(warehouse, {"A": "x" * 20 + "." * 20 + "__", "B": "x" * 42})
    with open_warehouse(warehouse, read_only=True) as con:
        assert con.execute(bursts).fetchall() == [
            (day(41), "A", f"39 files of 1 symbols changed, of {day(0)} to {day(39)}", 1),
            (day(42), "A", f"20 files of 1 symbols vanished, of {day(20)} to {day(39)}", 1),
        ]


def test_a_symbol_listed_from_the_middle_on_has_no_birth(warehouse: Path) -> None:
    with open_warehouse(warehouse) as con:
        everyone = enumeration(*"ABCD")
        record_enumeration(con, DATASET, everyone, listing_url="http://l", files_url="http://f")
        drawn = {"A": ["___xxx"], "B": ["__.xxx"], "C": ["..____", "____xx"], "D": [".xxxxx", "..xxxx"]}
        for name, pictures in drawn.items():
            for number, picture in enumerate(pictures):
                record_listings(con, DATASET, [listing(name, picture, at=6 + number)])
    assert [row[:2] for row in events(warehouse) if row[2] == "listed"] == [(day(1), "D"), (day(3), "B")]
    with open_warehouse(warehouse, read_only=True) as con:
        found = con.execute("SELECT symbol, earliest, listed_day FROM extents ORDER BY symbol").fetchall()
    assert found == [("A", day(3), None), ("B", day(3), day(3)), ("C", day(4), None), ("D", day(2), day(1))]


def test_files_withdrawn_from_an_end_do_not_move_what_happened(warehouse: Path) -> None:
    record_all(warehouse, {"A": "xxxxx....", "B": "xxxxxxxxx"})
    before = events(warehouse)
    assert (day(5), "A", "ended", 0) in before
    record_all(warehouse, {"A": "..xxx....", "B": "xxxxxxxxx"}, {"A": "..xx.....", "B": "xxxxxxxxx"})
    assert [row for row in events(warehouse) if row[2] != "revision_burst"] == before


def test_a_settled_folder_is_news_where_its_name_is(warehouse: Path) -> None:
    record_all(
        warehouse,
        {"A": "xxxxxx", "CSETTLED": "x....."},
        {"A": "......xx", "ASETTLED": "xxxx....", "CSETTLED": "x......."},
    )
    assert [row for row in events(warehouse) if row[2] == "settled"] == [
        (day(0), "CSETTLED", "settled", 0),
        (day(3), "ASETTLED", "settled", 1),
    ]


def test_days_that_nobody_looked_at_are_counted_and_lower_the_completeness(warehouse: Path) -> None:
    first = {"A": "xxxxxxxxxx", "B": "xxx_______", "C": "xx________", "D": "x....._____", "E": "____..xxx_"}
    record_all(warehouse, first, {"B": "______xxxx"})
    columns = "files, missing, listed, pending, ended, not_looked, completeness"
    with open_warehouse(warehouse, read_only=True) as con:
        counts = con.execute(f"SELECT {columns} FROM daily_counts ORDER BY date").fetchall()
        states = dict(con.execute("SELECT symbol, state FROM extents").fetchall())
    assert counts == [
        (4, 0, 4, 0, 0, 0, 1.0),
        (3, 0, 3, 0, 1, 0, 1.0),
        (2, 0, 3, 0, 1, 1, 0.666667),
        *[(1, 0, 3, 0, 1, 2, 0.333333)] * 3,
        *[(3, 0, 4, 0, 1, 1, 0.75)] * 3,
        (2, 0, 4, 0, 1, 2, 0.5),
    ]
    assert states == {"A": "trading", "B": "trading", "C": "unknown", "D": "ended", "E": "trading"}


def test_freshness_counts_only_files_that_came_while_somebody_looked(warehouse: Path) -> None:
    looks = [(4, "xxxx"), (5, "xxxx."), (5.25, "xxxxx"), (9, "xxxxxxxxx")]
    with open_warehouse(warehouse) as con:
        record_enumeration(con, DATASET, enumeration("A"), listing_url="http://l", files_url="http://f")
        for when, picture in looks:
            at = dt.datetime.combine(day(0), dt.time()) + dt.timedelta(days=when)
            record_listings(con, DATASET, [listing("A", picture)._replace(started_at=at, ended_at=at)])
    with open_warehouse(warehouse, read_only=True) as con:
        found = con.execute("SELECT date, files, median_lag_hours, p95_lag_hours FROM freshness").fetchall()
    # day 4 was looked for in vain and came six hours after its end, day 5 three days later; 6 to 8 came unwatched
    assert sorted(found) == [(day(4), 1, 6.0, 6.0), (day(5), 1, 72.0, 72.0)]


def test_a_look_at_one_old_day_watches_nothing(warehouse: Path) -> None:
    looks = [(4, "xxxx"), (8.1, "x"), (8.5, "xxxxxxxx")]
    with open_warehouse(warehouse) as con:
        record_enumeration(con, DATASET, enumeration("A"), listing_url="http://l", files_url="http://f")
        for when, picture in looks:
            at = dt.datetime.combine(day(0), dt.time()) + dt.timedelta(days=when)
            record_listings(con, DATASET, [listing("A", picture)._replace(started_at=at, ended_at=at)])
    with open_warehouse(warehouse, read_only=True) as con:
        # day 4 was still under way at the first look, which went through the day before; the look at day 0 was at none
        assert con.execute("SELECT date, files FROM freshness").fetchall() == [(day(4), 1)]


def test_the_lives_of_a_ticker_lie_in_its_folder_and_in_the_settled_ones(warehouse: Path) -> None:
    record_all(
        warehouse,
        {"LITUSDT": "xxxfff...xxx", "LITUSDT_SETTLED": ".x..........", "LITUSDTSETTLEDSETTLED": "......x....."},
    )
    with open_warehouse(warehouse, read_only=True) as con:
        found = con.execute("SELECT * EXCLUDE (dataset) FROM lives ORDER BY ticker, life").fetchall()
    assert found == [
        ("LITUSDT", 1, "LITUSDT", day(0), day(5), day(2), 6),
        ("LITUSDT", 2, "LITUSDT_SETTLED", day(1), day(1), day(1), 1),
        ("LITUSDT", 3, "LITUSDTSETTLEDSETTLED", day(6), day(6), day(6), 1),
        ("LITUSDT", 4, "LITUSDT", day(9), day(11), day(11), 3),
    ]


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


@pytest.mark.long
@settings(max_examples=20, deadline=None)
@given(pictures, windows)
def test_timespans_gaps_and_extents_agree_with_the_oracle(
    emptied: duckdb.DuckDBPyConnection, drawn: list[str], cut: list[tuple[int, int]]
) -> None:
    con = emptied
    for (table,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE table_name <> 'warehouse'").fetchall():
        con.execute(f"DELETE FROM {table}")
    seen = [crop(picture, window) for picture, window in zip(drawn, cut, strict=False)]
    known = believed(seen)
    spans = runs(known, HELD)
    held = [place for place, mark in enumerate(known) if mark in HELD]
    inside = "".join(mark if held and held[0] < n < held[-1] else "_" for n, mark in enumerate(known))
    record_into(con, *seen)
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
