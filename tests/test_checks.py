"""A table of cases for each code: facts drawn as text, something tampered with, and what is found."""

import datetime as dt
import itertools
import json
import re
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import duckdb
import pytest

from etl import checks
from etl.checks import CATALOGUE, ExchangeInfo, Published, judge
from etl.checks import exchange as exchange_info
from etl.errors import UsageError
from etl.recording import record_enumeration, record_failures, record_listings
from etl.records import Failure, StoredObject, Stranger
from etl.replica.server import Replica
from etl.warehouse import open_warehouse
from tests.archive import LAST, TODAY
from tests.conftest import Run
from tests.drawn import DATASET, day, enumeration, listing, moment

ROOT = Path(__file__).parent.parent
BY_CODE = {check.code: check for check in CATALOGUE}
Found = list[tuple[str | None, int | None, int | None, str]]


class Case(NamedTuple):
    """``drawn``: the listings of each symbol, in order; ``tamper``: SQL; days are places in the drawing."""

    drawn: dict[str, list[str]]
    found: Found
    today: int = 20
    tamper: str = ""
    known: str = ""  # symbols listed by the symbol level beside the drawn ones
    enumerated: int = 20
    failed: tuple[str | None, ...] = ()
    strange: tuple[tuple[str, int], ...] = ()  # a key below A, and the number of A's listing that showed it


def probe(place: int, status: int, at: int) -> str:
    """Return SQL that records a probe of A."""
    row = f"'{DATASET}', 'A', '{day(place)}', 'u', '{moment(at)}', {status}, 1, NULL, 'e', NULL"
    return f"INSERT INTO probes VALUES ({row})"


