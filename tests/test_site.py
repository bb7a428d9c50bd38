"""The published file behind a real `availability serve`: whole answers in every format, and nothing else."""

import csv
import html
import io
import json
import re
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from etl.errors import AvailabilityError
from etl.serve import free_port, serve_site
from tests import published
from tests.serving import Site
from tests.test_metadata import METADATA, QUERIES

DAY_FILE = [
    "symbol",
    "date",
    "file_size_bytes",
    "last_modified",
    "etag",
    "has_checksum",
    "condition",
    "reason",
    "dataset",
]
TIMELINE = ["date", "symbol", *DAY_FILE[2:]]
COVERAGE = [
    *("symbol", "earliest", "latest", "days_held", "days_missing", "timespan_count", "longest_gap", "completeness"),
    *("bytes", "kind", "quote", "looked_through", "flat_days", "degraded_days", "last_traded_day", "state", "dataset"),
]


# -- the three questions, whole in every format ----------------------------------------------------

LONGEST = {
    "snapshot": (
        f"date={published.CROWDED}",
        f"SELECT symbol, date FROM day_files WHERE date = '{published.CROWDED}' ORDER BY symbol",
    ),
    "timeline": (
        f"symbol={published.LONG}",
        f"SELECT date, symbol FROM day_files WHERE symbol = '{published.LONG}' ORDER BY date",
    ),
    "coverage": ("", "SELECT symbol, kind FROM symbols ORDER BY symbol"),
}
FIRST_COLUMNS = {"snapshot": DAY_FILE, "timeline": TIMELINE, "coverage": COVERAGE}


def as_array(site: Site, name: str, asked: str) -> list[dict[str, Any]]:
    return site.rows(f"/availability/{name}.json?{asked}&_shape=array")


def as_objects(site: Site, name: str, asked: str) -> list[dict[str, Any]]:
    answer = site.get(f"/availability/{name}.json?{asked}&_shape=objects").json()
    assert answer["truncated"] is False
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


def as_lines(site: Site, name: str, asked: str) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in site.text(f"/availability/{name}.json?{asked}&_shape=array&_nl=on").splitlines()
    ]


def as_csv(site: Site, name: str, asked: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(site.text(f"/availability/{name}.csv?{asked}"))))


def as_streamed_csv(site: Site, name: str, asked: str) -> list[dict[str, Any]]:
    return as_csv(site, name, f"{asked}&_stream=on&_size=max")


def as_page(site: Site, name: str, asked: str) -> list[dict[str, Any]]:
    """Read the table of a page; an empty cell is shown as a hard space."""
    rows = re.findall(r"<tr>(.*?)</tr>", site.text(f"/availability/{name}?{asked}"), re.DOTALL)[1:]
    cells = [re.findall(r'<td class="col-(\w+)">(.*?)</td>', row, re.DOTALL) for row in rows]
    return [{column: html.unescape(cell).replace("\xa0", "") for column, cell in row} for row in cells]


@pytest.mark.parametrize("fetch", [as_array, as_objects, as_lines, as_csv, as_streamed_csv, as_page])
@pytest.mark.parametrize("name", LONGEST)
def test_the_longest_answer_comes_whole(site: Site, name: str, fetch: Any) -> None:
    asked, query = LONGEST[name]
    stored, rows = site.stored(query), fetch(site, name, asked)
    assert len(stored) > 1_000
    if fetch is as_page:  # a page shows what a phone can open, says so, and leads to the whole
        assert "There are more rows than a page can show" in site.text(f"/availability/{name}?{asked}")
        stored = stored[:1_000]
    first, second = ("symbol", "kind") if name == "coverage" else FIRST_COLUMNS[name][:2]
    assert [(row[first], row[second]) for row in rows] == stored
    assert list(rows[0]) == FIRST_COLUMNS[name]


def test_all_formats_say_the_same(site: Site) -> None:
    asked = f"symbol={quote(published.CHINESE)}"
    rows = as_array(site, "timeline", asked)
    assert as_objects(site, "timeline", asked) == as_lines(site, "timeline", asked) == rows
    as_text = [{column: "" if value is None else str(value) for column, value in row.items()} for row in rows]
    assert as_csv(site, "timeline", asked) == as_page(site, "timeline", asked) == as_text


@pytest.mark.parametrize("name", LONGEST)
def test_json_may_be_read_by_pages_of_other_sites(site: Site, name: str) -> None:
    answer = site.get(f"/availability/{name}.json?{LONGEST[name][0]}&_shape=array")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"


# -- what the answers say --------------------------------------------------------------------------


def test_a_snapshot_row_says_everything_about_its_file(site: Site) -> None:
    row = site.rows(f"/availability/snapshot.json?date={published.CROWDED}&_shape=array")[0]
    assert re.fullmatch("[0-9a-f]{32}", row.pop("etag"))
    assert row == {
        "symbol": "A0000USDT",
        "date": "2024-01-15",
        "file_size_bytes": 40_000,
        "last_modified": "2024-01-16T07:30:00Z",
        "has_checksum": 1,
        "condition": "available",
        "reason": None,
        "dataset": "um/klines/1m",
    }


