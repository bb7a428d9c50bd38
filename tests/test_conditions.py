"""The condition of every day: drawn examples from the docs, and a slow obvious oracle for random histories."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.recording import record_enumeration, record_listings
from etl.warehouse import VIEWS, open_warehouse, sql, worked_out
from tests.drawn import DATASET, FIRST, SIZES, Drawing, alike, day, drawings, enumeration, listing

PAGE = Path(__file__).parent.parent / "docs" / "conditions.md"
DRAWINGS = drawings(PAGE.read_text(encoding="utf-8"))
LETTERS = {
    ("available", None): "a",
    ("available", "flat"): "f",
    ("degraded", "no_checksum"): "c",
    ("degraded", "small_file"): "s",
    ("missing", "symbol_gap"): "g",
    ("missing", "market_gap"): "m",
    ("missing", "relist_break"): "r",
    ("missing", "ended"): "e",
    ("pending", "not_published_yet"): "p",
    (None, "not_looked"): "?",
}


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


def test_a_late_archive_is_given_more_patience(con: duckdb.DuckDBPyConnection) -> None:
    draw(con, [("A", "xxxxxxxxxx"), ("B", "xxxxx.....")])
    assert said(con, 10)["B"] == "aaaaaeeeee"
    con.execute("UPDATE day_files SET last_modified = date + INTERVAL 75 HOURS")  # 51 hours after the end of the day
    assert con.execute("SELECT usual_hours FROM publication").fetchall() == [(51.0,)]
    assert said(con, 10)["B"] == "aaaaappppp"


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


# -- the oracle ------------------------------------------------------------------------------------

Known = dict[str, str]


def held(mark: str) -> bool:
    return mark in SIZES


def oracle(known: Known) -> dict[str, str]:
    """Say the letters of every symbol, day by day, in the most obvious way."""
    published = market(known)
    newest = max((n for picture in known.values() for n, mark in enumerate(picture) if mark != "_"), default=-1)
    return {
        symbol: "".join(letter(known, symbol, n, published) if n <= newest else "-" for n in range(len(picture)))
        for symbol, picture in known.items()
        if any(map(held, picture))
    }


def market(known: Known) -> list[bool]:
    """Tell the days on which the market published."""
    columns = list(zip(*known.values(), strict=True))
    files = [sum(map(held, column)) for column in columns]
    looked = [sum(mark != "_" for mark in column) for column in columns]
    shares = {n: files[n] / looked[n] for n in range(len(columns)) if files[n]}
    published = []
    for n in range(len(columns)):
        near = [*[m for m in shares if m < n][-10:], *[m for m in shares if m > n][:10]]
        usual = round(median([shares[m] for m in near]) * looked[n], 6) if near else files[n]
        published.append(usual < 10 or files[n] >= usual / 2)
    return published


def letter(known: Known, symbol: str, n: int, published: list[bool]) -> str:
    picture = known[symbol]
    first, last = (f(m for m, mark in enumerate(picture) if held(mark)) for f in (min, max))
    if n < first:
        return "-"
    if held(picture[n]):
        return of_file(picture, n)
    if picture[n] == "_":
        return "?"
    if n < last:
        return of_hole(known, symbol, n, published=published[n])
    return of_tail(picture, n, last, published)


def of_file(picture: str, n: int) -> str:
    days = [m for m, mark in enumerate(picture) if held(mark)]
    sizes = [SIZES[picture[m]] for m in days]
    here = days.index(n)
    low = [0 < size < 10_000 for size in sizes]
    beside_low = (here > 0 and low[here - 1]) or (here + 1 < len(low) and low[here + 1])
    inside = 0 < here < len(days) - 1 and days[here - 1] == n - 1 and days[here + 1] == n + 1
    around = [sizes[k] for k in range(max(here - 7, 0), min(here + 8, len(days))) if k != here and sizes[k] >= 10_000]
    thin = len(around) >= 3 and sizes[here] < 0.4 * sum(around) / len(around)
    flat = is_flat(picture, n)
    if sizes[here] == 0 or (not flat and inside and thin and (low[here] or not beside_low)):
        return "s"
    if picture[n] in "cC":
        return "c"
    return "f" if flat else "a"


def is_flat(picture: str, n: int) -> bool:
    """Tell whether a file is one of three of flat size in a row, whatever else is said of it."""
    days = [m for m, mark in enumerate(picture) if held(mark)]
    low = [0 < SIZES[picture[m]] < 10_000 for m in days]
    here = days.index(n)
    return any(all(low[k : k + 3]) for k in range(here - 2, here + 1) if k >= 0 and k + 3 <= len(low))


def of_hole(known: Known, symbol: str, n: int, *, published: bool) -> str:
    picture = known[symbol]
    before = max(m for m in range(n) if held(picture[m]))
    after = min(m for m in range(n, len(picture)) if held(picture[m]))
    if not published:
        return "m"
    for twin in known:
        ends = [m for m, mark in enumerate(known[twin]) if held(mark)]
        if twin in {f"{symbol}SETTLED", f"{symbol}_SETTLED"} and ends and before + 1 - 7 <= ends[-1] <= after - 1 + 7:
            return "r"
    if set(picture[before - 2 : before + 1]) <= {*"fC"} and before >= 2 and SIZES[picture[after]] >= 10_000:
        return "r"
    return "g"


def of_tail(picture: str, n: int, last: int, published: list[bool]) -> str:
    looked = [m for m in range(last + 1, len(picture)) if picture[m] == "."]
    if sum(published[m] for m in looked) > 3:
        return "e"
    return "p" if published[n] or n > looked[-1] - 3 else "m"


def known_after(seen: list[tuple[str, str]]) -> Known:
    """Lay the listings over each other, the newest on top."""
    known: Known = {}
    for symbol, picture in seen:
        under = known.get(symbol, "_" * len(picture))
        known[symbol] = "".join(a if b == "_" else b for a, b in zip(under, picture, strict=True))
    return known


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
        assert states(con) == {symbol: state(letters, known[symbol]) for symbol, letters in expected.items()}


def counts(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    columns = "files, missing, listed, available, degraded, pending, flat, ended"
    return con.execute(f"SELECT date, {columns} FROM daily_counts ORDER BY date").fetchall()


def counted(known: Known, expected: dict[str, str]) -> list[tuple[Any, ...]]:
    """Count the letters of each day from the first held one on."""
    columns = list(zip(*expected.values(), strict=True))
    shown = [n for n, column in enumerate(columns) if set(column) != {"-"}]
    rows = []
    for n in shown:
        is_held = [symbol for symbol in expected if held(known[symbol][n])]
        extent = [
            symbol
            for symbol in expected
            if any(map(held, known[symbol][: n + 1])) and any(map(held, known[symbol][n:]))
        ]
        available = sum(columns[n].count(mark) for mark in "af")
        missing = sum(columns[n].count(mark) for mark in "gmr")
        flat = sum(is_flat(known[symbol], n) for symbol in is_held)
        pending, ended = columns[n].count("p"), columns[n].count("e")
        listed, degraded = len(extent) + pending, len(is_held) - available
        rows.append((day(n), len(is_held), missing, listed, available, degraded, pending, flat, ended))
    return rows


def found_gaps(con: duckdb.DuckDBPyConnection) -> set[tuple[str, tuple[dt.date, dt.date, str]]]:
    found = con.execute("SELECT symbol, first_day, last_day, reason FROM gaps").fetchall()
    return {(symbol, (first, last, reason)) for symbol, first, last, reason in found}


def runs_between(letters: str, picture: str) -> list[tuple[dt.date, dt.date, str]]:
    """Return the runs of one kind of missing day before the last file."""
    reasons = {mark: reason for (condition, reason), mark in LETTERS.items() if condition == "missing" and reason}
    last = max(n for n, mark in enumerate(picture) if held(mark))
    runs = []
    for n, mark in enumerate(letters[:last]):
        if mark in reasons and (n == 0 or letters[n - 1] != mark):
            end = next(m for m in range(n, len(letters)) if letters[m] != mark) - 1
            runs.append((day(n), day(end), reasons[mark]))
    return runs


def states(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT symbol, state FROM extents").fetchall())


def state(letters: str, picture: str) -> str:
    if "e" in letters:
        return "ended"
    if is_flat(picture, max(n for n, mark in enumerate(picture) if held(mark))):
        return "flat"
    return "pending" if "p" in letters else "trading"