CROWD = {f"S{number:02}": ["x" * 24] for number in range(20)}
TABLES: dict[str, list[Case]] = {
    "A101": [
        Case({"A": ["xx.x"], "B": ["__xx"]}, []),
        Case({"A": ["xx___x"]}, [(None, 2, 4, "3 day(s)")]),
        Case({"A": ["xx______", "_____x__"], "B": ["___x____"]}, [(None, 2, 2, "1 day(s)"), (None, 4, 4, "1 day(s)")]),
        # before the first file nobody needs to have looked
        Case({"A": [".____", "__.x_"]}, []),
        Case({"A": [".____", "____x"], "B": ["__x__"]}, [(None, 3, 3, "1 day(s)")]),
    ],
    "A102": [
        Case({"A": ["x.x."], "B": ["_.xx"]}, []),
        Case({"A": ["xx__", "___x"], "B": ["xxxx"]}, [("A", 2, 2, "1 day(s)")]),
        Case({"A": ["x___"], "B": ["xxxx"]}, [("A", 1, 3, "3 day(s)")]),
        Case({"A": ["._____", "__.x__"], "B": ["xxxxxx"]}, [("A", 4, 5, "2 day(s)")]),
    ],
    "A103": [
        Case({"A": ["x"]}, []),
        Case({"A": ["x"]}, [("B", None, None, "known since 2024-01-21")], known="B"),
        Case({"A": ["x"]}, [("B", None, None, "known since 2024-01-21")], known="B", failed=("B",)),
        Case(
            {"A": ["x"]},
            [("A", None, None, "known since 2024-01-21")],
            tamper="UPDATE listings SET method = 'head' WHERE symbol = 'A'",
        ),
    ],
    "A104": [
        Case({"A": ["xxx"]}, [], today=4, enumerated=3),
        Case({"A": ["xxx"]}, [(None, 3, 4, "files were last looked for through 2024-01-03")], today=5, enumerated=3),
        Case({"A": ["xxxx"], "B": ["x___"]}, [], today=5, enumerated=4),
        Case({"A": ["xxxx"]}, [], today=4, enumerated=2),
        Case({"A": ["xxxx"]}, [(None, 2, 4, "symbols were last looked for on 2024-01-02")], today=4, enumerated=1),
    ],
    "A105": [
        Case({"A": ["xx"], "B": ["xx"]}, []),
        Case({"A": ["xx"]}, [("A", 1, 9, "2024-01-31T12:00:00Z: HTTP 503, SlowDown (http://l?p)")], failed=("A",)),
        Case({"A": ["xx"]}, [(None, 1, 9, "2024-01-31T12:00:00Z: HTTP 503, SlowDown (http://l?p)")], failed=(None,)),
        # a complete one afterwards settles it
        Case(
            {"A": ["xx"]}, [], failed=("A",), tamper="UPDATE listings SET listing_id = -listing_id WHERE NOT complete"
        ),
    ],
    "A201": [
        Case({"A": ["xxxx"]}, []),
        Case({"A": ["x..x"], "B": ["x.xx"]}, [(None, 1, 1, "1 day(s) without any file")]),
        Case({"A": ["x__x"]}, []),  # not looked is not empty
        Case(
            {"A": ["xx......"]}, [(None, 2, 4, "3 day(s) without any file")], today=8
        ),  # the newest three may still come
        Case({"A": ["xx......"]}, [], today=5),
        Case({"A": ["x.x.x"]}, [(None, 1, 1, "1 day(s) without any file"), (None, 3, 3, "1 day(s) without any file")]),
    ],
    "A202": [
        Case({"A": ["x" * 24], "B": ["x" * 12 + "." + "x" * 11]}, [], today=24),  # too few to tell
        Case(CROWD, [], today=24),
        Case(
            CROWD | {name: ["x" * 12 + "." + "x" * 11] for name in ("S00", "S01", "S02")},
            [(None, 12, 12, "17 files where the days beside it have 20")],
            today=24,
        ),
        Case(CROWD | {name: ["x" * 12 + "." + "x" * 11] for name in ("S00", "S01")}, [], today=24),  # 90 %
        Case(CROWD | {name: ["x" * 12 + "_" + "x" * 11] for name in ("S00", "S01", "S02")}, [], today=24),
        # a market that grows, one that shrinks, and days that may still come
        Case(CROWD | {name: ["_" * 12 + "x" * 12] for name in ("S00", "S01", "S02")}, [], today=24),
        Case(CROWD | {name: ["x" * 12 + "." * 12] for name in ("S00", "S01", "S02")}, [], today=24),
        Case(CROWD | {name: ["x" * 20 + "...."] for name in ("S00", "S01", "S02")}, [], today=23),
        Case(
            CROWD | {name: ["x" * 20 + "...."] for name in ("S00", "S01", "S02")},
            [(None, 20, 20, "17 files where the days beside it have 20")],
            today=24,
        ),
    ],
    "A301": [
        Case({"A": ["xX.x"]}, []),
        Case(
            {"A": ["xcc.cx"], "B": ["c"]},
            [("A", 1, 2, "2 file(s)"), ("A", 4, 4, "1 file(s)"), ("B", 0, 0, "1 file(s)")],
        ),
        Case({"A": ["xcx", "xxx"]}, []),
        Case({"A": ["xcx"]}, [], tamper="UPDATE day_files SET has_checksum = NULL"),
        Case({"A": ["xcx", "x.x"]}, []),
    ],
    "A302": [
        Case({"A": ["xxxxxxxxx"]}, []),
        Case({"A": ["xxxxsxxxx"]}, [("A", 4, 4, "1 file(s), the smallest of 12000 bytes")]),
        Case({"A": ["xxxxzzxxx"]}, [("A", 4, 5, "2 file(s), the smallest of 0 bytes")]),
        Case({"A": ["xxxxsxxxx", "xxxxxxxxx"]}, []),
        Case({"A": ["xxxxfffff"]}, []),  # flat files are small together
    ],
    "A303": [
        Case({"A": ["xx"]}, []),
        Case({"A": ["xx"]}, [("A", None, None, "p/A/odd: strange")], strange=(("odd", 0),)),
        Case({"A": ["xx", "xx"]}, [], strange=(("odd", 0),)),
        Case({"A": ["xx", "xx"]}, [("A", None, None, "p/A/odd: strange")], strange=(("odd", 0), ("odd", 1))),
        # a listing that did not begin at the beginning, or that ended before, says nothing of it
        Case(
            {"A": ["xx", "xx"]},
            [("A", None, None, "p/A/odd: strange")],
            strange=(("odd", 0),),
            tamper="UPDATE listings SET from_key = 'p/A/z' WHERE listing_id = 3",
        ),
        Case({"A": ["xx", "x_"]}, [("A", None, None, "p/A/odd: strange")], strange=(("odd", 0),)),
        Case(
            {"A": ["xx", "xx"]},
            [("A", None, None, "p/A/odd: strange")],
            strange=(("odd", 0),),
            tamper="UPDATE listings SET method = 'head' WHERE listing_id = 3",
        ),
    ],
    "A304": [
        Case({"A": ["x" * 20, "x" * 20]}, []),
        Case({"A": ["x" * 20, "X" * 19 + "x"]}, []),
        Case(
            {"A": ["x" * 21, "x" + "X" * 20]},
            [(None, 1, 20, "20 files of 1 symbol(s) changed, found 2024-01-23")],
            today=22,
        ),
        Case({"A": ["x" * 21, "x" + "." * 20]}, [(None, 1, 20, "20 files of 1 symbol(s) vanished, found 2024-01-23")]),
        Case({"A": ["x" * 21, "x" + "X" * 20]}, [], today=60),
        Case({"A": ["." * 20, "x" * 20]}, []),
    ],
    "A401": [
        Case({"A": ["xxx"], "B": ["xxx"]}, []),
        Case(
            {"A": ["xxx"]},
            [("A", 1, 1, "the same day file 2 times")],
            tamper=f"INSERT INTO day_files FROM day_files WHERE date = '{day(1)}'",
        ),
        Case({"A": ["x"]}, [("A", None, None, "the same symbol 2 times")], tamper="INSERT INTO symbols FROM symbols"),
        Case(
            {"A": ["x"]},
            [("A", None, None, "listing 2 2 times")],
            tamper="INSERT INTO listings FROM listings WHERE symbol = 'A'",
        ),
        Case({"A": ["x"]}, [(None, None, None, "the dataset 2 times")], tamper="INSERT INTO archives FROM archives"),
    ],
    "A402": [
        Case({"A": ["xx.x", "x..x"]}, []),
        Case(
            {"A": ["xx", "xx"]},
            [("A", 1, 1, "last seen 2023-05-05 00:00:00")],
            tamper=f"UPDATE day_files SET last_seen_at = '2023-05-05' WHERE date = '{day(1)}'",
        ),
        Case(
            {"A": ["xx"]},
            [("A", 1, 1, "last seen 2024-01-03 12:00:00")],
            tamper="UPDATE listings SET last_day = last_day - 1 WHERE symbol = 'A'",
        ),
        Case(
            {"A": ["x"]},
            [("A", 0, 0, "last seen 2024-01-02 12:00:00")],
            tamper="UPDATE listings SET complete = FALSE WHERE symbol = 'A'",
        ),
        Case(
            {"A": ["x", "."]},
            [("A", 0, 0, "vanished 2024-01-03 12:00:00")],
            tamper="DELETE FROM listings WHERE listing_id = 3",
        ),
        # a probe that was answered with 200 is as good, any other is not
        Case({"A": ["x"]}, [], tamper=f"DELETE FROM listings WHERE symbol = 'A'; {probe(0, 200, 5)}"),
        Case(
            {"A": ["x"]},
            [("A", 0, 0, "last seen 2024-01-02 12:00:00")],
            tamper=f"DELETE FROM listings WHERE symbol = 'A'; {probe(0, 503, 5)}",
        ),
    ],
    "A403": [
        Case({"A": ["xx.x", "x..x", "_x"], "B": ["..."]}, []),
        Case(
            {"A": ["xxx", "xxx"]},
            [("A", 0, 2, "listing 3 showed 3 files, 2 are recorded")],
            tamper=f"DELETE FROM day_files WHERE date = '{day(1)}'",
        ),
        Case({"A": ["x.x"]}, [("A", 1, 1, "a probe of 2024-01-10 12:00:00 found it")], tamper=probe(1, 200, 9)),
        Case({"A": ["x.x"]}, [], tamper=probe(1, 200, 1)),  # the listing is later
        Case({"A": ["x.x"]}, [], tamper=probe(1, 404, 9)),
        Case({"A": ["xxx"]}, [], tamper=probe(1, 200, 9)),
    ],
    "A404": [
        Case({"A": ["x..x__x"], "B": ["x......"]}, []),
        Case(
            {"A": ["x..x"]},
            [("A", 1, 2, "symbol_gap, and its evidence, listing 9, is none")],
            tamper="CREATE TEMP TABLE absences AS"
            " SELECT * REPLACE (9 AS listing_id) FROM absences WHERE reason = 'symbol_gap'",
        ),
        Case(
            {"A": ["x__x"]},
            [("A", 1, 2, "symbol_gap, and not covered"), ("A", 1, 2, "symbol_gap, without evidence")],
            tamper="CREATE TEMP TABLE absences AS SELECT * REPLACE ('missing' AS condition,"
            " 'symbol_gap' AS reason) FROM absences WHERE reason = 'not_looked'",
        ),
        Case(
            {"A": ["x.xx"]},
            [("A", 2, 2, "symbol_gap, and its file is held")],
            tamper="CREATE TEMP TABLE absences AS"
            " SELECT * REPLACE (last_day + 1 AS last_day) FROM absences WHERE reason = 'symbol_gap'",
        ),
    ],
    "A405": [
        Case({"A": ["xxx"]}, []),
        Case(
            {"A": ["xx"]},
            [("A", 1, 1, "size -1")],
            tamper=f"UPDATE day_files SET file_size_bytes = -1 WHERE date = '{day(1)}'",
        ),
        Case({"A": ["xz"]}, []),  # a file without a byte is a fact about the archive: A302 tells it
        Case({"A": ["xx"]}, [("A", 1, 1, "no etag")], tamper=f"UPDATE day_files SET etag = '' WHERE date = '{day(1)}'"),
    ],
    "A406": [
        Case({"A": ["xxx", "x.x", "xxx"]}, []),
        Case(
            {"A": ["x"]},
            [("A", 0, 0, "last seen before it was first seen")],
            tamper="UPDATE day_files SET first_seen_at = last_seen_at + INTERVAL 1 SECOND",
        ),
        Case(
            {"A": ["x"]},
            [("A", 0, 0, "seen when it had vanished")],
            tamper="UPDATE day_files SET vanished_at = last_seen_at",
        ),
    ],
    "A407": [
        Case({"A": ["xx", "X."]}, []),
        Case(
            {"A": ["x"]},
            [
                ("A", None, None, "has day files and is no known symbol"),
                ("A", None, None, "has listings and is no known symbol"),
            ],
            tamper="DELETE FROM symbols",
        ),
        Case(
            {"A": ["xx", "X."]},
            [("A", 1, 1, "a revision (vanished) of no recorded file")],
            tamper=f"DELETE FROM day_files WHERE date = '{day(1)}'",
        ),
        Case(
            {"A": ["xx", "Xx"]},
            [("A", 0, 0, "a revision (changed) of no recorded listing")],
            tamper="DELETE FROM listings WHERE listing_id = 3",
        ),
    ],
}


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Path(":memory:")) as con:
        yield con


