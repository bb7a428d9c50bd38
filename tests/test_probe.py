"""HEAD of single files: 200 is there, 404 is not there, anything else is unknown and loses nothing else."""

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import duckdb
import pytest

from etl import stores
from etl.keys import UM_KLINES_1M, day_key, file_url
from etl.replica.faults import Fault
from etl.replica.server import Replica, running
from etl.stores import head, open_files
from tests.archive import DAYS, HOLE, LAST, NOW, symbol
from tests.conftest import Run
from tests.variants import first_few

KLINES = "data/futures/um/daily/klines/"
SOL = f"{KLINES}SOLUSDT/1m/SOLUSDT-1m-"
HELD = "SELECT symbol, count(*) FROM day_files WHERE vanished_at IS NULL GROUP BY symbol"
FACTS = "SELECT * EXCLUDE (first_seen_at, last_seen_at, vanished_at), vanished_at IS NULL FROM day_files ORDER BY ALL"
MOVES = "SELECT symbol, date, change, new_etag, new_file_size_bytes, new_last_modified FROM revisions ORDER BY ALL"
COVERED = "SELECT * FROM covered ORDER BY ALL"
PROBED = "SELECT status_code, file_size_bytes, last_modified, etag, error FROM probes"
BOUNDARY = "BTCUSDT,ETHUSDT,SOLUSDT,币安人生USDT"  # the symbols with a file of yesterday