@pytest.mark.parametrize("asked", ["", "date=&"])
def test_a_snapshot_without_a_date_is_that_of_the_latest_day_with_files(site: Site, asked: str) -> None:
    rows = site.rows(f"/availability/snapshot.json?{asked}_shape=array")
    assert [(row["symbol"], row["date"]) for row in rows] == [(published.LONG, "2030-11-04")]


def test_a_chinese_symbol_has_a_timeline(site: Site) -> None:
    rows = site.rows("/availability/timeline.json?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&_shape=array")
    assert [row["date"][-2:] for row in rows] == ["01", "03", "04", "05", "08", "09"]
    assert [row["has_checksum"] for row in rows] == [1, 1, 1, 1, 1, 0]
    assert {row["symbol"] for row in rows} == {"币安人生USDT"}


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ("start=2024-01-03&end=2024-01-08", ["03", "04", "05", "08"]),
        ("start=2024-01-05", ["05", "08", "09"]),
        ("end=2024-01-03", ["01", "03"]),
        ("start=&end=", ["01", "03", "04", "05", "08", "09"]),
        ("start=2024-01-04&end=2024-01-04", ["04"]),
        ("start=2024-01-06&end=2024-01-07", []),
    ],
)
def test_start_and_end_of_a_timeline_are_inclusive_and_optional(site: Site, asked: str, days: list[str]) -> None:
    rows = site.rows(f"/availability/timeline.json?symbol={quote(published.CHINESE)}&{asked}&_shape=array")
    assert [row["date"][-2:] for row in rows] == days


@pytest.mark.parametrize(
    ("asked", "status"), [("", 400), ("symbol=&", 400), ("symbol=BTC&", 404), ("symbol=%25&", 404)]
)
def test_a_timeline_of_no_whole_symbol_guesses_none(site: Site, asked: str, status: int) -> None:
    site.get(f"/availability/timeline.json?{asked}_shape=array", status)


@pytest.mark.parametrize(
    ("part", "symbols"),
    [
        ("btcusdt", [published.LONG, published.DELIVERY]),
        ("TY", [published.EMPTY]),
        ("_", [published.DELIVERY]),
        ("人生", [published.CHINESE]),
    ],
)
def test_coverage_finds_a_part_of_a_name(site: Site, part: str, symbols: list[str]) -> None:
    rows = site.rows(f"/availability/coverage.json?symbol={quote(part)}&_shape=array")
    assert [row["symbol"] for row in rows] == symbols


@pytest.mark.parametrize("part", ["%", "\\", "'; --", "*"])
def test_coverage_takes_every_sign_literally(site: Site, part: str) -> None:
    answer = site.get(f"/availability/coverage.json?symbol={quote(part)}&_shape=array", 404).json()
    assert answer["case"] == "unknown_symbol"


def test_coverage_tells_extent_and_gaps(site: Site) -> None:
    (row,) = site.rows(f"/availability/coverage.json?symbol={quote(published.CHINESE)}&_shape=array")
    assert [row[column] for column in COVERAGE] == [
        *(published.CHINESE, "2024-01-01", "2024-01-09", 6, 3, 3, 2, 0.666667, 240_000),
        *("perpetual", "USDT", "2024-01-09", 0, 1, "2024-01-09", "unknown", "um/klines/1m"),
    ]


def test_a_symbol_that_holds_nothing_and_one_never_listed_differ(site: Site) -> None:
    (empty,) = site.rows(f"/availability/coverage.json?symbol={published.EMPTY}&_shape=array")
    (unseen,) = site.rows(f"/availability/coverage.json?symbol={published.UNSEEN}&_shape=array")
    numbers = ["days_held", "days_missing", "timespan_count", "longest_gap", "bytes"]
    assert [empty[column] for column in numbers] == [0, 0, 0, 0, 0]
    assert [unseen[column] for column in numbers] == [None] * 5
    assert [empty["earliest"], empty["completeness"], empty["looked_through"]] == [None, None, "2024-01-03"]
    assert unseen["looked_through"] is None


@pytest.mark.parametrize("name", LONGEST)
def test_no_question_reads_all_day_files(site: Site, name: str) -> None:
    query = QUERIES[name]
    plan = site.plan(query["sql"], dict.fromkeys(query["params"], "2024-01-15"))
    assert "SCAN codes" not in plan
    assert "SCAN day_file_codes" not in plan


# -- pages, downloads, refusals --------------------------------------------------------------------