@pytest.fixture
def con(warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """An empty warehouse; the same one every time, for making one takes longer than a case."""
    for (table,) in warehouse.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall():
        if table != "warehouse":
            warehouse.execute(f"DELETE FROM {table}")
    warehouse.execute("CREATE OR REPLACE SEQUENCE listing_ids; DROP TABLE IF EXISTS temp.absences")
    return warehouse


def fill(con: duckdb.DuckDBPyConnection, case: Case) -> None:
    """Record what a case draws; the symbol level is listing 1."""
    symbols = enumeration(*case.drawn, *case.known, at=case.enumerated)
    record_enumeration(con, DATASET, symbols, listing_url="http://l", files_url="http://f")
    for number in range(max(map(len, case.drawn.values()))):
        odd = [
            Stranger(StoredObject(f"p/A/{key}", "1", "2024-01-01", "e"), "strange")
            for key, n in case.strange
            if n == number
        ]
        shown = [
            listing(symbol, part, at=len(pictures[number]) + number)._replace(strangers=odd)
            for symbol, pictures in case.drawn.items()
            if number < len(pictures)
            for part in parts(pictures[number])
        ]
        record_listings(con, DATASET, shown)
    failures = [
        Failure(symbol, day(1), day(9), "p/", "", moment(30), moment(30), "http://l?p", 503, "SlowDown")
        for symbol in case.failed
    ]
    record_failures(con, DATASET, failures)
    if case.tamper:
        con.execute(case.tamper)


def parts(picture: str) -> Iterator[str]:
    """Split a drawing at its inner ``_``: each part is a listing of its own."""
    for match in re.finditer("[^_]+", picture):
        yield "_" * match.start() + match[0] + "_" * (len(picture) - match.end())


def as_found(rows: list[checks.Finding]) -> list[tuple[Any, ...]]:
    return [tuple(row)[2:] for row in rows]


def as_days(found: Found) -> list[tuple[Any, ...]]:
    return [(symbol, *(None if place is None else day(place) for place in days), said) for symbol, *days, said in found]


@pytest.mark.parametrize(
    ("code", "case"),
    [pytest.param(code, case, id=f"{code}-{n}") for code in TABLES for n, case in enumerate(TABLES[code])],
)
def test_a_code_finds_what_is_drawn(con: duckdb.DuckDBPyConnection, code: str, case: Case) -> None:
    fill(con, case)
    found = judge.find(con, BY_CODE[code], {"dataset": DATASET, "today": day(case.today)})
    assert as_found(found) == as_days(case.found)
    assert {(each.code, each.severity) for each in found} <= {(code, BY_CODE[code].severity)}


# -- against others --------------------------------------------------------------------------------


def verdicts(con: duckdb.DuckDBPyConnection, **sources: Any) -> dict[str, checks.Verdict]:
    return {each.check.code: each for each in checks.run_checks(con, DATASET, day(20), **sources)}


NEWEST = f"{moment(20):%Y-%m-%dT%H:%M:%SZ}"  # when the symbols were enumerated


@pytest.mark.parametrize(
    ("published", "found"),
    [
        ((["A", "B"], [2, 0], [80_000, 0]), []),
        ((["A", "B"], [1, 0], [40_000, 0]), [("A", None, None, "1 files of 40000 bytes published, 2 of 80000 held")]),
        ((["A", "B"], [2, 0], [80_001, 0]), [("A", None, None, "2 files of 80001 bytes published, 2 of 80000 held")]),
        ((["A"], [2], [80_000]), [("B", None, None, "not published")]),
        ((["A", "B", "C"], [2, 0, 1], [80_000, 0, 1]), [("C", None, None, "published and not known here")]),
    ],
)
def test_a501_counts_what_is_published(
    con: duckdb.DuckDBPyConnection, published: tuple[Any, ...], found: list[tuple[Any, ...]]
) -> None:
    fill(con, Case({"A": ["x.x"], "B": ["..."]}, []))
    answer = verdicts(con, published=Published(Path("site.db"), NEWEST, *published))["A501"]
    assert as_found(answer.findings) == found
    assert answer.not_checked is None


def test_a501_is_not_checked_against_other_facts(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, Case({"A": ["x"]}, []))
    older = verdicts(con, published=Published(Path("site.db"), "2020-01-01T00:00:00Z", ["A"], [0], [0]))["A501"]
    assert (older.outcome, older.findings) == ("not checked", [])
    assert older.not_checked == f"site.db was built from facts of 2020-01-01T00:00:00Z, these are of {NEWEST}"


class Compared(NamedTuple):
    """What trades there, what else is there, and what A502, A503 and A504 find; A to T hold the days 0 to 3."""

    trading: str
    recall: list[str]
    only_there: dict[str, str]
    only_here: dict[str, str]
    others: dict[str, str] = {}  # noqa: RUF012 - nobody writes to it
    at: int | None = None


LETTERS = "ABCDEFGHIJKLMNOPQRST"  # 20 symbols, so that one is 5 %
COMPARED = [
    Compared(LETTERS, [], {}, {}),
    Compared(LETTERS[:-1], [], {}, {"T": "the exchange does not list it"}),
    Compared(LETTERS[:-1], [], {}, {"T": "there it is PERPETUAL SETTLING"}, {"T": "PERPETUAL SETTLING"}),
    # 20 of 21 is over 95 %, 19 of 20 is not
    Compared(LETTERS + "Y", [], {"Y": "the archive has no such symbol"}, {}),
    Compared(
        LETTERS[:-1] + "Y",
        ["recall 95.0 %: 19 of 20 have a file"],
        {"Y": "the archive has no such symbol"},
        {"T": "the exchange does not list it"},
    ),
    Compared(LETTERS + "Z", [], {"Z": "its newest file is of 2024-01-02"}, {}),
    # at an earlier time Z still had its file; the answer says when it was given
    Compared(LETTERS + "Z", [], {}, {}, at=1),
    Compared(LETTERS + "Y", [], {"Y": "the archive has no such symbol (answer of 2024-01-04)"}, {}, at=3),
]


@pytest.mark.parametrize("case", COMPARED)
def test_a502_to_a504_compare_with_the_exchange(con: duckdb.DuckDBPyConnection, case: Compared) -> None:
    fill(con, Case({letter: ["xxxx"] for letter in LETTERS} | {"Z": ["xx.."], "B_240329": ["xxxx"]}, []))
    there = ExchangeInfo(
        "there", None if case.at is None else moment(case.at), dict.fromkeys(case.trading), case.others
    )
    found = verdicts(con, exchange=there)
    newest = day(3 if case.at is None else case.at)
    assert [each.detail for each in found["A502"].findings] == case.recall
    for code, expected in (("A503", case.only_there), ("A504", case.only_here)):
        assert {each.symbol: each.detail for each in found[code].findings} == expected
        assert {(each.first_day, each.last_day) for each in found[code].findings} <= {(newest, newest)}


def test_a_contract_listed_after_the_day_cannot_have_a_file_of_it(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, Case({"A": ["xxxx"]}, []))
    found = verdicts(con, exchange=ExchangeInfo("there", None, {"A": day(3), "B": day(4)}, {}))
    assert [found[code].outcome for code in judge.EXCHANGE] == ["passed"] * 3
    assert found["A502"].note == "1 of 1 that trade have a file of 2024-01-04"


def test_where_everything_was_listed_later_nothing_is_compared(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, Case({"A": ["xxxx"]}, []))
    found = verdicts(con, exchange=ExchangeInfo("there", None, {"A": day(4), "B": day(4)}, {}))
    assert [found[code].outcome for code in judge.EXCHANGE] == ["not checked"] * 3
    assert found["A502"].not_checked == "there: every perpetual that trades in it was listed after 2024-01-04"


def test_the_newest_day_that_is_still_coming_in_is_not_compared(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, Case({"A": ["xxxx"], "B": ["xxx."]}, []))
    there = ExchangeInfo("there", None, {"A": None, "B": None}, {})
    assert verdicts(con, exchange=there)["A502"].note == "2 of 2 that trade have a file of 2024-01-03"


def test_an_answer_older_than_the_files_is_not_compared(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, Case({"A": ["xxxx"]}, []))
    there = ExchangeInfo("there", dt.datetime(2019, 1, 1), {"A": None}, {})  # noqa: DTZ001 - UTC, as everywhere
    assert verdicts(con, exchange=there)["A502"].outcome == "not checked"


# -- reading exchangeInfo --------------------------------------------------------------------------


def contract(symbol: str, kind: str = "PERPETUAL", status: str = "TRADING", **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "pair": symbol, "contractType": kind, "status": status, **more}


SAMPLE = {
    "timezone": "UTC",
    "serverTime": 1705708800000,  # 2024-01-20
    "symbols": [
        contract("BTCUSDT", onboardDate=1569398400000),
        contract("ETHUSDT"),
        contract("BTCUSDT_231229", "CURRENT_QUARTER"),
        contract("SOLUSDT", status="SETTLING"),
        contract("NEWUSDT", "", "PENDING_TRADING"),
    ],
}


def test_only_perpetuals_that_trade_are_taken(tmp_path: Path) -> None:
    (tmp_path / "info.json").write_text(json.dumps(SAMPLE))
    info = checks.read_exchange_info(str(tmp_path / "info.json"))
    assert isinstance(info, ExchangeInfo)
    assert info.trading == {"BTCUSDT": dt.date(2019, 9, 25), "ETHUSDT": None}
    assert info.others["SOLUSDT"] == "PERPETUAL SETTLING"
    assert (info.at, info.others["NEWUSDT"]) == (moment(19) - dt.timedelta(hours=12), "PENDING_TRADING")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<html>", "the answer is no exchangeInfo (JSONDecodeError)"),
        ("[]", "the answer is no exchangeInfo (TypeError)"),
        ('{"code": -1003, "msg": "Too many requests"}', "the answer is no exchangeInfo (KeyError)"),
        ('{"symbols": [{}]}', "the answer is no exchangeInfo (KeyError)"),
        ('{"symbols": null}', "the answer is no exchangeInfo (TypeError)"),
        ('{"symbols": []}', "the answer is no exchangeInfo, for no perpetual trades in it"),
        ("[" * 200_000, "the answer is no exchangeInfo (RecursionError)"),
        *(
            (json.dumps({"symbols": [contract("BTCUSDT"), odd]}), f"the answer is no exchangeInfo ({error})")
            for odd, error in [
                (contract("\ud800"), "UnicodeEncodeError"),
                (contract("A", status="\ud800"), "UnicodeEncodeError"),
                (contract(""), "TypeError"),
                (contract("A") | {"symbol": 5}, "TypeError"),
                (contract("A", onboardDate=-(10**15)), "ValueError"),
                (contract("A", onboardDate="1569398400000"), "TypeError"),
            ]
        ),
        *(
            (
                json.dumps(SAMPLE | {"serverTime": at}),
                f"the answer is no exchangeInfo, for its serverTime {at!r} is no time",
            )
            for at in (10**30, 253402300799999, -62135596800000, 0, True, 1e300, float("inf"), "1705708800000", [1])
        ),
    ],
    ids=lambda value: value if len(value) < 100 else "",
)
def test_an_unreadable_answer_is_a_reason(tmp_path: Path, body: str, why: str) -> None:
    path = tmp_path / "info.json"
    path.write_text(body)
    assert checks.read_exchange_info(str(path)) == f"{path}: {why}"