def ask(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Ask the warehouse."""
    with duckdb.connect("warehouse.duckdb", read_only=True) as con:
        return con.execute(query, list(parameters)).fetchall()


@pytest.fixture
def listed(filled: Run, archive: Replica) -> Run:
    """The small archive, listed whole; requests are counted from here."""
    archive.reset_stats()
    return filled


# -- what an answer says -----------------------------------------------------------------------------


def test_a_probe_asks_one_head_a_file_and_says_what_is_there(listed: Run, archive: Replica) -> None:
    result = listed("probe")
    assert "6 files of 6 symbols probed: 4 there, 2 not there, 0 unknown; nothing new." in result.stdout
    stats = archive.stats()
    assert (stats["requests"], stats["heads"]) == (6, 6)
    assert ask("SELECT symbol FROM probes WHERE status_code = 200 ORDER BY 1") == [
        (each,) for each in BOUNDARY.split(",")
    ]
    assert ask("SELECT DISTINCT date, status_code FROM probes WHERE error IS NULL ORDER BY 2") == [
        (LAST, 200),
        (LAST, 404),
    ]


def test_a_file_that_is_there_tells_size_time_and_etag_as_the_listing_does(listed: Run) -> None:
    listed("probe", "--symbols", "SOLUSDT", "--date", "2024-01-16")
    assert ask(PROBED) == ask(
        "SELECT 200, file_size_bytes, last_modified, etag, NULL FROM day_files WHERE symbol = 'SOLUSDT' AND date = ?",
        dt.date(2024, 1, 16),
    )


def test_the_address_carries_the_symbol_twice_and_percent_encoded(listed: Run, archive: Replica) -> None:
    assert "1 there" in listed("probe", "--symbols", "币安人生USDT").stdout
    encoded = "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"
    url = f"{archive.files_url}/{KLINES}{encoded}/1m/{encoded}-1m-{LAST}.zip"
    assert ask("SELECT url FROM probes") == [(url,)]


def test_a_day_without_a_file_is_not_there_and_no_failure(listed: Run) -> None:
    assert "0 there, 1 not there, 0 unknown" in listed("probe", "--symbols", "ETHUSDT", "--date", str(HOLE)).stdout
    assert ask(f"{PROBED} WHERE date = ?", HOLE) == [(404, None, None, None, None)]


def test_a_file_that_goes_and_comes_back_does_so_in_the_facts(listed: Run, archive: Replica) -> None:
    sol = ("probe", "--symbols", "SOLUSDT,ETHUSDT")
    archive.edit("remove", symbol="SOLUSDT", day=str(LAST))
    assert "1 there, 1 not there, 0 unknown; 1 vanished." in listed(*sol).stdout
    assert dict(ask(HELD))["SOLUSDT"] == DAYS["SOLUSDT"] - 1
    archive.edit("add", symbol="SOLUSDT", day=str(LAST))
    assert "2 there, 0 not there, 0 unknown; 1 returned." in listed(*sol).stdout
    assert dict(ask(HELD)) == DAYS
    assert ask("SELECT status_code FROM probes WHERE symbol = 'SOLUSDT' ORDER BY probed_at") == [(404,), (200,)]


def test_the_old_table_says_what_a_probe_was_answered(listed: Run) -> None:
    listed("probe")
    told = "SELECT status_code, count(*) FROM daily_availability WHERE date = ? GROUP BY 1 ORDER BY 1"
    assert ask(told, LAST) == [(200, 4), (404, 2)]


def test_the_old_table_begins_with_the_first_file(run: Run) -> None:
    run("discover")
    run("probe", "--symbols", "SOLUSDT,BTCUSDT_231229", "--start", "2024-01-13")
    assert ask("SELECT symbol, min(date), count(*) FROM daily_availability GROUP BY 1") == [
        ("SOLUSDT", dt.date(2024, 1, 15), 5)
    ]


def test_what_was_only_probed_is_not_listed(run: Run) -> None:
    run("discover")
    run("probe")
    status = json.loads(run("status", "--json", code=1).stdout)
    assert (status["symbols_listed"], status["looked_through"]) == (0, None)
    assert "run `availability backfill` first" in run("export", code=1).stderr
    run("backfill", "--symbols", "ETHUSDT")
    status = json.loads(run("status", "--accept", "A201", "--json").stdout)
    assert (status["symbols_listed"], status["looked_through"]) == (1, str(LAST))


def test_every_probe_is_kept(listed: Run) -> None:
    listed("probe")
    first = ask("SELECT * FROM probes ORDER BY ALL")
    listed("probe")
    rows = ask("SELECT * FROM probes ORDER BY ALL")
    assert len(rows) == 12
    assert set(first) < set(rows)


def test_last_modified_is_utc_wherever_the_machine_stands(listed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ask(FACTS)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert "nothing new" in listed("probe", "--start", "2024-01-10").stdout
    time.tzset()
    listing = (
        "SELECT DISTINCT symbol, date, last_modified FROM day_files JOIN probes USING (symbol, date, last_modified)"
    )
    assert len(ask(listing)) == ask("SELECT count(*) FROM probes WHERE status_code = 200")[0][0] > 20
    assert ask(FACTS) == before


# -- what tells nothing ------------------------------------------------------------------------------

UNKNOWN = [
    (Fault("status", status=403), 403, "Forbidden"),
    (Fault("reset"), None, "the connection broke off"),
    (Fault("html"), 200, "the answer is a web page"),
    (Fault("status", status=301), 301, "Moved Permanently"),
    (Fault("status", status=429), 429, "Too Many Requests"),
    (Fault("status", status=451), 451, "Unavailable For Legal Reasons"),
    (Fault("status", status=500), 500, "Internal Server Error"),
    (Fault("status", status=503), 503, "Service Unavailable"),
    (Fault("slow", seconds=2), None, "no byte for 0.3 s"),
    (Fault("empty"), 200, "no usable Content-Length and no usable Last-Modified and no usable ETag"),
]


@pytest.mark.parametrize(
    ("fault", "status", "cause"), first_few(UNKNOWN), ids=[f"{fault.kind}{fault.status}" for fault, *_ in UNKNOWN]
)
def test_anything_but_200_and_404_is_unknown_and_counted_as_neither(
    listed: Run, archive: Replica, monkeypatch: pytest.MonkeyPatch, fault: Fault, status: int | None, cause: str
) -> None:
    monkeypatch.setattr(stores, "READ_SECONDS", 0.3)
    before = ask(FACTS)
    key = f"{SOL}{LAST}.zip"
    archive.set_faults([Fault(fault.kind, prefix=key, status=fault.status, seconds=fault.seconds, method="HEAD")])
    result = listed("probe", code=1)
    assert "3 there, 2 not there, 1 unknown; nothing new." in result.stdout
    named = f"SOLUSDT {LAST}: {f'HTTP {status}, ' if status else ''}"
    assert "1 of 6 symbols are not wholly known; the others are kept" in result.stderr
    assert named in result.stderr
    assert cause in result.stderr
    assert f"({archive.files_url}/{key})" in result.stderr
    ((code, error, url),) = ask("SELECT status_code, error, url FROM probes WHERE error IS NOT NULL")
    assert (code, url) == (status, f"{archive.files_url}/{key}")
    assert cause in error
    assert ask(
        "SELECT symbol, first_day, last_day, status_code, error, url, method FROM listings WHERE NOT complete"
    ) == [("SOLUSDT", LAST, LAST, status, error, url, "head")]
    assert ask(FACTS) == before


def test_a_refused_connection_is_unknown(listed: Run) -> None:
    before = ask(FACTS)
    result = listed("probe", "--files-url", "http://127.0.0.1:9", code=1)
    assert "0 there, 0 not there, 6 unknown; nothing new." in result.stdout
    assert "the connection is refused" in result.stderr
    assert ask("SELECT count(*), count(status_code), any_value(error) FROM probes") == [
        (6, 0, "the connection is refused")
    ]
    assert ask(FACTS) == before


def test_a_host_without_address_is_one_sentence_and_nothing_is_asked(
    listed: Run, archive: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unresolved(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    with monkeypatch.context() as offline:
        offline.setattr(socket, "getaddrinfo", unresolved)
        result = listed("probe", "--files-url", "https://no.such.host", code=1)
    assert result.stderr.splitlines()[-1] == "Error: The host no.such.host cannot be resolved; nothing was probed."
    assert archive.stats()["heads"] == 0


def test_a_host_is_looked_up_once_however_many_files_are_asked_for(
    listed: Run, archive: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [], socket.getaddrinfo

    def counted(host: Any, *arguments: Any, **settings: Any) -> Any:
        asked.append(host)
        return real(host, *arguments, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    listed("probe", "--start", "2024-01-10", "--files-url", f"http://localhost:{archive.port}")
    assert asked.count("localhost") == 1


@pytest.mark.long
def test_one_bad_probe_of_a_thousand_loses_none_of_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    universe = [symbol(f"S{number:04}USDT", "2024-01-19") for number in range(1000)]
    with running(universe, now=NOW) as archive:
        monkeypatch.setenv("AVAILABILITY_LISTING_URL", archive.listing_url)
        monkeypatch.setenv("AVAILABILITY_FILES_URL", archive.files_url)
        run("discover")
        archive.set_faults([Fault("status", prefix=f"{KLINES}S0500USDT/", method="HEAD")])
        result = run("probe", "--workers", "150", code=1)
        assert archive.stats()["heads"] == 1000
    assert "999 there, 0 not there, 1 unknown; 999 added." in result.stdout
    assert "S0500USDT 2024-01-19: HTTP 503" in result.stderr
    assert ask("SELECT count(*), count(*) FILTER (error IS NULL) FROM probes") == [(1000, 999)]
    assert ask("SELECT count(*) FROM day_files") == ask("SELECT count(*) FROM covered") == [(999,)]


def test_an_unknown_day_splits_its_window_and_stays_unlooked(run: Run, archive: Replica) -> None:
    run("discover")
    archive.set_faults([Fault("status", prefix=f"{SOL}2024-01-17", method="HEAD")])
    run("probe", "--symbols", "SOLUSDT", "--start", "2024-01-14", code=1)
    looked = [(dt.date(2024, 1, 14), dt.date(2024, 1, 16)), (dt.date(2024, 1, 18), LAST)]
    assert ask("SELECT first_day, last_day FROM covered ORDER BY ALL") == looked
    assert ask("SELECT date FROM day_files ORDER BY 1") == [(dt.date(2024, 1, day),) for day in (15, 16, 18, 19)]
    assert ask("SELECT pages, objects, status_code FROM listings WHERE method = 'head' AND complete ORDER BY 1") == [
        (2, 2, 200),
        (3, 2, 200),
    ]
    archive.set_faults([])
    run("probe", "--symbols", "SOLUSDT", "--date", "2024-01-17")
    assert ask("SELECT first_day, last_day FROM covered") == [(dt.date(2024, 1, 14), LAST)]


def test_a_host_that_has_not_one_file_is_not_believed(listed: Run, archive: Replica) -> None:
    before = ask(FACTS)
    result = listed("probe", "--files-url", f"{archive.files_url}/data/elsewhere", code=1)
    assert "0 there, 0 not there, 6 unknown; nothing new." in result.stdout
    assert "is this the right host?" in result.stderr
    assert ask(FACTS) == before
    assert ask("SELECT DISTINCT status_code, left(error, 28) FROM probes") == [(404, "not one file asked for is th")]
    assert ask("SELECT count(*) FROM daily_availability WHERE status_code = 404") == [(0,)]


def test_a_host_that_shows_nothing_is_asked_for_one_file_that_is_there(listed: Run, archive: Replica) -> None:
    """A morning on which no file of yesterday is out looks just like the wrong host."""
    before = ask(FACTS), ask(COVERED)
    archive.set_now("2024-01-21T03:00:00Z")
    update = ("update", "--lookback", "1", "--method", "head", "--today", "2024-01-21")
    result = listed(*update, "--files-url", f"{archive.files_url}/data/elsewhere", code=1)
    assert "is this the right host? A listing tells" in result.stderr
    assert "0 of 6 symbols looked at" in result.stdout
    assert (ask(FACTS), ask(COVERED)) == before
    wrong = "SELECT count(*), count(*) FILTER (starts_with(error, 'not one file')) FROM probes"
    assert ask(wrong) == [(6 + 1, 6 + 1)]
    archive.reset_stats()
    listed(*update)
    assert archive.stats()["heads"] == 6 + 1
    assert ask(FACTS) == before[0]
    assert ask("SELECT DISTINCT last_day FROM covered") == [(dt.date(2024, 1, 20),)]
    assert ask("SELECT symbol, date FROM probes WHERE status_code = 200") == [("BTCUSDT", LAST)]
    assert ask("SELECT asked, recorded, failures FROM runs WHERE command = 'update' ORDER BY started_at") == [
        (1 + 6, 1, 6),
        (1 + 6, 1 + 6, 0),
    ]


@pytest.mark.parametrize("symbols", ["BTCUSDT", "SOLUSDT", "BTCUSDT,SOLUSDT"])
def test_no_symbol_is_lost_to_a_host_that_shows_nothing(listed: Run, archive: Replica, symbols: str) -> None:
    before = ask(FACTS), ask(COVERED)
    elsewhere = ("probe", "--symbols", symbols, "--files-url", f"{archive.files_url}/data/elsewhere")
    told = listed(*elsewhere, "--start", "2024-01-01", code=1).stderr
    assert "not one file asked for is there, and some are held: is this the right host? A listing tells" in told
    assert (ask(FACTS), ask(COVERED)) == before
    assert ask("SELECT count(*) FROM revisions") == [(0,)]
    assert ask("SELECT recorded, failures FROM runs WHERE command = 'probe'") == [(0, symbols.count(",") + 1)]


def test_what_fails_twice_is_not_recorded_and_counted_once(listed: Run, archive: Replica) -> None:
    archive.set_faults([Fault("status", prefix=f"{SOL}2024-01-{day}", method="HEAD") for day in (17, 19)])
    archive.edits([{"action": "remove", "symbol": "SOLUSDT", "day": f"2024-01-{day}"} for day in (16, 18)])
    listed("probe", "--symbols", "SOLUSDT", "--start", "2024-01-16", "--end", "2024-01-18", code=1)
    assert ask("SELECT asked, recorded, failures, vanished FROM runs WHERE command = 'probe'") == [(1, 0, 3, 0)]


HEADERS = {
    "Content-Length": "4711",
    "Last-Modified": "Tue, 16 Jan 2024 07:31:02 GMT",
    "ETag": '"d41d8cd98f00b204e9800998ecf8427e"',
}


@contextmanager
def answering(headers: Mapping[str, str]) -> Iterator[str]:
    """Answer every HEAD with 200 and just these headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("header", "value", "size", "error"),
    [
        ("Content-Length", "4711", "4711", None),
        ("Content-Length", None, None, "the answer has no usable Content-Length"),
        ("Content-Length", "0", None, "the answer has no usable Content-Length"),
        ("Content-Length", "many", None, "the answer has no usable Content-Length"),
        ("Last-Modified", None, "4711", "the answer has no usable Last-Modified"),
        ("Last-Modified", "yesterday", "4711", "the answer has no usable Last-Modified"),
        ("Last-Modified", "Fri, 31 Dec 9999 23:59:59 -0100", "4711", "the answer has no usable Last-Modified"),
        ("Last-Modified", "Mon, 01 Jan 0300 00:00:00 GMT", "4711", "the answer has no usable Last-Modified"),
        ("Last-Modified", "Fri, 31 Dec 1999 23:59:59 GMT", "4711", "the answer has no usable Last-Modified"),
        ("Last-Modified", "Sat, 01 Jan 2101 00:00:00 GMT", "4711", "the answer has no usable Last-Modified"),
        ("Last-Modified", "Sat, 01 Jan 2000 00:00:00 GMT", "4711", None),
        ("ETag", None, "4711", "the answer has no usable ETag"),
        ("ETag", 'W/"d41d8cd98f00b204e9800998ecf8427e"', "4711", "the answer has no usable ETag"),
        ("ETag", '"d41d8cd98f00b204e9800998ecf8427e-3"', "4711", None),
        ("Content-Type", "text/html; charset=utf-8", "4711", "the answer is a web page"),
        ("Content-Type", "application/zip", "4711", None),
    ],
)
def test_a_200_that_is_not_whole_tells_nothing(
    header: str, value: str | None, size: str | None, error: str | None
) -> None:
    sent = {name: text for name, text in {**HEADERS, header: value}.items() if text is not None}
    with answering(sent) as url:
        told = head(open_files(url, 1), file_url(url, day_key(UM_KLINES_1M, "BTCUSDT", LAST)))
    assert (told.status, told.size, told.error) == (200, size, error)


