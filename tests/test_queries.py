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
from tests.asked import Asked, query
from tests.drawn import DATASET, day, enumeration, listing
from tests.oracle import after_the_end, known_after, oracle

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
        ("datasets", queries.DatasetRow),
        ("vault_days", queries.VaultDayRow),
    ],
)
def test_the_columns_of_a_question_are_the_fields_of_its_rows(
    published: sqlite3.Connection, question: str, row: type[Any]
) -> None:
    values = dict.fromkeys(("date", "symbol", "start", "end", "since", "dataset"))
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


@pytest.mark.long
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
    columns = ("date", "symbol", "file_size_bytes", "condition", "reason", "dataset")
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


def looks_of(dice: random.Random, name: str) -> list[str]:
    """Draw one to three looks at a symbol, each at a part of the days; a later one may find files gone."""
    marks = dice.choice(["xxxx.", "xxxxffff..", "xfx."])
    looks = []
    for _ in range(dice.randint(1, 3)):
        begin, end = sorted(dice.sample(range(WIDTH), 2)) if name[1:3] != "00" else (0, WIDTH)
        looks.append("_" * begin + "".join(dice.choices(marks, k=end - begin)) + "_" * (WIDTH - end))
    return looks


NAMES = [f"S{number:02}USD{'CT'[number % 3 > 0]}{'_240329' * (number % 7 == 6)}" for number in range(40)]
LOOKS = {name: looks_of(_DICE, name) for name in NAMES}
KNOWN = known_after([(name, look) for name in NAMES for look in LOOKS[name]])
LETTERED = {name: after_the_end(letters) for name, letters in oracle(KNOWN).items()}
places = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, WIDTH - 1)).map(sorted)


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A published file of symbols that were looked at on some days only."""
    folder = tmp_path_factory.mktemp("partly")
    with open_writing(folder / "warehouse.duckdb") as con:
        everyone = enumeration(*NAMES, "NEVERUSDT")
        record_enumeration(con, DATASET, everyone, listing_url="http://l", files_url="http://f")
        for number in range(3):
            seen = [listing(name, LOOKS[name][number], at=WIDTH + number) for name in NAMES if LOOKS[name][number:]]
            record_listings(con, DATASET, seen)
        export_site(con, folder / "availability.db", today=day(WIDTH))
    with queries.open_published(folder / "availability.db") as site:
        yield site


def lacking(name: str, first: int, last: int) -> tuple[int, int]:
    """Count the days of a range whose file is missing, and those that nobody looked at, day by day."""
    letters, picture = LETTERED[name], KNOWN[name]
    begin = letters.index(letters.lstrip("-")[0])
    unborn = begin
    while unborn and picture[unborn - 1] == "_":
        unborn -= 1
    asked = letters[first : last + 1]
    return sum(map(asked.count, "gmv")), asked.count("?") + sum(first <= n <= last for n in range(unborn, begin))


@pytest.mark.long
@relaxed
@given(
    asked=places,
    least=st.sampled_from([0, 0.5, 0.9, 1]),
    quote=st.sampled_from([None, "USDT", "USDC"]),
    kind=st.sampled_from([None, "perpetual", "delivery"]),
    flat=st.booleans(),
)
def test_a_universe_agrees_with_the_oracle(
    partly: sqlite3.Connection, asked: list[int], least: float, quote: str | None, kind: str | None, *, flat: bool
) -> None:
    first, last = asked
    found = queries.universe(
        partly, day(first), day(last), min_completeness=least, exclude_flat=flat, quote=quote, kind=kind
    )
    expected = {}
    for name, letters in LETTERED.items():
        held = [n for n in range(first, last + 1) if letters[n] in "afcs"]
        flat_days = sum(letters[n] == "f" for n in held)
        if not held or quote not in {None, name[3:7]} or kind not in {None, "delivery" if "_" in name else "perpetual"}:
            continue
        missing, unlooked = lacking(name, first, last)
        if len(held) / (len(held) + missing + unlooked) >= least and (flat_days < len(held) or not flat):
            expected[name] = (day(held[0]), day(held[-1]), len(held), missing, flat_days, unlooked)
    assert {row.symbol: (*row[1:6], row.days_not_looked) for row in found} == expected
    assert all(row.completeness < 1 for row in found if row.days_missing or row.days_not_looked)


# -- what nobody looked at -----------------------------------------------------------------------------


@relaxed
@given(places)
def test_unlooked_symbols_are_those_with_a_day_that_no_listing_covers(
    partly: sqlite3.Connection, asked: list[int]
) -> None:
    first, last = asked
    expected = [name for name in NAMES if "_" in KNOWN[name][first : last + 1]]
    assert queries.unlooked(partly, day(first), day(last)) == sorted([*expected, "NEVERUSDT"])


def test_a_birth_is_told_only_where_somebody_looked_before_it(partly: sqlite3.Connection) -> None:
    births = {}
    for name, picture in KNOWN.items():
        first = next((n for n, mark in enumerate(picture) if mark not in "._"), 0)
        if first and picture[first - 1] != "_" and set(picture) - set("._v"):
            births[name] = day(first)
    found = [row.symbol for row in queries.new(partly, day(0), day(WIDTH - 1))]
    assert found == sorted(births, key=lambda name: (births[name], name))
    assert 3 < len(found) < len(NAMES) - 3


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file in which one symbol is known of days 5, 6 and 9, another on days 5 and 6 alone."""
    folder = tmp_path_factory.mktemp("late")
    with open_writing(folder / "warehouse.duckdb") as con:
        everyone = enumeration("AUSDT", "BUSDT", "CUSDT")
        record_enumeration(con, DATASET, everyone, listing_url="http://l", files_url="http://f")
        for name, picture in (("AUSDT", "_____xx"), ("AUSDT", "_________x"), ("BUSDT", "_____x.")):
            record_listings(con, DATASET, [listing(name, picture, at=10)])
        export_site(con, folder / "availability.db", today=day(10))
    return folder