def test_a_file_that_cannot_be_read_or_has_no_end_is_a_reason(tmp_path: Path) -> None:
    own = "/proc/self/mem"
    assert checks.read_exchange_info(own) == f"{own} cannot be read (Input/output error)"
    path = tmp_path / "info.json"
    with path.open("wb") as file:
        file.truncate(exchange_info.MOST_BYTES + 1)
    assert checks.read_exchange_info(str(path)) == f"{path} has more than 50 MB"


def test_neither_address_nor_file_is_a_wrong_question() -> None:
    with pytest.raises(UsageError, match="neither an address nor a file"):
        checks.read_exchange_info("no/such/file.json")


@pytest.fixture
def exchange() -> Iterator[tuple[HTTPServer, dict[str, Any]]]:
    """A server that answers as told; a pause is one between two bytes, of the headers or of the body."""
    told: dict[str, Any] = {"status": 200, "body": json.dumps(SAMPLE), "pause": "", "packed": False, "over": Event()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told["asked"] = (self.path, self.headers["User-Agent"])
            if told["pause"] == "headers":
                return self.dribble(b"HTTP/1.0 200 OK\r\nX-More: ")
            self.send_response(told["status"])
            if told["packed"]:
                self.send_header("Content-Encoding", "deflate")
            self.end_headers()
            body = told["body"].encode()
            return self.dribble(body) if told["pause"] else self.write(zlib.compress(body) if told["packed"] else body)

        def dribble(self, octets: bytes) -> None:
            for octet in itertools.chain(octets, itertools.repeat(ord("x"))):
                if told["over"].wait(0.02):
                    return
                self.write(bytes([octet]))

        def write(self, octets: bytes) -> None:
            with suppress(ConnectionError):  # whoever has enough leaves
                self.wfile.write(octets)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server, told
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (451, "HTTP 451: it does not serve the place this machine is at"),
        (429, "HTTP 429: it was asked too often"),
        (503, "HTTP 503"),
        (302, "HTTP 302"),
        (599, "HTTP 599"),
    ],
)
def test_any_answer_but_200_is_a_reason(exchange: tuple[HTTPServer, dict[str, Any]], status: int, why: str) -> None:
    server, told = exchange
    told["status"] = status
    url = f"http://127.0.0.1:{server.server_port}/fapi/v1/exchangeInfo"
    assert checks.read_exchange_info(url) == f"{url} answers {why}"
    assert told["asked"][0] == "/fapi/v1/exchangeInfo"
    assert told["asked"][1].startswith("market-data-availability/")