@pytest.mark.parametrize(
    ("sent", "utc"),
    [
        ("Tue, 16 Jan 2024 07:31:02 GMT", "2024-01-16T07:31:02.000Z"),
        ("Tue, 16 Jan 2024 07:31:02 -0000", "2024-01-16T07:31:02.000Z"),
        ("Tue, 16 Jan 2024 16:31:02 +0900", "2024-01-16T07:31:02.000Z"),
    ],
)
def test_a_date_with_any_offset_becomes_utc(sent: str, utc: str) -> None:
    with answering({**HEADERS, "Last-Modified": sent}) as url:
        assert head(open_files(url, 1), f"{url}/x").last_modified == utc


def test_a_probe_without_a_size_is_recorded_as_unknown_never_as_0(run: Run) -> None:
    run("discover")
    with answering({name: text for name, text in HEADERS.items() if name != "Content-Length"}) as url:
        run("probe", "--symbols", "BTCUSDT", "--files-url", url, code=1)
    ((code, size, _, etag, error),) = ask(PROBED)
    assert (code, size, etag, error) == (200, None, HEADERS["ETag"][1:-1], "the answer has no usable Content-Length")
    assert ask("SELECT count(*) FROM day_files") == [(0,)]


# -- choosing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--symbols", "BTCUSTD"], "Unknown symbol BTCUSTD. Did you mean BTCUSDT"),
        (["--date", "2024-02-30"], "'2024-02-30' is no day: write YYYY-MM-DD"),
        (["--date", "2024-01-20"], "--date 2024-01-20 is not over yet: the last whole day is 2024-01-19"),
        (["--start", "2024-01-20"], "--start 2024-01-20 is not over yet"),
        (["--start", "2024-01-05", "--end", "2024-01-04"], "--end 2024-01-04 lies before --start 2024-01-05"),
        (["--date", "2024-01-05", "--start", "2024-01-04"], "give the one or the others"),
        (["--date", "2024-01-05", "--end", "2024-01-05"], "give the one or the others"),
        (["--end", "2024-01-05"], "--end needs --start"),
        (["--workers", "0"], "0 is not in the range"),
        (["--files-url", "nonsense"], "nonsense is no address of files"),
    ],
)
def test_a_wrong_question_gets_one_sentence(listed: Run, archive: Replica, arguments: list[str], sentence: str) -> None:
    result = listed("probe", *arguments, code=2)
    assert sentence in result.stderr
    assert result.stderr.count("Error:") == 1
    assert archive.stats()["requests"] == 0


