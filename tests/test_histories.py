"""Random histories of listings, HEADs and failures, each beside what a slow and obvious reference says of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.recording import record_enumeration, record_failures, record_listings
from etl.records import Failure, Head, Listing, Probe
from etl.warehouse import open_warehouse, worked_out
from tests.drawn import DATASET, SIZES, day, enumeration, listing, moment
from tests.oracle import counted, held, known_after, oracle, runs_between, spans_of, was_there
from tests.test_conditions import counts, found_gaps, found_spans, said

SYMBOLS = ("A", "ASETTLED", "B", *(f"M{number:02}" for number in range(10)))
TELLS_NOTHING = [(200, "a web page"), (404, "is this the right host?"), (503, "SlowDown"), (None, "no answer")]


class Look(NamedTuple):
    """One look at a symbol; in the picture of HEADs ``?`` is an answer that tells nothing."""

    how: str  # list | head | fail
    symbol: str
    picture: str

    @property
    def known(self) -> str:
        """What it adds to what is known."""
        return "_" * len(self.picture) if self.how == "fail" else self.picture.replace("?", "_")


@st.composite
def histories(draw: Any) -> list[Look]:
    width = draw(st.integers(4, 22))
    files = {"A": "xxxxffs.", "ASETTLED": "xf...", "B": "xxxxz..", "M": "xxxxxxxx."}
    looks = []
    for _ in range(draw(st.integers(1, 7))):
        how, name = draw(st.sampled_from(["list", "list", "head", "fail"])), draw(st.sampled_from(sorted(files)))
        marks = files[name].replace("z", "") + "??" if how == "head" else files[name]
        begin, end = sorted(draw(st.integers(0, width - 1)) for _ in range(2))
        inside = draw(st.text(marks, min_size=end - begin + 1, max_size=end - begin + 1))
        picture = "_" * begin + inside + "_" * (width - end - 1)
        looks += [Look(how, each, picture) for each in SYMBOLS if each == name or each[:1] == name == "M"]
    return looks


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Path(":memory:")) as con:
        yield con


def record(con: duckdb.DuckDBPyConnection, look: Look, at: int) -> None:
    """Record one look as the program does."""
    if look.how == "fail":
        failure = Failure(look.symbol, day(0), day(at), "p/", "", moment(at), moment(at), "http://l", 503, "SlowDown")
        record_failures(con, DATASET, [failure])
    elif look.how == "list":
        record_listings(con, DATASET, [listing(look.symbol, look.picture, at=at)])
    else:
        record_listings(con, DATASET, list(heads(look, at)), list(probes(look, at)))


def heads(look: Look, at: int) -> Iterator[Listing]:
    """Yield the runs of days that HEADs told of."""
    for run in re.finditer(r"[^_?]+", look.picture):
        part = "_" * run.start() + run[0] + "_" * (len(look.picture) - run.end())
        seen = listing(look.symbol, part, at=at)
        yield seen._replace(method="head", files=seen.files._replace(checksums="," * (seen.files.number - 1)))


def probes(look: Look, at: int) -> Iterator[Probe]:
    for n, mark in enumerate(look.picture):
        if mark == "_":
            continue
        status, error = TELLS_NOTHING[n % 4] if mark == "?" else (200 if held(mark) else 404, None)
        size = str(SIZES[mark]) if held(mark) else None
        yield Probe(look.symbol, day(n), Head("http://f", moment(at), status, size, None, None, error))


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories())
def test_what_is_judged_agrees_with_the_oracle(con: duckdb.DuckDBPyConnection, looks: list[Look]) -> None:
    for table in ("listings", "symbols", "day_files", "revisions", "probes", "archives"):
        con.execute(f"DELETE FROM {table}")
    record_enumeration(con, DATASET, enumeration(*SYMBOLS), listing_url="http://l", files_url="http://f")
    width = len(looks[0].picture)
    for number, look in enumerate(looks):
        record(con, look, width + number)
    known = known_after([(look.symbol, look.known) for look in looks])
    expected = oracle(known)
    with worked_out(con):
        assert said(con, width) == expected
        assert counts(con) == counted(known, expected)
        assert found_spans(con) == {(symbol, *run) for symbol in expected for run in spans_of(known[symbol])}
        assert found_gaps(con) == {
            (symbol, run) for symbol, letters in expected.items() for run in runs_between(letters, known[symbol])
        }
        assert born(con) == {
            (symbol, day(first))
            for symbol, picture in known.items()
            if (first := first_file(picture)) is not None and first > 0 and picture[first - 1] != "_"
        }
        assert availability(con) == {
            (symbol, day(n), held(mark))
            for symbol, picture in known.items()
            if (first := first_file(picture)) is not None
            for n, mark in enumerate(picture)
            if n >= first and mark != "_"
        }


def first_file(picture: str) -> int | None:
    return next((n for n, mark in enumerate(picture) if was_there(mark)), None)


def born(con: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    return set(con.execute("SELECT symbol, date FROM births").fetchall())


def availability(con: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    return set(con.execute("SELECT symbol, date, available FROM daily_availability").fetchall())