@pytest.mark.parametrize("pause", ["headers", "body"])
def test_an_answer_that_dribbles_is_late_however_steadily(
    exchange: tuple[HTTPServer, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, pause: str
) -> None:
    monkeypatch.setattr(exchange_info, "DEADLINE_SECONDS", 0.3)
    server, told = exchange
    told["pause"] = pause
    url, began = f"http://127.0.0.1:{server.server_port}/", time.monotonic()
    try:
        assert checks.read_exchange_info(url) == f"{url} gives no whole answer within 0.3 s"
        assert time.monotonic() - began < 20  # and it would have come for ever
    finally:
        told["over"].set()


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_too_large_is_not_read_to_its_end(
    exchange: tuple[HTTPServer, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    monkeypatch.setattr(exchange_info, "MOST_BYTES", 2_000_000)
    server, told = exchange
    told |= {"body": json.dumps(SAMPLE) + " " * 4_000_000, "packed": packed}
    url = f"http://127.0.0.1:{server.server_port}/"
    assert checks.read_exchange_info(url) == f"{url} has more than 2 MB"
    told["body"] = json.dumps(SAMPLE)
    assert isinstance(checks.read_exchange_info(url), ExchangeInfo)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/info", "the connection is refused"),
        ("http://no-such-host.invalid/info", "the host name cannot be resolved"),
        ("http://", "LocationValueError"),
    ],
)
def test_no_answer_is_a_reason(url: str, why: str) -> None:
    assert checks.read_exchange_info(url) == f"{url} gives no answer ({why})"


# -- the command -----------------------------------------------------------------------------------


def report(run: Run, *arguments: str, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("check", "--json", *arguments, code=code).stdout)
    return answer


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    return {each["code"]: each["outcome"] for each in answer["checks"]}


@pytest.mark.long
def test_a_sound_warehouse_has_no_error_whatever_collected_it(filled: Run, archive: Replica) -> None:
    archive.edit("reupload", symbol="BTCUSDT", day="2024-01-15", size=50_000)
    archive.edit("remove", symbol="ETHUSDT", day="2024-01-15")
    for command in (["update", "--method", "head"], ["backfill", "--full"], ["update"], ["probe"], ["export"]):
        filled(*command)
    answer = report(filled)
    assert answer["open_errors"] == 0
    assert [code for code, said in outcomes(answer).items() if said == "not checked"] == ["A502", "A503", "A504"]
    assert outcomes(answer)["A501"] == "passed"


def test_the_shape_of_the_report(filled: Run) -> None:
    with duckdb.connect("warehouse.duckdb") as con:
        con.execute(
            "UPDATE day_files SET has_checksum = date NOT IN ('2024-01-05', '2024-01-06') OR symbol <> 'ETHUSDT'"
        )
    answer = report(filled)
    assert (answer["dataset"], answer["today"]) == (DATASET, str(TODAY))
    assert list(answer) == [
        "dataset",
        "today",
        "open_errors",
        "open_warnings",
        "not_checked",
        "open_findings",
        "checks",
    ]
    assert [each["code"] for each in answer["checks"]] == [check.code for check in CATALOGUE]
    bare = next(each for each in answer["checks"] if each["code"] == "A301")
    assert (bare["name"], bare["severity"], bare["outcome"]) == ("no_checksum", "warning", "found")
    days = {"first_day": "2024-01-05", "last_day": "2024-01-06"}
    expected = {"code": "A301", "severity": "warning", "symbol": "ETHUSDT", **days, "detail": "2 file(s)"}
    assert bare["findings"] == [expected]
    assert (answer["open_errors"], answer["open_warnings"], answer["open_findings"]) == (0, 1, {"A301": 1})
    assert "22 checks: " in filled("check").stdout
    assert report(filled) == answer


def test_an_error_makes_exit_code_1_and_names_itself(filled: Run) -> None:
    with duckdb.connect("warehouse.duckdb") as con:
        con.execute("INSERT INTO day_files FROM day_files WHERE symbol = 'BTCUSDT'")
    result = filled("check", code=1)
    assert "A401 duplicate            1,480 errors: Something that must be there once" in result.stdout
    assert "     BTCUSDT 2020-01-01: the same day file 2 times\n" in result.stdout
    assert "     and 1,475 more; --json has all." in result.stdout
    assert "Error: Errors found: A401 (1,480)" in result.stderr
    answer = report(filled, code=1)
    assert len(next(each["findings"] for each in answer["checks"] if each["code"] == "A401")) == 1480


@pytest.mark.long
def test_a_published_file_of_other_facts_or_of_other_make_is_not_compared(filled: Run) -> None:
    assert "A501 published counts     not checked: there is no published file at" in filled("check").stdout
    filled("export")
    assert "A501 published counts     passed (1,680 files of 6 symbols)" in filled("check").stdout
    with sqlite3.connect("site/availability.db") as site:
        site.execute("DELETE FROM day_file_codes WHERE date = '2024-01-19'")
    assert "A501 (4)" in filled("check", code=1).stderr
    filled("update")
    assert (
        "A501 published counts     not checked: site/availability.db was built from facts of" in filled("check").stdout
    )


def test_a_published_file_that_is_there_and_cannot_be_read_is_an_error(filled: Run) -> None:
    filled("export")
    path = Path("site/availability.db")
    whole = path.read_bytes()
    with sqlite3.connect(path) as site:
        site.execute("DELETE FROM build")
    nameless = path.read_bytes()
    for content in (b"something else", b"", whole[: len(whole) // 2], nameless):
        path.write_bytes(content)
        result = filled("check", code=1)
        assert "A501 published counts     1 error: The published file does not hold" in result.stdout
        assert "     site/availability.db cannot be read as a published file (" in result.stdout
        assert "Errors found: A501 (1)." in result.stderr
    assert outcomes(report(filled, code=1))["A501"] == "found"


def test_the_exchange_is_asked_only_when_told_to(filled: Run, exchange: tuple[HTTPServer, dict[str, Any]]) -> None:
    server, told = exchange
    url = f"http://127.0.0.1:{server.server_port}/"
    assert "A502 exchange recall      not checked: --exchange-info is not given" in filled("check").stdout
    assert "asked" not in told
    assert f"passed (2 of 2 that trade have a file of {LAST})" in filled("check", "--exchange-info", url).stdout
    told["status"] = 451
    answer = report(filled, "--exchange-info", url)
    assert [outcomes(answer)[code] for code in judge.EXCHANGE] == ["not checked"] * 3
    assert "HTTP 451" in next(each["not_checked"] for each in answer["checks"] if each["code"] == "A502")
    told |= {"status": 200, "body": "[" * 200_000}
    assert outcomes(report(filled, "--exchange-info", url))["A401"] == "passed"
    told |= {"status": 200, "body": json.dumps({"symbols": [contract("BTCUSDT"), contract("ADAUSDT")]})}
    assert "A502 (1)" in filled("check", "--exchange-info", url, code=1).stderr


def test_without_a_value_the_public_address_is_meant(filled: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(checks, "read_exchange_info", lambda source: asked.append(source) or "no network")
    for arguments in (["--exchange-info"], ["--exchange-info", "--json"]):
        filled("check", *arguments)
    assert asked == [checks.EXCHANGE_INFO_URL] * 2


def test_before_the_first_listing_nothing_is_checked_and_nothing_passes(run: Run) -> None:
    run("discover")
    answer = report(run)
    assert set(outcomes(answer).values()) == {"not checked"}
    assert answer["not_checked"] == len(CATALOGUE)


def test_findings_are_published_as_text_in_the_order_of_the_catalogue(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, Case({"A": ["xc.x"]}, [], known="B"))
    rows = checks.as_rows(checks.run_checks(con, DATASET, day(4)), DATASET)
    assert [tuple(row.values()) for row in rows] == [
        ("A103", "warning", "B", None, None, "known since 2024-01-21", DATASET),
        ("A301", "warning", "A", "2024-01-02", "2024-01-02", "1 file(s)", DATASET),
    ]
    with open_warehouse(Path(":memory:")) as empty:
        assert checks.as_rows(checks.run_checks(empty, DATASET, day(4)), DATASET) == []


# -- the catalogue ---------------------------------------------------------------------------------


def test_every_code_has_its_sql_and_every_sql_its_code() -> None:
    files = {path.stem for path in (ROOT / "etl" / "sql" / "checks").iterdir()}
    assert files == {f"{check.code}_{check.name}" for check in CATALOGUE}
    assert len(BY_CODE) == len(CATALOGUE)
    assert [check.code for check in CATALOGUE] == sorted(BY_CODE)


def test_every_code_has_a_table_that_begins_with_a_clean_case() -> None:
    assert [*TABLES, "A501", "A502", "A503", "A504"] == [check.code for check in CATALOGUE]
    assert all(cases[0].found == [] and any(case.found for case in cases) for cases in TABLES.values())


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda check: check.code)
def test_every_code_is_documented_with_its_severity_and_sentence(check: checks.Check) -> None:
    sections = re.findall(r"^## (A\d{3}) (.*)\n\n(.*)$", (ROOT / "docs" / "checks.md").read_text(), re.MULTILINE)
    expected = (check.code, check.name.replace("_", " "), f"**{check.severity}**: {check.sentence}")
    assert sections[CATALOGUE.index(check)] == expected
    assert len(sections) == len(CATALOGUE)