def test_several_days_are_one_head_a_symbol_and_day(listed: Run, archive: Replica) -> None:
    listed("probe", "--symbols", "ETHUSDT,SOLUSDT", "--start", "2024-01-09", "--end", "2024-01-16")
    assert archive.stats()["heads"] == archive.stats()["requests"] == 16
    assert ask("SELECT symbol, count(*), count(etag) FROM probes GROUP BY 1 ORDER BY 1") == [
        ("ETHUSDT", 8, 7),
        ("SOLUSDT", 8, 2),
    ]


# -- update by either method -------------------------------------------------------------------------


def update(
    archive: Replica, run: Run, method: str, lookback: int, folder: str, *, untold: int = 0
) -> tuple[list[Any], ...]:
    """Update a copy of the warehouse by one method; return its facts. ``untold``: files whose checksum is unknown."""
    path = f"{folder}.duckdb"
    with duckdb.connect(path) as con:
        con.execute("ATTACH 'warehouse.duckdb' AS old (READ_ONLY)")
        con.execute(f"COPY FROM DATABASE old TO {folder}")
    archive.reset_stats()
    run("update", "--lookback", str(lookback), "--method", method, "--warehouse", path)
    with duckdb.connect(path, read_only=True) as con:
        unknown = "SELECT count(*) FROM day_files WHERE has_checksum IS NULL"
        assert con.execute(unknown).fetchall() == [(untold,)]
        facts = FACTS.replace("first_seen_at", "has_checksum, first_seen_at")
        return tuple(con.execute(query).fetchall() for query in (facts, MOVES, COVERED))


