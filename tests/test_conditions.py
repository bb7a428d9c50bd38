"""The condition of every day: drawn examples from the docs, and a slow obvious oracle for random histories."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.recording import record_enumeration, record_listings
from etl.warehouse import VIEWS, open_warehouse, sql, worked_out
from tests.drawn import DATASET, FIRST, Drawing, alike, day, drawings, enumeration, listing
from tests.oracle import LETTERS, counted, held, known_after, newest_day, oracle, runs_between, spans_of, state

PAGE = Path(__file__).parent.parent / "docs" / "conditions.md"
DRAWINGS = drawings(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Path(":memory:")) as con:
        yield con


def draw(con: duckdb.DuckDBPyConnection, seen: list[tuple[str, str]]) -> None:
    """Record drawn listings, each a little later than the one before, in an emptied warehouse."""
    for table in ("listings", "symbols", "day_files", "revisions", "strangers", "archives"):
        con.execute(f"DELETE FROM {table}")
    everyone = enumeration(*{symbol for symbol, _ in seen})
    record_enumeration(con, DATASET, everyone, listing_url="http://l", files_url="http://f")
    rounds: list[dict[str, str]] = []
    for symbol, picture in seen:
        place = next((each for each in rounds if symbol not in each), None)
        if place is None or any(symbol in each for each in rounds[rounds.index(place) :]):
            rounds.append(place := {})
        place[symbol] = picture
    for number, pictures in enumerate(rounds):
        looks = [listing(name, each, at=len(each) + number) for name, each in pictures.items() if each.strip("_")]
        record_listings(con, DATASET, looks)


def said(con: duckdb.DuckDBPyConnection, width: int) -> dict[str, str]:
    """Return the letters of every day of each symbol; ``-`` where there is no row."""
    found: dict[str, list[str]] = {}
    for symbol, date, condition, reason in con.execute(
        "SELECT symbol, date, condition, reason FROM conditions ORDER BY symbol, date"
    ).fetchall():
        letters = found.setdefault(symbol, ["-"] * width)
        place = (date - FIRST).days
        assert letters[place] == "-", f"{symbol} has two rows on {date}"
        letters[place] = LETTERS[condition, reason]
    return {symbol: "".join(letters) for symbol, letters in found.items()}


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.title)
def test_the_docs_say_what_the_views_say(con: duckdb.DuckDBPyConnection, drawing: Drawing) -> None:
    draw(con, drawing.seen)
    assert said(con, max(len(picture) for _, picture in drawing.seen)) == drawing.said


@pytest.mark.parametrize(
    ("seen", "letters"),
    [
        # seven held days on either side count, an eighth does not
        ({"A": "xzzzzzzsxxz"}, {"A": "asssssssaas"}),
        ({"A": "xzzzzzzzsxxz"}, {"A": "asssssssaaas"}),
        ({"A": "zxxszzzzzzx"}, {"A": "saasssssssa"}),
        # an empty file is doubtful at the edge too, and a small one in an otherwise calm symbol
        ({"A": "zxxxz"}, {"A": "saaas"}),
        ({"A": "xxxxsxxxx"}, {"A": "aaaasaaaa"}),
        # exactly half of the usual files: the market published
        ({"M*7": "xxxxxxxx", "N*7": "xxxx.xxx"}, {"M*7": "aaaaaaaa", "N*7": "aaaagaaa"}),
        ({"M*6": "xxxxxxxx", "N*7": "xxxx.xxx"}, {"M*6": "aaaaaaaa", "N*7": "aaaamaaa"}),
        # seven days between a SETTLED folder and the hole, and no more; every spelling of it
        ({"A": "xxxxxxx..xx", "A_SETTLED": "x.........."}, {"A": "aaaaaaarraa", "A_SETTLED": "aeeeeeeeeee"}),
        ({"A": "xxxxxxxx.xx", "ASETTLED": "x.........."}, {"A": "aaaaaaaagaa", "ASETTLED": "aeeeeeeeeee"}),
        ({"A": "x.xxxxxxxx", "ASETTLEDSETTLED": "........x."}, {"A": "araaaaaaaa", "ASETTLEDSETTLED": "--------ap"}),
        ({"A": "x.xxxxxxxxx", "ASETTLED": ".........x."}, {"A": "agaaaaaaaaa", "ASETTLED": "---------ap"}),
    ],
)
def test_the_thresholds_lie_where_the_docs_say(
    con: duckdb.DuckDBPyConnection, seen: dict[str, str], letters: dict[str, str]
) -> None:
    draw(con, [(symbol, picture) for name, picture in seen.items() for symbol in alike(name)])
    expected = {symbol: picture for name, picture in letters.items() for symbol in alike(name)}
    assert said(con, len(next(iter(seen.values())))) == expected


def test_every_condition_and_reason_is_drawn() -> None:
    letters = {letter for drawing in DRAWINGS for picture in drawing.said.values() for letter in picture}
    assert letters == {*LETTERS.values(), "-"}


def test_no_view_that_duckdb_2_writes_is_unreadable_for_1_4() -> None:
    offset = re.compile(r"\b(lag|lead)\([^()]*,", re.IGNORECASE)
    code = {view: "\n".join(line.partition("--")[0] for line in sql(f"views/{view}").splitlines()) for view in VIEWS}
    assert [view for view, text in code.items() if offset.search(text)] == []


def test_another_dataset_has_no_flat_files(con: duckdb.DuckDBPyConnection) -> None:
    draw(con, [("A", "xxxfffff")])
    con.execute("UPDATE day_files SET dataset = 'spot/klines/1m'")
    con.execute("UPDATE listings SET dataset = 'spot/klines/1m'")
    assert con.execute("SELECT DISTINCT reason FROM file_states WHERE reason = 'flat'").fetchall() == []


def test_an_unknown_checksum_is_not_an_absent_one(con: duckdb.DuckDBPyConnection) -> None:
    draw(con, [("A", "xcx")])
    con.execute("UPDATE day_files SET has_checksum = NULL WHERE NOT has_checksum")
    assert said(con, 3) == {"A": "aaa"}


@pytest.mark.parametrize(
    ("hours_late", "usual", "patience"),
    [(8, 8.0, 3), (23, 23.0, 3), (24, 24.0, 4), (51, 51.0, 5), (96, 96.0, 7), (167, 167.0, 7), (168, None, 3)],
)
def test_patience_grows_with_the_lag_and_not_without_end(
    con: duckdb.DuckDBPyConnection, hours_late: int, usual: float | None, patience: int
) -> None:
    draw(con, [("A", "x" * 20), ("B", "x" * 12 + "." * 8), ("C", "x" * (20 - patience) + "." * patience)])
    con.execute("UPDATE day_files SET last_modified = date + 1 + INTERVAL 1 HOUR * ?", [hours_late])
    assert con.execute("SELECT usual_hours, patience_days FROM publication").fetchall() == [(usual, patience)]
    found = said(con, 20)
    assert (found["B"][-1], found["C"][-patience:]) == ("e", "p" * patience)


def test_the_evidence_of_a_gap_is_the_newest_listing_that_saw_all_of_it(con: duckdb.DuckDBPyConnection) -> None:
    draw(con, [("A", "xx...xx..."), ("A", "xx...xx..."), ("A", "____.xx___"), ("B", "xxxxxxxxxx")])
    second, third = con.execute("SELECT listing_id, started_at FROM listings WHERE symbol = 'A' ORDER BY 1").fetchall()[
        1:
    ]
    proofs = (
        "SELECT first_day, last_day, days, reason, listing_id, looked_at FROM absences WHERE symbol = 'A' ORDER BY 1"
    )
    assert con.execute(proofs).fetchall() == [
        (day(2), day(4), 3, "symbol_gap", *second),
        (day(7), day(9), 3, "not_published_yet", *second),
    ]
    con.execute("DELETE FROM listings WHERE listing_id = ?", [second[0]])
    con.execute("UPDATE listings SET first_day = ? WHERE symbol = 'A' AND listing_id < ?", [day(3), third[0]])
    assert con.execute(proofs).fetchall()[0][:1] == (day(2),)


def test_the_tails_of_a_late_market_are_listed_as_missing_and_pending(con: duckdb.DuckDBPyConnection) -> None:
    crowd = [f"M{number:02d}" for number in range(12)]
    draw(con, [("A", "x" * 16), *((name, "x" * 10 + "." * 6) for name in crowd)])
    found = said(con, 16)
    assert {found[name] for name in crowd} == {"a" * 10 + "mmmppp"}
    rows = con.execute("SELECT files, missing, pending, listed FROM daily_counts ORDER BY date").fetchall()
    assert rows == [(13, 0, 0, 13)] * 10 + [(1, 12, 0, 13)] * 3 + [(1, 0, 12, 13)] * 3


def test_a_morning_before_its_first_files_makes_no_symbol_pending(con: duckdb.DuckDBPyConnection) -> None:
    draw(con, [*((name, "xxxxx.") for name in (f"M{n:02d}" for n in range(12))), ("LATE", "xxxx..")])
    assert states(con) == {**{f"M{n:02d}": "trading" for n in range(12)}, "LATE": "pending"}


# -- the oracle ---------------------------------------------------------------------------------------


@st.composite
def histories(draw_: Any) -> list[tuple[str, str]]:
    """Draw up to three looks at a market of alike symbols, at a symbol and at its settled twin."""
    width = draw_(st.integers(3, 40))
    texts = {
        "A": st.text(
            draw_(st.sampled_from(["xxxx.", "xxffffsC.", "xffff..", "xxxxxxsfcCz.", "xx..."])),
            min_size=width,
            max_size=width,
        ),
        "ASETTLED": st.text("xf....", min_size=width, max_size=width),
        "M": st.text("xxxxxxx.", min_size=width, max_size=width),
    }
    crowd = [f"M{number:02d}" for number in range(draw_(st.sampled_from([0, 2, 9, 12])))]
    seen = []
    for _ in range(draw_(st.integers(1, 3))):
        for name, texts_of in texts.items():
            begin, end = sorted((draw_(st.integers(0, width - 1)), draw_(st.integers(0, width - 1))))
            picture = "_" * begin + draw_(texts_of)[begin : end + 1] + "_" * (width - end - 1)
            if draw_(st.booleans()) or name == "A":
                seen += [(symbol, picture) for symbol in (crowd if name == "M" else [name])]
    return seen


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(histories())
def test_conditions_and_what_follows_agree_with_the_oracle(
    con: duckdb.DuckDBPyConnection, seen: list[tuple[str, str]]
) -> None:
    draw(con, seen)
    width = len(seen[0][1])
    known = known_after(seen)
    expected = oracle(known)
    with worked_out(con):
        assert said(con, width) == expected
        assert counts(con) == counted(known, expected)
        assert found_gaps(con) == {
            (symbol, run) for symbol, letters in expected.items() for run in runs_between(letters, known[symbol])
        }
        assert states(con) == {
            symbol: state(letters, known[symbol], newest_day(known))
            for symbol, letters in expected.items()
            if any(map(held, known[symbol]))
        }
        assert found_spans(con) == {(symbol, *run) for symbol in expected for run in spans_of(known[symbol])}


def counts(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    columns = "files, missing, listed, available, degraded, pending, flat, ended"
    columns += ", completeness, not_looked"
    return con.execute(f"SELECT date, {columns} FROM daily_counts ORDER BY date").fetchall()


def found_gaps(con: duckdb.DuckDBPyConnection) -> set[tuple[str, tuple[dt.date, dt.date, str]]]:
    found = con.execute("SELECT symbol, first_day, last_day, reason FROM gaps").fetchall()
    return {(symbol, (first, last, reason)) for symbol, first, last, reason in found}


def found_spans(con: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    return set(con.execute("SELECT symbol, first_day, last_day FROM timespans").fetchall())


def states(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT symbol, state FROM extents").fetchall())
