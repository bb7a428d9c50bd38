"""What the first page gathers, and how a symbol is found by a part of its name."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from webapp.build import read_build
from webapp.pages import home, search
from webapp.refusals import Refusal, Said
from webapp.routing import Asked as Question
from webapp.routing import Page

from tests.asked import Asked


@pytest.fixture
def con(asked: Asked) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{asked.site_dir / 'availability.db'}?mode=ro", uri=True)) as con:
        con.row_factory = sqlite3.Row
        yield con


def question(con: sqlite3.Connection, q: str = "", today: str = "2024-01-21") -> Question:
    return Question(con, {}, {"q": q}, read_build(con), today, "https://here.example")


def suggested(con: sqlite3.Connection, q: str) -> list[str]:
    found: list[str] = json.loads(search.suggestions(question(con, q)).body)["symbols"]
    return found


@pytest.mark.parametrize("q", ["BTCUSDT", "btcusdt", " BtcUsdt "])
def test_a_whole_name_leads_to_its_page(con: sqlite3.Connection, q: str) -> None:
    said = search.search(question(con, q))
    assert isinstance(said, Said)
    assert (said.status, said.headers) == (302, (("Location", "/symbol/BTCUSDT"),))


def test_the_address_of_a_chinese_name_is_percent_encoded(con: sqlite3.Connection) -> None:
    said = search.search(question(con, "币安"))
    assert isinstance(said, Said)
    assert dict(said.headers)["Location"].startswith("/symbol/%E5%B8%81%E5%AE%89")


def test_a_part_of_several_names_is_a_list_to_choose_from(con: sqlite3.Connection) -> None:
    page = search.search(question(con, "usdt"))
    assert isinstance(page, Page)
    names = [row["symbol"] for row in page.shown["found"]]
    assert len(names) > 1
    assert all("USDT" in name for name in names)


def test_nothing_asked_is_a_form_and_nothing_found_a_404_with_the_nearest_names(con: sqlite3.Connection) -> None:
    page = search.search(question(con))
    assert isinstance(page, Page)
    assert page.status == 200
    with pytest.raises(Refusal, match="No symbol has 'BTCUSTD'") as refused:
        search.search(question(con, "BTCUSTD"))
    assert refused.value.status == 404
    assert "BTCUSDT" in refused.value.near


def test_suggestions_are_few_and_those_that_begin_so_come_first(con: sqlite3.Connection) -> None:
    assert suggested(con, "btc")[0].startswith("BTC")
    assert 1 < len(suggested(con, "u")) <= search.SUGGESTED
    assert suggested(con, "") == suggested(con, "'") == suggested(con, "%") == []


def test_the_last_days_end_yesterday_whether_anybody_looked_or_not(con: sqlite3.Connection) -> None:
    days = home.home(question(con, today="2024-01-25")).shown["days"]
    assert len(days) == home.DAYS
    assert [day.words for day in days[-4:]] == [f"2024-01-{number}: not looked" for number in (21, 22, 23, 24)]
    assert days[-5].kind != "not looked"


def test_every_list_of_what_is_new_is_short(con: sqlite3.Connection) -> None:
    shown = home.home(question(con)).shown
    assert all(len(shown[name]) <= home.LATEST for name in ("listed", "ended", "gaps", "revisions"))
    assert shown["facts"]["newest"]
    assert shown["facts"]["bytes"] > 0