@pytest.mark.parametrize("lookback", [1, 4])
def test_both_methods_find_the_same_facts(listed: Run, archive: Replica, lookback: int) -> None:
    archive.edit("reupload", symbol="BTCUSDT", day=str(LAST), size=50_000)
    archive.edit("reupload", symbol="SOLUSDT", day="2024-01-17", size=50_000)
    archive.edit("remove", symbol="ETHUSDT", day="2024-01-18")
    archive.edit("add", symbol="BNXUSDTSETTLED", day=str(LAST))
    archive.edit("add_symbol", symbol="NEW1USDT", first_day="2024-01-02")
    by_list = update(archive, listed, "list", lookback, "a")
    asked = archive.stats()
    by_head = update(archive, listed, "head", lookback, "b", untold=2 if lookback == 1 else 3)
    assert by_list == by_head
    assert (asked["heads"], asked["requests"]) == (0, 1 + 6 + 1)
    assert (archive.stats()["heads"], archive.stats()["requests"]) == (6 * lookback, 1 + 6 * lookback + 1)
    assert len(by_list[1]) == (1 if lookback == 1 else 3)


@pytest.mark.parametrize(
    ("lookback", "sentence", "heads"),
    [
        (1, "update by head: 6 HEAD requests against 6 listings, and smaller answers", 6),
        (2, "update by list: 6 listings against 12 HEAD requests", 0),
        (20, "update by list: 6 listings against 120 HEAD requests", 0),
    ],
)
def test_auto_asks_less_and_says_why(listed: Run, archive: Replica, lookback: int, sentence: str, heads: int) -> None:
    assert sentence in listed("update", "--lookback", str(lookback)).stdout
    assert archive.stats()["heads"] == heads
    assert archive.stats()["requests"] == 7