def test_the_home_page_names_licence_source_and_independence(site: Site) -> None:
    page = site.text("/")
    assert "CC BY-NC-SA 4.0" in page
    assert "https://creativecommons.org/licenses/by-nc-sa/4.0/" in page
    assert "https://data.binance.vision/" in page
    assert "Independent of Binance" in page


@pytest.mark.parametrize(
    "path", ["/availability", "/availability/snapshot", "/availability/coverage", "/availability/day_files"]
)
def test_every_other_page_names_them_too(site: Site, path: str) -> None:
    page = site.text(path)
    assert all(html.escape(METADATA[key]) in page for key in ("license", "license_url", "source", "about"))


def test_a_day_of_the_table_shows_plain_text_and_comes_from_an_index(site: Site) -> None:
    answer = site.get(f"/availability/day_files.json?date={published.CROWDED}&_shape=objects").json()
    assert answer["filtered_table_rows_count"] == len(published.MANY) + 1
    assert len(answer["rows"]) == 100
    assert answer["rows"][0]["symbol"] == "A0000USDT"
    assert answer["rows"][0]["date"] == published.CROWDED
    assert "day_file_codes_by_date (date=?)" in site.plan(answer["query"]["sql"], answer["query"]["params"])
    page = site.text(f"/availability/day_files?date={published.CROWDED}")
    assert re.search(r'<td class="col-symbol [^"]*">A0000USDT</td>', page)
    assert re.search(rf'<td class="col-date [^"]*">{published.CROWDED}</td>', page)
    assert "The UTC day that the file covers" in page


def test_the_whole_table_comes_as_streamed_csv(site: Site) -> None:
    text = site.text("/availability/day_files.csv?_stream=on&_size=max")
    rows = [tuple(row.values()) for row in csv.DictReader(io.StringIO(text))]
    stored = site.stored("SELECT * FROM day_files")
    assert sorted(rows) == sorted(tuple("" if value is None else str(value) for value in row) for row in stored)


@pytest.mark.parametrize("name", sorted(METADATA["databases"]["availability"]["tables"]))
def test_every_table_has_a_page(site: Site, name: str) -> None:
    """A table that has the name of a canned query is shown by that: the same rows, and always all of them."""
    site.get(f"/availability/{name}")
    size = "" if name in QUERIES else "_size=max&"
    answer = site.get(f"/availability/{name}.json?{size}_shape=objects").json()
    assert (answer["truncated"], answer["next"]) == (False, None)
    assert len(answer["rows"]) == site.stored(f"SELECT count(*) FROM {name}")[0][0]


def test_the_stored_form_of_day_files_is_not_on_the_database_page(site: Site) -> None:
    assert "day_file_codes" not in site.text("/availability").split('id="tables"')[1]


@pytest.mark.parametrize(
    "path",
    [
        "/availability?sql=select+1",
        "/availability.json?sql=select+1",
        "/availability.csv?sql=select+1",
        "/availability/day_files.json?_where=1=1",
    ],
)
def test_arbitrary_sql_is_refused(site: Site, path: str) -> None:
    site.get(path, status=403)


def test_the_file_can_be_downloaded(site: Site) -> None:
    assert site.get("/availability.db").data == site.file.read_bytes()


def test_datasette_vega_is_on_the_page_with_all_it_looks_for(site: Site) -> None:
    page = site.text(f"/availability/snapshot?date={published.CROWDED}")
    assets = set(re.findall(r'"(/-/static-plugins/datasette_vega/[^"]+\.(js|css))"', page))
    assert {kind for _, kind in assets} == {"js", "css"}
    assert all(len(site.get(path).data) > 1_000 for path, _ in assets)
    # it draws the JSON of this link, above this table
    link = re.search(r'class="export-links">[^\n]*?<a href="([^"]*json[^"]*)"', page)
    assert link
    assert '<table class="rows-and-columns">' in page
    assert len(site.rows(html.unescape(link[1]) + "&_shape=array")) == len(published.MANY) + 1


# -- starting --------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_said_to_be(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AvailabilityError, match=rf"Cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
            serve_site(site.file, host="127.0.0.1", port=port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked for any port of a range of one")
def test_a_free_port_is_given_to_nobody_else_until_it_is_listened_on() -> None:
    port, range_of_one = free_port("127.0.0.1", 0), 51  # IP_LOCAL_PORT_RANGE, Linux 6.3
    with socket.socket() as other, socket.socket() as ours:
        for each in (other, ours):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.setsockopt(socket.IPPROTO_IP, range_of_one, (port << 16 | port).to_bytes(4, sys.byteorder))
        except OSError:
            pytest.skip("this kernel cannot be asked for any port of a range of one")
        with pytest.raises(OSError, match="Address already in use"):
            other.bind(("127.0.0.1", 0))
        ours.bind(("127.0.0.1", port))
        ours.listen()


def test_without_a_published_file_there_is_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(AvailabilityError, match="run `availability export` first"):
        serve_site(tmp_path / "availability.db", host="127.0.0.1", port=0)