ASK_LATE = [
    (4, 4, "Nobody has looked at 2024-01-05: `availability backfill` lists what is not covered."),
    (0, 3, "Nobody has looked at from 2024-01-01 to 2024-01-04"),
    (8, 8, "Nobody has looked at 2024-01-09"),
]


@pytest.mark.parametrize("warehouse", [False, True], ids=["published", "warehouse"])
@pytest.mark.parametrize(("first", "last", "sentence"), ASK_LATE)
def test_days_that_no_listing_covers_have_no_answer(
    late: Path, first: int, last: int, sentence: str, *, warehouse: bool
) -> None:
    for question in (["snapshot", str(day(first))], ["range", str(day(first)), str(day(last))]):
        if question[0] == "range" or first == last:
            told = query(Asked(late, late / "warehouse.duckdb"), *question, code=2, warehouse=warehouse).stderr
            assert sentence in told


@pytest.mark.parametrize("warehouse", [False, True], ids=["published", "warehouse"])
def test_the_answer_says_on_stderr_how_many_symbols_it_does_not_know(late: Path, *, warehouse: bool) -> None:
    def told(*question: str) -> str:
        return query(Asked(late, late / "warehouse.duckdb"), *question, warehouse=warehouse).stderr

    assert told("snapshot", "2024-01-06") == "1 of 3 symbols were not looked at on 2024-01-06.\n"
    assert told("snapshot", "2024-01-10", "--json") == "2 of 3 symbols were not looked at on 2024-01-10.\n"
    assert told("range", "2024-01-01", "2024-01-06", "--csv").startswith(
        "3 of 3 symbols were not looked at on all days"
    )
    assert told("universe", "--date", "2024-01-07") == "1 of 3 symbols were not looked at on 2024-01-07.\n"


def test_a_range_that_begins_before_anybody_looked_counts_it_against_completeness(late: Path) -> None:
    with queries.open_published(late / "availability.db") as con:
        rows = queries.universe(con, day(3), day(9))
        assert [(row.symbol, row.days_held, row.days_not_looked, row.completeness) for row in rows] == [
            ("AUSDT", 3, 4, round(3 / 7, 6)),
            ("BUSDT", 1, 5, round(1 / 6, 6)),
        ]
        assert queries.universe(con, day(3), day(9), min_completeness=1) == []
        assert queries.new(con, day(3), day(9)) == []


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