def test_auto_lists_where_a_pause_has_made_the_window_longer(listed: Run, archive: Replica) -> None:
    archive.set_now("2024-01-23T12:00:00Z")
    sentence = listed("update", "--lookback", "1", "--today", "2024-01-23").stdout
    assert "update by list: 6 listings against 18 HEAD requests" in sentence
    assert ask("SELECT DISTINCT last_day FROM covered") == [(dt.date(2024, 1, 22),)]


def test_a_first_update_lists_everything_whatever_the_method(run: Run, archive: Replica) -> None:
    assert "update by list: no symbol was listed before" in run("update", "--lookback", "1").stdout
    run("update", "--lookback", "1", "--method", "head", "--warehouse", "other.duckdb")
    with duckdb.connect("other.duckdb", read_only=True) as con:
        assert dict(con.execute(HELD).fetchall()) == dict(ask(HELD)) == DAYS
    assert archive.stats()["heads"] == 0


def test_a_head_takes_away_what_a_listing_knew_of_the_checksum_of_another_upload_only(
    listed: Run, archive: Replica
) -> None:
    archive.edit("reupload", symbol="SOLUSDT", day=str(LAST), size=50_000)
    archive.edit("add", symbol="BNXUSDTSETTLED", day=str(LAST))
    listed("update", "--lookback", "1", "--method", "head")
    checksums = (
        "SELECT symbol, has_checksum FROM day_files WHERE date = ? AND symbol LIKE '%S%SETTLED' OR symbol = 'SOLUSDT'"
    )
    assert dict(ask(checksums, LAST)) == {"SOLUSDT": None, "BNXUSDTSETTLED": None}
    assert ask("SELECT symbol FROM day_files WHERE date = ? AND has_checksum ORDER BY 1", LAST) == [
        (each,) for each in BOUNDARY.split(",") if each != "SOLUSDT"
    ]
    listed("update", "--lookback", "1", "--method", "list")
    assert dict(ask(checksums, LAST)) == {"SOLUSDT": True, "BNXUSDTSETTLED": True}
    assert ask("SELECT change, count(*) FROM revisions GROUP BY 1") == [("changed", 1)]


