"""A listing is recorded whole; what moved since the last one is kept for ever."""

from pathlib import Path
from shutil import copy
from typing import Any

import duckdb
import pytest

from etl.archives import read_series
from etl.errors import WarehouseError
from etl.recording import record_enumeration, record_failures, record_listings
from etl.records import Failure, Listing, Page, Window
from etl.warehouse import control, covered, known_symbols, open_warehouse
from tests.drawn import DATASET, day, enumeration, listing, moment


@pytest.fixture
def warehouse(blank: Path, tmp_path: Path) -> Path:
    path = copy(blank, tmp_path / "warehouse.duckdb")
    with open_warehouse(path) as con:
        record_enumeration(con, DATASET, enumeration("A", "B"), listing_url="http://l", files_url="http://f")
    return path


def all_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the closed warehouse."""
    with open_warehouse(path, read_only=True) as con:
        return con.execute(query).fetchall()


REVISIONS = "SELECT date, change, old_etag = new_etag, new_etag IS NULL FROM revisions ORDER BY detected_at, date"
HELD = "SELECT date FROM day_files WHERE vanished_at IS NULL ORDER BY date"


@pytest.mark.parametrize(
    ("pictures", "held", "revisions"),
    [
        # an unchanged archive
        (["xx.x", "xx.x"], [0, 1, 3], []),
        # 404 -> 200: a hole is filled later, which is no revision of anything held before
        (["x.x", "xxx"], [0, 1, 2], []),
        # 200 -> 404, and back again
        (["xxx", "x.x"], [0, 2], [(1, "vanished")]),
        (["xxx", "x.x", "x.x"], [0, 2], [(1, "vanished")]),
        (["xxx", "x.x", "xxx"], [0, 1, 2], [(1, "vanished"), (1, "returned")]),
        # the same name with other content, found exactly once
        (["xxx", "xXx", "xXx"], [0, 1, 2], [(1, "changed")]),
        # a listing says nothing of days outside its window
        (["xxx", "__x"], [0, 1, 2], []),
        (["xxx", "__."], [0, 1], [(2, "vanished")]),
        # a checksum that arrives later is no revision of the file
        (["c", "x"], [0], []),
    ],
)
def test_flips_of_a_day(
    warehouse: Path, pictures: list[str], held: list[int], revisions: list[tuple[int, str]]
) -> None:
    with open_warehouse(warehouse) as con:
        for number, picture in enumerate(pictures):
            record_listings(con, DATASET, [listing("A", picture, at=10 + number)])
    assert all_of(warehouse, HELD) == [(day(number),) for number in held]
    assert [(when, change) for when, change, *_ in all_of(warehouse, REVISIONS)] == [
        (day(number), change) for number, change in revisions
    ]
    assert all_of(warehouse, "SELECT 1 FROM day_files GROUP BY dataset, symbol, date HAVING count(*) > 1") == []


def test_a_file_keeps_when_it_was_first_and_last_seen(warehouse: Path) -> None:
    with open_warehouse(warehouse) as con:
        record_listings(con, DATASET, [listing("A", "xx", at=10)])
        record_listings(con, DATASET, [listing("A", "_x", at=11)])
        record_listings(con, DATASET, [listing("A", "_.", at=12)])
    assert all_of(warehouse, "SELECT date, first_seen_at, last_seen_at, vanished_at FROM day_files ORDER BY date") == [
        (day(0), moment(10), moment(10), None),
        (day(1), moment(10), moment(11), moment(12)),
    ]


def test_a_checksum_is_a_fact_of_its_file(warehouse: Path) -> None:
    with open_warehouse(warehouse) as con:
        record_listings(con, DATASET, [listing("A", "cx")])
    assert all_of(warehouse, "SELECT has_checksum FROM day_files ORDER BY date") == [(False,), (True,)]


def test_a_failure_covers_no_day_and_keeps_its_whole_context(warehouse: Path) -> None:
    failure = Failure("A", None, day(9), "p/A/", "", moment(9), moment(9), "http://l?p", 503, "SlowDown")
    with open_warehouse(warehouse) as con:
        record_failures(con, DATASET, [failure])
        assert covered(con, DATASET) == {}
    assert all_of(warehouse, "SELECT symbol, complete, url, status_code, error FROM listings WHERE NOT complete") == [
        ("A", False, "http://l?p", 503, "SlowDown")
    ]


def test_a_transaction_that_breaks_leaves_nothing_behind(warehouse: Path) -> None:
    good, broken = listing("A", "xxx"), listing("B", "xxx")
    broken = broken._replace(files=broken.files._replace(sizes="100,many,100"))
    with pytest.raises(WarehouseError), open_warehouse(warehouse) as con:
        record_listings(con, DATASET, [good, broken])
    assert all_of(warehouse, "SELECT count(*) FROM listings WHERE symbol IS NOT NULL") == [(0,)]
    assert all_of(warehouse, "SELECT count(*) FROM day_files") == [(0,)]


def test_the_control_is_the_newest_file_not_asked_for_of_a_folder_still_there(warehouse: Path) -> None:
    with open_warehouse(warehouse) as con:
        assert control(con, DATASET, [Window("A", day(0), day(9))]) is None
        record_listings(con, DATASET, [listing("A", "xx_"), listing("B", "xxx")])
        assert control(con, DATASET, [Window("A", day(1), day(1))]) == ("A", day(0), False)
        assert control(con, DATASET, [Window("A", day(2), day(2))]) == ("A", day(1), False)
        assert control(con, DATASET, [Window("A", day(0), day(0)), Window("A", day(1), day(1))]) == ("B", day(2), False)
        assert control(con, DATASET, [Window(name, day(0), day(9)) for name in "AB"]) == ("B", day(2), True)
        record_enumeration(con, DATASET, enumeration("B", at=5), listing_url="http://l", files_url="http://f")
        assert control(con, DATASET, [Window("A", day(2), day(2))]) == ("B", day(2), False)
        assert control(con, DATASET, [Window("B", day(0), day(2))]) == ("B", day(2), True)


def test_a_head_of_another_upload_forgets_the_checksum_of_the_one_before(warehouse: Path) -> None:
    def headed(picture: str, at: int) -> Listing:
        seen = listing("A", picture, at=at)
        return seen._replace(method="head", files=seen.files._replace(checksums="," * (seen.files.number - 1)))

    with open_warehouse(warehouse) as con:
        record_listings(con, DATASET, [listing("A", "xxx", at=10)])
        record_listings(con, DATASET, [listing("A", "x.x", at=11)])
        record_listings(con, DATASET, [headed("xxX", at=12)])
    checksums = "SELECT date, has_checksum FROM day_files ORDER BY date"
    assert all_of(warehouse, checksums) == [(day(0), True), (day(1), None), (day(2), None)]
    with open_warehouse(warehouse) as con:
        record_listings(con, DATASET, [listing("A", "xxX", at=13)])
    assert all_of(warehouse, checksums) == [(day(0), True), (day(1), True), (day(2), True)]


def test_an_enumeration_only_ever_adds(warehouse: Path) -> None:
    with open_warehouse(warehouse) as con:
        new = record_enumeration(con, DATASET, enumeration("C", at=5), listing_url="http://l", files_url="http://f")
        assert new == ["C"]
        assert known_symbols(con, DATASET) == ["A", "B", "C"]
    assert all_of(warehouse, "SELECT symbol, last_seen_at FROM symbols ORDER BY symbol") == [
        ("A", moment(0)),
        ("B", moment(0)),
        ("C", moment(5)),
    ]


STEM = "data/futures/um/daily/klines/A/1m/A-1m-"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("data/futures/um/daily/klines/A/1m//odd.zip", "not a day file of this series"),
        ("data/futures/um/daily/klines/A/1m/A-1h-2024-01-01.zip", "not a day file of this series"),
        ("data/futures/um/daily/klines/A/1m/part-00000-0fae-c000.zip", "not a day file of this series"),
        (f"{STEM}2023-02-30.zip", "not a day file of this series"),
        (f"{STEM}2024-01-02.zip.CHECKSUM", "a checksum without its file"),
        (f"{STEM}2199-01-20.zip", "its day was not over when listed"),
    ],
)
def test_every_key_that_is_no_day_file_gets_a_place(warehouse: Path, key: str, reason: str) -> None:
    names = sorted([f"{STEM}2024-01-01.zip", key])
    page = Page(names, ["1", "1"], ["2024-01-02T07:00:00.000Z"] * 2, ["e", "e"], [], None)
    files, strangers = read_series(DATASET, Window("A", None, day(9)), [page])
    assert files.days == "2024-01-01"
    assert [(stranger.object.key, stranger.reason) for stranger in strangers] == [(key, reason)]
    with open_warehouse(warehouse) as con:
        for number in (10, 11):
            seen = listing("A", "x", at=number)._replace(strangers=strangers)
            record_listings(con, DATASET, [seen])
    assert all_of(warehouse, "SELECT key, reason, first_seen_at, last_seen_at FROM strangers") == [
        (key, reason, moment(10), moment(11))
    ]


def test_any_allowed_duckdb_can_read_the_file(warehouse: Path) -> None:
    tags = all_of(warehouse, "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal")
    assert tags == [("v1.4.0+",)]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _: None, "There is no warehouse at"),
        (
            lambda path: path.write_bytes(b"something else entirely, and long enough to be read as a header" * 99),
            "not a DuckDB",
        ),
        (lambda path: duckdb.connect(path).execute("CREATE TABLE theirs (a INTEGER)").close(), "of something else"),
    ],
)
def test_a_missing_or_foreign_file_is_told_in_a_sentence(tmp_path: Path, make: Any, sentence: str) -> None:
    path = tmp_path / "other.duckdb"
    make(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(WarehouseError, match=sentence), open_warehouse(path, read_only=True):
        pass
    assert (path.read_bytes() if path.exists() else None) == before
