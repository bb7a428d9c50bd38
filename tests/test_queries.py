"""The Python API: its documented example, and answers beside a slow and obvious reference."""

import datetime as dt
import doctest
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl import queries
from etl.errors import UsageError
from etl.export import export_site
from etl.recording import record_enumeration, record_listings
from etl.warehouse import open_warehouse as open_writing
from etl.warehouse import sql
from tests.asked import Asked
from tests.drawn import DATASET, day, enumeration, listing

ROOT = Path(__file__).parent.parent
API = ROOT / "docs" / "api.md"
WIDTH = 40
_DICE = random.Random(4)
DRAWN = {f"S{number:02}USDT": "".join(_DICE.choices("x.", (3, 1), k=WIDTH)) for number in range(30)}
FIRST, LAST = dt.date(2023, 9, 1), dt.date(2024, 1, 20)
ranges = st.tuples(st.dates(FIRST, LAST), st.dates(FIRST, LAST)).map(lambda pair: (min(pair), max(pair)))
relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A published file of random pictures."""
    folder = tmp_path_factory.mktemp("drawn")
    with open_writing(folder / "warehouse.duckdb") as con:
        record_enumeration(con, DATASET, enumeration(*DRAWN), listing_url="http://l", files_url="http://f")
        record_listings(con, DATASET, [listing(symbol, picture) for symbol, picture in DRAWN.items()])
        export_site(con, folder / "availability.db", today=day(WIDTH))
    with queries.open_published(folder / "availability.db") as site:
        yield site


@pytest.fixture
def published(asked: Asked) -> Iterator[sqlite3.Connection]:
    with queries.open_published(asked.site_dir / "availability.db") as con:
        yield con


def test_the_documented_example_runs(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(asked.site_dir.parent)
    done = doctest.testfile(str(API), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 5
    assert done.failed == 0


def test_the_documented_questions_are_all_there_are() -> None:
    text = API.read_text(encoding="utf-8")
    functions = [name for name in queries.__all__ if name[0].islower()]
    assert [name for name in functions if f"`{name}(" not in text] == []


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("snapshot", queries.SnapshotRow),
        ("timeline", queries.TimelineRow),
        ("range", queries.RangeRow),
        ("coverage", queries.CoverageRow),
        ("timespans", queries.TimespanRow),
        ("gaps", queries.GapRow),
        ("new", queries.NewRow),
        ("ended", queries.EndedRow),
        ("summary", queries.SummaryRow),
        ("revisions", queries.RevisionRow),
        ("freshness", queries.FreshnessRow),
    ],
)
def test_the_columns_of_a_question_are_the_fields_of_its_rows(
    published: sqlite3.Connection, question: str, row: type[Any]
) -> None:
    values = dict.fromkeys(("date", "symbol", "start", "end", "since"))
    asked = published.execute(sql(f"ask/{question}"), values)
    assert tuple(name for name, *_ in asked.description) == row._fields


def test_every_question_in_sql_is_asked() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "etl" / "queries").glob("*.py"))
    questions = {path.stem for path in (ROOT / "etl" / "sql" / "ask").glob("*.sql")}
    assert {name for name in questions if f'"{name}"' not in code} == set()


# -- timespans and gaps --------------------------------------------------------------------------------


def runs(picture: str, mark: str) -> list[tuple[dt.date, dt.date]]:
    """Return the first and last day of each unbroken run of a mark."""
    places = [place for place, found in enumerate(picture) if found == mark]
    starts = [place for place in places if place - 1 not in places]
    ends = [place for place in places if place + 1 not in places]
    return [(day(start), day(end)) for start, end in zip(starts, ends, strict=True)]


def filled(picture: str, longest: int) -> str:
    """Draw files over every hole between two files that has at most so many days."""
    inside = picture.strip(".")
    for length in range(1, longest + 1):
        inside = inside.replace(f"x{'.' * length}x", f"x{'o' * length}x").replace(
            f"x{'.' * length}x", f"x{'o' * length}x"
        )
    begin = len(picture) - len(picture.lstrip("."))
    return picture[:begin] + inside + picture[begin + len(inside) :]


@relaxed
@given(st.sampled_from(sorted(DRAWN)), st.integers(0, 6))
def test_mergegaps_joins_over_short_gaps_and_leaves_them_out(
    drawn: sqlite3.Connection, symbol: str, mergegaps: int
) -> None:
    picture = filled(DRAWN[symbol], mergegaps)
    spans = queries.timespans(drawn, symbol, mergegaps)
    assert [span[1:3] for span in spans] == runs(picture.replace("o", "x"), "x")
    assert [span.days for span in spans] == [(span.last_day - span.first_day).days + 1 for span in spans]
    assert sum(span.days_held for span in spans) == DRAWN[symbol].count("x")
    left = [(gap.first_day, gap.last_day) for gap in queries.gaps(drawn, symbol, mergegaps)]
    begin, end = picture.index("x"), picture.rindex("x")
    assert left == runs("o" * begin + picture[begin:end] + "o" * (WIDTH - end), ".")


def test_all_symbols_together_are_each_alone(drawn: sqlite3.Connection) -> None:
    for question in (queries.timespans, queries.gaps):
        alone = [row for symbol in sorted(DRAWN) for row in question(drawn, symbol, 2)]
        assert question(drawn, None, 2) == alone


def test_mergegaps_is_never_negative(drawn: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="mergegaps is a number of days, 0 or more, not -1"):
        queries.gaps(drawn, mergegaps=-1)


# -- days ----------------------------------------------------------------------------------------------


@relaxed
@given(ranges)
def test_a_range_is_its_snapshots_and_its_timelines(
    published: sqlite3.Connection, days: tuple[dt.date, dt.date]
) -> None:
    start, end = days
    found = queries.date_range(published, start, end)
    some = {row.symbol for row in found}
    columns = ("date", "symbol", "file_size_bytes", "condition", "reason")
    timelines = [
        tuple(getattr(row, name) for name in columns)
        for symbol in some
        for row in queries.timeline(published, symbol, start, end)
    ]
    assert sorted(map(tuple, found)) == sorted(timelines)
    snapshot = [row.symbol for row in queries.snapshot(published, end)]
    assert [row.symbol for row in found if row.date == end] == snapshot


def test_days_and_moments_are_no_text(published: sqlite3.Connection) -> None:
    (row,) = queries.timeline(published, "BTCUSDT", LAST, LAST)
    assert row.date == LAST
    assert row.last_modified.tzinfo == dt.UTC


# -- universe ------------------------------------------------------------------------------------------


@relaxed
@given(
    days=ranges,
    least=st.sampled_from([0, 0.5, 0.9, 1]),
    quote=st.sampled_from([None, "USDT", "USDC"]),
    flat=st.booleans(),
)
def test_a_universe_agrees_with_the_oracle(
    published: sqlite3.Connection, days: tuple[dt.date, dt.date], least: float, quote: str | None, *, flat: bool
) -> None:
    found = queries.universe(published, *days, min_completeness=least, exclude_flat=flat, quote=quote, kind="perpetual")
    expected = {}
    for symbol in queries.coverage(published):
        held = [row for row in queries.timeline(published, symbol.symbol) if days[0] <= row.date <= days[1]]
        if not held or symbol.kind != "perpetual" or quote not in {None, symbol.quote}:
            continue
        lacking = [
            gap.first_day + dt.timedelta(days=number)
            for gap in queries.gaps(published, symbol.symbol)
            for number in range(gap.days)
        ]
        missing = sum(days[0] <= date <= days[1] for date in lacking)
        traded = [row for row in held if row.reason != "flat"]
        if len(held) / (len(held) + missing) >= least and (traded or not flat):
            expected[symbol.symbol] = (held[0].date, held[-1].date, len(held), missing, len(held) - len(traded))
    assert {row.symbol: row[1:6] for row in found} == expected


def test_a_universe_refuses_a_completeness_that_is_none(published: sqlite3.Connection) -> None:
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="a number from 0 to 1"):
            queries.universe(published, LAST, min_completeness=wrong)


def test_a_build_that_is_being_read_stays_the_same(asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "availability.db"
    path.write_bytes((asked.site_dir / "availability.db").read_bytes())
    with queries.open_published(path) as con:
        beside = tmp_path / "beside.db"
        sqlite3.connect(beside).close()
        beside.replace(path)
        assert len(queries.coverage(con)) == 11