def test_a_probe_of_a_later_day_leaves_no_day_unlooked_by_the_next_update(listed: Run, archive: Replica) -> None:
    archive.set_now("2024-01-27T12:00:00Z")
    listed("probe", "--today", "2024-01-27")
    assert ask("SELECT count(*) FROM covered") == [(12,)]
    listed("update", "--lookback", "1", "--today", "2024-01-27")
    assert ask("SELECT DISTINCT last_day, count(*) OVER () FROM covered") == [(dt.date(2024, 1, 26), 6)]


def test_a_symbol_that_was_only_probed_is_listed_whole_by_update(run: Run) -> None:
    run("discover")
    run("probe")
    run("update", "--lookback", "1")
    assert dict(ask(HELD)) == DAYS


def test_an_unknown_day_is_asked_again_by_the_next_update(listed: Run, archive: Replica) -> None:
    archive.set_now("2024-01-21T12:00:00Z")
    archive.set_faults([Fault("status", prefix=f"{SOL}2024-01-20", method="HEAD")])
    later = ("update", "--lookback", "1", "--method", "head", "--today")
    result = listed(*later, "2024-01-21", code=1)
    assert "5 of 6 symbols looked at with 6 requests" in result.stdout
    assert "1 of 6 symbols are not looked at; the others are kept" in result.stderr
    archive.set_faults([])
    archive.set_now("2024-01-22T12:00:00Z")
    archive.reset_stats()
    listed(*later, "2024-01-22")
    assert archive.stats()["heads"] == 5 + 2
    assert ask("SELECT count(*) FROM covered") == [(6,)]


# -- the machine -------------------------------------------------------------------------------------


@pytest.mark.long
def test_ctrl_c_keeps_every_answer_that_came(run: Run, archive: Replica) -> None:
    run("discover")
    archive.set_faults([Fault("slow", prefix=f"{KLINES}SOLUSDT/", seconds=1, after=2, method="HEAD")])
    command = [sys.executable, "-m", "etl", "probe", "--start", "2024-01-15", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    deadline = time.monotonic() + 20
    while archive.stats()["heads"] < 6 * 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Interrupted. " in errors
    assert "Traceback" not in errors
    assert ask("SELECT count(*) FROM probes")[0][0] >= 6 * 3 - 2
    assert ask("SELECT count(*) FROM day_files") == ask("SELECT count(*) FROM probes WHERE status_code = 200")
