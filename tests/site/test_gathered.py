"""What the pages of days, coverage, changes and status gather, from a file that has some of everything."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from webapp.build import read_build
from webapp.pages import changes, coverage, day, status
from webapp.parameters import read
from webapp.refusals import Refusal
from webapp.routing import Asked as Question
from webapp.routing import Page

from tests.asked import NEVER_LISTED, Asked


@pytest.fixture
def con(asked: Asked) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{asked.site_dir / 'availability.db'}?mode=ro", uri=True)) as con:
        con.row_factory = sqlite3.Row
        yield con


def question(con: sqlite3.Connection, date: str = "", query: str = "") -> Question:
    build = read_build(con)
    values = read(query, coverage.PARAMETERS, con)
    return Question(con, {"date": date}, values, build, build.today, "https://here.example")


def a_day(con: sqlite3.Connection, date: str) -> Page:
    return day.day(question(con, date))


def names(con: sqlite3.Connection, query: str) -> list[str]:
    page = coverage.coverage(question(con, query=query))
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page.shown["rows"])


def test_a_day_says_who_is_missing_and_by_which_listing(con: sqlite3.Connection) -> None:
    shown = a_day(con, "2024-01-16").shown
    ((reason, rows),) = shown["absent"]
    assert (reason, [row["symbol"] for row in rows]) == ("symbol_gap", ["HOLEUSDT", "SOLUSDT"])
    assert all(row["listing_id"] and row["looked_at"] for row in rows)
    assert shown["held_count"] == shown["counts"]["files"] == 4
    assert [row["change"] for row in shown["revisions"]] == ["vanished"]


def test_a_day_says_who_is_new_and_who_has_gone(con: sqlite3.Connection) -> None:
    assert a_day(con, "2024-01-15").shown["first_files"] == ["HOLEUSDT", "SOLUSDT"]
    assert a_day(con, "2024-01-05").shown["last_files"] == ["WAVESUSDC"]
    assert [row["event"] for row in a_day(con, "2024-01-06").shown["events"]] == ["ended"]
    assert a_day(con, "2024-01-20").shown["last_files"] == [], "whoever is still there has not ended on the newest day"


def test_days_lead_to_each_other_as_far_as_anybody_looked(con: sqlite3.Connection) -> None:
    first, newest = a_day(con, "2020-01-01").shown, a_day(con, "2024-01-20").shown
    assert (first["previous"], first["following"]) == (None, "2020-01-02")
    assert (newest["previous"], newest["following"]) == ("2024-01-19", None)


def test_of_today_it_says_that_nobody_looked(con: sqlite3.Connection) -> None:
    shown = a_day(con, "2024-01-21").shown
    assert (shown["counts"], shown["held_count"], shown["newest"]) == (None, 0, "2024-01-20")


@pytest.mark.parametrize(
    ("date", "status_", "case"),
    [
        ("2024-02-30", 400, "bad_parameter"),
        ("2024-1-5", 400, "bad_parameter"),
        ("' OR 1", 400, "bad_parameter"),
        ("2019-12-31", 404, "no_data"),
        ("2024-01-22", 404, "no_data"),
    ],
)
def test_a_day_that_nobody_can_know_is_refused(con: sqlite3.Connection, date: str, status_: int, case: str) -> None:
    with pytest.raises(Refusal) as refused:
        a_day(con, date)
    assert (refused.value.status, refused.value.case) == (status_, case)


def test_the_coverage_has_every_symbol_once(con: sqlite3.Connection) -> None:
    page = coverage.coverage(question(con))
    everyone = [str(row[0]) for row in con.execute("SELECT symbol FROM symbols")]
    assert sorted([*names(con, ""), *page.shown["fileless"]]) == sorted(everyone)
    assert page.shown["fileless"] == sorted(NEVER_LISTED)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("quote=USDC", ["WAVESUSDC"]),
        ("kind=delivery", ["BTCUSDT_231229"]),
        ("kind=settled", ["BNXUSDTSETTLED"]),
        ("ended=yes&sort=symbol", ["BNXUSDTSETTLED", "BTCUSDT_231229", "WAVESUSDC"]),
        ("flat=yes", ["BLZUSDT"]),
        (
            "ended=no&flat=no&kind=perpetual&sort=completeness",
            ["HOLEUSDT", "SOLUSDT", "ETHUSDT", "BTCUSDT", "币安人生USDT"],
        ),
        ("kind=settled&quote=USDC", []),
    ],
)
def test_the_coverage_is_filtered_and_sorted(con: sqlite3.Connection, query: str, found: list[str]) -> None:
    assert names(con, query) == found


def test_by_default_it_is_the_staircase_of_listings(con: sqlite3.Connection) -> None:
    days = [str(row[0]) for row in con.execute("SELECT earliest FROM extents ORDER BY earliest")]
    page = coverage.coverage(question(con))
    assert re.findall(r"</a></td><td>(\d{4}-\d{2}-\d{2})</td>", page.shown["rows"]) == days


def test_links_to_another_order_keep_the_filters(con: sqlite3.Connection) -> None:
    links = coverage.coverage(question(con, query="quote=USDT&ended=no")).shown["sort_links"]
    assert links["gaps"] == "/coverage?quote=USDT&ended=no&sort=gaps"
    assert links["first_day"] == "/coverage?quote=USDT&ended=no"


def test_an_unknown_quote_is_refused(con: sqlite3.Connection) -> None:
    with pytest.raises(Refusal, match="must be one of USDC, USDT"):
        coverage.coverage(question(con, query="quote=EUR"))


def test_changes_are_newest_first_and_filtered(con: sqlite3.Connection) -> None:
    build = read_build(con)
    asked = Question(con, {}, {"event": "ended", "dataset": build.dataset}, build, build.today, "")
    shown = changes.changes(asked).shown
    assert [(row["date"], row["symbol"]) for row in shown["events"][:2]] == [
        ("2024-01-06", "WAVESUSDC"),
        ("2023-12-30", "BTCUSDT_231229"),
    ]
    assert shown["event_count"] == len(shown["events"])
    assert [row["change"] for row in shown["revisions"]] == ["vanished", "changed"]


def test_the_status_tells_what_was_found_and_how_runs_ended(con: sqlite3.Connection) -> None:
    shown = status.status(question(con)).shown
    assert (shown["success"]["runs"], shown["success_rate"]) == (4, 1.0)
    assert [(code, [row["symbol"] for row in rows]) for code, rows in shown["findings"]] == [("A103", NEVER_LISTED)]
    assert {code for code, _ in shown["findings"]} <= shown["meanings"].keys()
