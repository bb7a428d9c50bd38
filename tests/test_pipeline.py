"""The whole way over real HTTP: archive -> warehouse -> SQLite, as an operator runs it."""

import datetime as dt
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import stores
from etl.records import Page
from etl.replica.faults import Fault
from etl.replica.server import Replica
from tests.archive import DAYS, HOLE, LAST, PAGES, TODAY
from tests.conftest import Run
from tests.variants import first_few

KLINES = "data/futures/um/daily/klines/"
HELD = "SELECT symbol, count(*) FROM day_files WHERE vanished_at IS NULL GROUP BY symbol"


def ask(query: str, *parameters: Any, path: str = "warehouse.duckdb") -> list[tuple[Any, ...]]:
    """Ask the warehouse."""
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query, list(parameters)).fetchall()


def published(query: str) -> list[tuple[Any, ...]]:
    """Ask the published file."""
    con = sqlite3.connect("site/availability.db")
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


# -- the way -----------------------------------------------------------------------------------------


def test_discover_prints_the_new_symbols_once(run: Run) -> None:
    assert "6 symbols listed, 6 new: BNXUSDTSETTLED, BTCUSDT, BTCUSDT_231229" in run("discover").output
    assert "6 symbols listed, 0 new." in run("discover").output


def test_1057_symbols_come_over_two_pages_with_a_chinese_name_between_them(run: Run, archive: Replica) -> None:
    names = [f"N{number:03}USDT" for number in range(994)] + [f"币{number:02}USDT" for number in range(57)]
    archive.edits([{"action": "add_symbol", "symbol": name, "first_day": "2024-01-10"} for name in names])
    archive.reset_stats()
    assert "1,057 symbols listed, 1,057 new" in run("discover").output
    assert archive.stats()["requests"] == 2
    known = [name for (name,) in ask("SELECT symbol FROM symbols ORDER BY symbol")]
    assert known == sorted([*names, *DAYS])
    assert known[999] == "币00USDT"  # the last name of the first page: the second is asked for after it


def test_backfill_takes_every_day_of_every_symbol_with_one_request_a_page(run: Run, archive: Replica) -> None:
    run("discover")
    archive.reset_stats()
    run("backfill")
    assert dict(ask(HELD)) == DAYS
    assert archive.stats()["requests"] == archive.stats()["list_pages"] == sum(PAGES.values())


def test_a_second_backfill_asks_nothing(filled: Run, archive: Replica) -> None:
    archive.reset_stats()
    assert "6 already covered" in filled("backfill").output
    assert archive.stats()["requests"] == 0


def test_a_full_backfill_of_an_unchanged_archive_changes_no_day(filled: Run) -> None:
    facts = "SELECT * EXCLUDE (last_seen_at) FROM day_files ORDER BY ALL"
    before = ask(facts)
    assert "6 of 6 symbols listed with 8 requests: 1,680 day files, nothing new." in filled("backfill", "--full").output
    assert ask(facts) == before
    assert ask("SELECT count(*) FROM revisions") == [(0,)]


@pytest.mark.long
def test_the_same_warehouse_gives_the_same_bytes_in_any_time_zone(filled: Run) -> None:
    filled("export")
    first = Path("site/availability.db").read_bytes()
    with command("export", "again/copy.db", env={**os.environ, "TZ": "Asia/Tokyo"}) as process:
        process.communicate(timeout=30)
    assert Path("again/copy.db").read_bytes() == first
    filled("export", "--today", "2024-01-21")
    assert Path("site/availability.db").read_bytes() != first


def test_the_published_file_says_what_the_warehouse_says(filled: Run) -> None:
    filled("export")
    assert dict(published("SELECT symbol, days_held FROM extents")) == DAYS
    assert published("SELECT symbol, first_day, last_day, days FROM gaps") == [("ETHUSDT", str(HOLE), str(HOLE), 1)]
    columns = "symbol, date, file_size_bytes, last_modified, etag, has_checksum"
    times = "strftime(last_modified, '%Y-%m-%dT%H:%M:%SZ')"
    assert published(f"SELECT {columns} FROM day_files ORDER BY symbol, date") == ask(
        f"SELECT symbol, date::VARCHAR, file_size_bytes, {times}, etag, has_checksum::INTEGER FROM day_files"
        " ORDER BY symbol, date"
    )
    assert published("SELECT symbols, day_files, gap_days, looked_through, today FROM build") == [
        (6, sum(DAYS.values()), 1, str(LAST), str(TODAY))
    ]
    assert published("SELECT count(*), sum(files), sum(missing) FROM daily_counts") == [(1480, sum(DAYS.values()), 1)]


# -- what moves --------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [("update",), pytest.param(("backfill", "--full"), marks=pytest.mark.long)])
def test_a_day_that_appears_or_disappears_does_so_everywhere(filled: Run, archive: Replica, again: tuple[str]) -> None:
    filled("export")
    archive.edit("add", symbol="ETHUSDT", day=str(HOLE))
    archive.edit("remove", symbol="ETHUSDT", day="2024-01-15")
    filled(*again)
    filled("export")
    assert ask("SELECT first_day FROM gaps") == [(dt.date(2024, 1, 15),)]
    assert published("SELECT first_day, last_day FROM gaps") == [("2024-01-15", "2024-01-15")]
    assert published(
        "SELECT date FROM day_files WHERE symbol = 'ETHUSDT' AND date IN ('2024-01-10', '2024-01-15')"
    ) == [("2024-01-10",)]
    assert ask(
        "SELECT date, available FROM daily_availability WHERE symbol = 'ETHUSDT' AND date IN (?, ?) ORDER BY 1",
        HOLE,
        dt.date(2024, 1, 15),
    ) == [(HOLE, True), (dt.date(2024, 1, 15), False)]
    assert published("SELECT date, missing FROM daily_counts WHERE missing > 0") == [("2024-01-15", 1)]


def test_a_reupload_years_back_is_found_once_by_the_next_full_listing(filled: Run, archive: Replica) -> None:
    archive.edit("reupload", symbol="BTCUSDT", day="2020-06-01", size=50_000)
    filled("update")
    assert ask("SELECT count(*) FROM revisions") == [(0,)]
    filled("backfill", "--full")
    filled("backfill", "--full")
    assert ask("SELECT symbol, date, change, new_file_size_bytes FROM revisions") == [
        ("BTCUSDT", dt.date(2020, 6, 1), "changed", 50_000)
    ]


def test_update_asks_one_page_a_known_symbol_and_all_history_of_a_new_one(filled: Run, archive: Replica) -> None:
    before = ask("SELECT * EXCLUDE (last_seen_at) FROM day_files WHERE symbol <> 'NEW1USDT' ORDER BY ALL")
    archive.edit("add_symbol", symbol="NEW1USDT", first_day="2022-01-01")
    archive.reset_stats()
    assert "1 new: NEW1USDT" in filled("update").output
    assert archive.stats()["requests"] == 1 + 6 + 2
    assert dict(ask(HELD))["NEW1USDT"] == 749
    assert ask("SELECT * EXCLUDE (last_seen_at) FROM day_files WHERE symbol <> 'NEW1USDT' ORDER BY ALL") == before


@pytest.mark.parametrize(("today", "first"), [("2024-01-20", "2023-12-31"), ("2024-03-01", "2024-02-10")])
def test_the_window_of_20_days_ends_yesterday(run: Run, archive: Replica, today: str, first: str) -> None:
    archive.set_now(f"{today}T12:00:00Z")
    run("discover")
    run("backfill", "--today", today)
    run("update", "--today", today)
    last = dt.date.fromisoformat(today) - dt.timedelta(days=1)
    windows = ask(
        "SELECT DISTINCT first_day, last_day FROM listings WHERE symbol IS NOT NULL AND first_day IS NOT NULL"
    )
    assert windows == [(dt.date.fromisoformat(first), last)]


def test_an_update_after_a_long_pause_leaves_no_day_unlooked(filled: Run, archive: Replica) -> None:
    archive.set_now("2024-06-01T12:00:00Z")
    filled("update", "--today", "2024-06-01")
    assert ask("SELECT DISTINCT last_day FROM covered") == [(dt.date(2024, 5, 31),)]
    assert ask("SELECT count(*) FROM covered") == [(6,)]


# -- choosing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [["--symbols", "BTCUSDT,  ETHUSDT , SOLUSDT,"], ["--symbols", "BTCUSDT", "--symbols", "ETHUSDT,SOLUSDT"]]
)
def test_symbols_may_be_written_in_every_usual_way(run: Run, names: list[str]) -> None:
    run("discover")
    run("backfill", *names)
    assert sorted(dict(ask(HELD))) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


def test_a_bounded_backfill_looks_at_just_its_days_and_a_later_one_at_the_rest(run: Run, archive: Replica) -> None:
    run("discover")
    archive.reset_stats()
    run("backfill", "--symbols", "BTCUSDT", "--start", "2020-02-01", "--end", "2020-02-29")
    assert archive.stats()["requests"] == 1  # and not the two pages behind
    assert dict(ask(HELD)) == {"BTCUSDT": 29}
    assert ask("SELECT first_day, last_day FROM covered") == [(dt.date(2020, 2, 1), dt.date(2020, 2, 29))]
    archive.reset_stats()
    run("backfill", "--symbols", "BTCUSDT", "--start", "2020-02-01", "--end", "2020-02-29")
    assert archive.stats()["requests"] == 0
    run("backfill", "--symbols", "BTCUSDT")
    assert dict(ask(HELD)) == {"BTCUSDT": 1480}
    assert ask("SELECT count(*) FROM covered") == [(1,)]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["backfill", "--symbols", "BTCUSTD"], 2, "Unknown symbol BTCUSTD. Did you mean BTCUSDT"),
        (["update", "--symbols", "btcusdt"], 2, "Unknown symbol btcusdt. Did you mean BTCUSDT"),
        (["backfill", "--start", "2024-02-30"], 2, "'2024-02-30' is no day: write YYYY-MM-DD"),
        (
            ["backfill", "--start", "2024-01-05", "--end", "2024-01-04"],
            2,
            "--end 2024-01-04 lies before --start 2024-01-05",
        ),
        (["backfill", "--end", "2024-01-20"], 2, "is not over yet: the last whole day is 2024-01-19"),
        (["update", "--lookback", "0"], 2, "0 is not in the range 1<=x<=10000"),
        (["update", "--lookback", "-1"], 2, "-1 is not in the range 1<=x<=10000"),
        (["update", "--today", "2062-01-01"], 2, "more than a year ahead of this machine's clock"),
        (["discover", "--listing-url", "http://user:secret@127.0.0.1/b"], 2, "carries more than a host and a path"),
        (["update", "--lookback", "x"], 2, "'x' is not a valid integer"),
        (["discover", "--listing-url", "http://127.0.0.1:9/b"], 1, "the connection is refused"),
        (["discover", "--listing-url", "ftp://x/b"], 2, "is no address of a bucket"),
        (["discover", "--listing-url", "nonsense"], 2, "is no address of a bucket"),
        (["export", "--warehouse", "none.duckdb"], 1, "There is no warehouse at none.duckdb"),
        (["status", "--warehouse", "none.duckdb"], 1, "There is no warehouse at none.duckdb"),
        (["serve", "--site-dir", "nowhere"], 1, "There is no published file at nowhere/availability.db"),
    ],
)
def test_a_wrong_question_gets_one_sentence(filled: Run, arguments: list[str], code: int, sentence: str) -> None:
    before = ask("SELECT count(*) FROM listings WHERE complete")
    result = filled(*arguments, code=code)
    assert sentence in result.stderr
    assert result.stderr.count("Error:") == 1
    assert not result.stdout
    assert ask("SELECT count(*) FROM listings WHERE complete") == before
    assert not Path("none.duckdb").exists()


def test_before_the_first_discovery_every_command_says_what_to_do(bare: Run) -> None:
    assert "run `availability discover` first" in bare("export", code=1).stderr
    assert "run `availability discover` first" in bare("backfill", code=1).stderr
    bare("discover")
    assert "run `availability backfill` first" in bare("export", code=1).stderr
    assert not Path("site/availability.db").exists()


# -- faults ------------------------------------------------------------------------------------------

FAULTS = [
    (Fault("status", status=503), "HTTP 503"),
    (Fault("truncated"), "broke off"),
    (Fault("empty"), "empty though files must be there"),
    (Fault("status", status=403), "HTTP 403"),
    (Fault("status", status=301), "HTTP 301"),
    (Fault("cut"), "not a whole XML listing"),
    (Fault("wrong_length"), "not a whole XML listing"),
    (Fault("html"), "not a whole XML listing"),
    (Fault("reset"), "broke off"),
    (Fault("loop"), "do not increase"),
]


@pytest.mark.parametrize(
    ("fault", "cause"), first_few(FAULTS), ids=[fault.kind + str(fault.status) for fault, _ in FAULTS]
)
def test_a_fault_of_one_prefix_changes_nothing_of_it_and_keeps_the_others(
    filled: Run, archive: Replica, fault: Fault, cause: str
) -> None:
    before = ask("SELECT * FROM day_files WHERE symbol = 'BTCUSDT' ORDER BY ALL")
    archive.edit("add", symbol="ETHUSDT", day=str(HOLE))
    archive.set_faults([fault_of(fault, "BTCUSDT/")])
    result = filled("backfill", "--full", code=1)
    assert cause in result.stderr
    assert "1 of 6 symbols are not listed; the others are kept" in result.stderr
    assert "BTCUSDT: " in result.stderr
    assert archive.listing_url in result.stderr
    assert ask("SELECT * FROM day_files WHERE symbol = 'BTCUSDT' ORDER BY ALL") == before
    assert dict(ask(HELD))["ETHUSDT"] == 50
    assert [symbol for (symbol,) in ask("SELECT symbol FROM listings WHERE NOT complete")] == ["BTCUSDT"]
    assert json.loads(filled("status", "--json", code=1).stdout)["open_failures"] == 1
    archive.set_faults([])
    filled("backfill", "--full")
    assert dict(ask(HELD)) == {**DAYS, "ETHUSDT": 50}


def fault_of(fault: Fault, symbol: str) -> Fault:
    """Point a fault at one symbol."""
    return Fault(fault.kind, prefix=f"{KLINES}{symbol}", status=fault.status)


@pytest.mark.parametrize(
    "fault", first_few([fault for fault, _ in FAULTS]), ids=[fault.kind + str(fault.status) for fault, _ in FAULTS]
)
def test_a_fault_of_the_symbol_level_loses_no_symbol(filled: Run, archive: Replica, fault: Fault) -> None:
    archive.set_faults([Fault(fault.kind, prefix=KLINES, status=fault.status)])
    before = ask("SELECT * FROM symbols ORDER BY ALL")
    result = filled("discover", code=1)
    assert archive.listing_url in result.stderr
    assert ask("SELECT * FROM symbols ORDER BY ALL") == before
    assert ask("SELECT count(*) FROM listings WHERE symbol IS NULL AND NOT complete") == [(1,)]


def test_an_interrupted_first_run_is_completed_by_the_same_command(run: Run, archive: Replica) -> None:
    run("discover")
    archive.set_faults([Fault("status", prefix=f"{KLINES}BTCUSDT/", after=1)])  # its second page fails
    run("backfill", code=1)
    assert "BTCUSDT" not in dict(ask(HELD))
    archive.set_faults([])
    archive.reset_stats()
    run("backfill")
    assert dict(ask(HELD)) == DAYS
    assert archive.stats()["requests"] == PAGES["BTCUSDT"]


def test_a_purged_symbol_is_believed_when_the_symbol_level_says_so_too(filled: Run, archive: Replica) -> None:
    archive.edit("remove_symbol", symbol="SOLUSDT")
    assert "empty though files must be there" in filled("backfill", "--full", code=1).stderr
    assert dict(ask(HELD))["SOLUSDT"] == 5
    filled("discover")
    filled("backfill", "--full")
    assert "SOLUSDT" not in dict(ask(HELD))
    assert ask("SELECT change, count(*) FROM revisions GROUP BY change") == [("vanished", 5)]


@pytest.mark.parametrize("again", [("backfill", "--full"), ("backfill",)])
def test_an_empty_page_in_the_middle_is_no_end(run: Run, archive: Replica, again: tuple[str, ...]) -> None:
    run("discover")
    archive.set_faults([Fault("empty", prefix=f"{KLINES}BTCUSDT/", after=1, count=1)])
    assert "announced to follow is empty" in run(*again, code=1).stderr
    run("backfill")
    assert dict(ask(HELD)) == DAYS


def test_export_replaces_only_what_is_published(filled: Run) -> None:
    before = Path("warehouse.duckdb").read_bytes()
    assert "is not replaced" in filled("export", "warehouse.duckdb", code=2).stderr
    assert Path("warehouse.duckdb").read_bytes() == before
    assert "is a directory" in filled("export", ".", code=2).stderr
    Path("site").mkdir()
    Path("site/availability.db").symlink_to("availability-1.db")  # a published build, past whose gates nothing goes
    said = filled("export", code=2).stderr
    assert "site/availability.db is a link, and not replaced: `availability publish` checks a build" in said
    assert Path("site/availability.db").is_symlink()


@pytest.mark.parametrize(
    ("option", "command"),
    [("--site-dir", "export"), ("--warehouse", "discover"), ("--warehouse", "status"), ("--config", "vault status")],
)
def test_a_path_that_is_empty_is_not_this_folder(bare: Run, option: str, command: str) -> None:
    assert "it is empty; this folder is `.`." in bare(*command.split(), option, "", code=2).stderr
    assert list(Path().iterdir()) == []


def test_serve_refuses_a_file_that_is_not_published(run: Run) -> None:
    Path("site").mkdir()
    Path("site/availability.db").write_text("no database")
    assert "is no file published by this program" in run("serve", code=1).stderr


def test_an_empty_first_answer_is_not_believed_while_the_folder_is_there(run: Run, archive: Replica) -> None:
    run("discover")
    archive.set_faults([fault_of(Fault("empty"), "BTCUSDT/")])
    run("backfill", code=1)
    archive.set_faults([])
    run("backfill")
    assert dict(ask(HELD)) == DAYS


def test_an_empty_answer_about_days_never_looked_at_is_asked_about_again(run: Run, archive: Replica) -> None:
    run("discover")
    archive.set_faults([Fault("empty", prefix=f"{KLINES}BTCUSDT/", count=1)])
    since = ("backfill", "--start", "2024-01-10")
    assert "empty though files must be there" in run(*since, code=1).stderr
    assert ask("SELECT count(*) FROM covered WHERE symbol = 'BTCUSDT'") == [(0,)]
    run(*since)
    assert dict(ask(HELD)) == {"BTCUSDT": 10, "ETHUSDT": 9, "SOLUSDT": 5, "币安人生USDT": 10}
    assert ask("SELECT count(*) FROM covered") == [(6,)]


def test_an_empty_answer_about_yesterday_is_asked_about_again(filled: Run, archive: Replica) -> None:
    archive.set_now("2024-01-21T12:00:00Z")
    archive.set_faults([Fault("empty", prefix=f"{KLINES}ETHUSDT/", count=1)])
    update = ("update", "--method", "list", "--lookback", "1", "--today", "2024-01-21")
    assert "empty though files must be there" in filled(*update, code=1).stderr
    assert ask("SELECT symbol FROM listings WHERE NOT complete") == [("ETHUSDT",)]
    archive.reset_stats()
    filled(*update)
    assert dict(ask(HELD))["ETHUSDT"] == 50
    assert archive.stats()["requests"] == 1 + 6  # one each, for those that have ended are not asked about again


def test_a_bounded_backfill_long_ago_does_not_make_a_symbol_ended(run: Run, archive: Replica) -> None:
    run("discover")
    run("backfill", "--symbols", "BTCUSDT", "--end", "2023-06-30")
    archive.set_faults([Fault("empty", prefix=f"{KLINES}BTCUSDT/", count=1)])
    run("backfill", "--symbols", "BTCUSDT", "--start", "2024-01-10", code=1)
    assert ask("SELECT last_day FROM covered") == [(dt.date(2023, 6, 30),)]


def test_a_morning_without_any_new_file_is_believed_of_a_second_question(filled: Run, archive: Replica) -> None:
    archive.set_now("2024-01-21T03:00:00Z")
    archive.reset_stats()
    filled("update", "--method", "list", "--lookback", "1", "--today", "2024-01-21")
    assert ask("SELECT DISTINCT last_day FROM covered") == [(dt.date(2024, 1, 20),)]
    live = {"BTCUSDT", "ETHUSDT", "SOLUSDT", "币安人生USDT"}
    assert archive.stats()["requests"] == 1 + 6 + sum(1 + PAGES[name] for name in live)


def test_the_only_file_of_a_window_may_vanish(filled: Run, archive: Replica) -> None:
    for number in range(14, 19):
        archive.edit("remove", symbol="SOLUSDT", day=f"2024-01-{number + 1:02d}")
    archive.edit("add", symbol="SOLUSDT", day="2023-06-01")
    filled("backfill", "--full", "--symbols", "SOLUSDT")
    archive.edit("add", symbol="SOLUSDT", day="2024-01-17")
    filled("update", "--method", "list")
    archive.edit("remove", symbol="SOLUSDT", day="2024-01-17")
    filled("update", "--method", "list")
    assert ask("SELECT date FROM day_files WHERE symbol = 'SOLUSDT' AND vanished_at IS NULL") == [
        (dt.date(2023, 6, 1),)
    ]


def test_an_archive_that_refuses_everything_is_not_asked_a_thousand_times(run: Run, archive: Replica) -> None:
    archive.edits(
        [{"action": "add_symbol", "symbol": f"N{number}USDT", "first_day": "2024-01-10"} for number in range(90)]
    )
    run("discover")
    archive.set_faults([Fault("status", status=403, prefix=KLINES)])
    archive.reset_stats()
    stderr = run("backfill", code=1).stderr
    assert archive.stats()["requests"] < 60
    assert "96 of 96 symbols are not listed" in stderr
    assert "were not asked" in stderr
    archive.set_faults([])
    run("backfill")
    assert len(dict(ask(HELD))) == 96


def test_an_enumeration_that_lost_most_symbols_is_refused(filled: Run, archive: Replica) -> None:
    for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNXUSDTSETTLED"):
        archive.edit("remove_symbol", symbol=name)
    assert "lists 2 symbols" in filled("discover", code=1).stderr
    archive.edit("add_symbol", symbol="BTCUSDT", first_day="2020-01-01")
    filled("discover")


def test_a_time_that_is_none_spoils_its_own_symbol_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("discover")
    real = stores.read_page

    def odd(body: bytes, **about: str) -> Page:
        page = real(body, **about)
        spoiled = ["2024-13-45T99:99:99.000Z" for _ in page.last_modified]
        return page._replace(last_modified=spoiled) if "/ETHUSDT/" in about["prefix"] else page

    monkeypatch.setattr(stores, "read_page", odd)
    assert "ETHUSDT" in run("backfill", code=1).stderr
    assert set(dict(ask(HELD))) == set(DAYS) - {"ETHUSDT"}


def test_days_missing_are_counted_over_all_symbols(run: Run, archive: Replica) -> None:
    archive.edit("remove", symbol="BTCUSDT", day=str(HOLE))
    run("discover")
    run("backfill")
    assert ask("SELECT date, missing FROM daily_counts WHERE missing > 0") == [(HOLE, 2)]


def test_gaps_tell_symbols_without_a_file_from_those_never_listed(filled: Run, archive: Replica) -> None:
    archive.edit("add_symbol", symbol="NEWUSDT", first_day="2024-01-02")
    archive.edit("remove_symbol", symbol="SOLUSDT")
    filled("discover")
    filled("backfill", "--full", "--symbols", "SOLUSDT")
    last = filled("query", "gaps", "--warehouse").stdout.splitlines()[-2:]
    assert last == ["no file held: SOLUSDT", "never listed: NEWUSDT"]
    assert json.loads(filled("query", "gaps", "--no-data", "--json", "--warehouse").stdout) == ["NEWUSDT", "SOLUSDT"]


def test_status_tells_what_the_warehouse_holds(filled: Run) -> None:
    status = json.loads(filled("status", "--json").stdout)
    assert (status["symbols"], status["day_files"], status["looked_through"]) == (6, 1680, str(LAST))
    assert "day files              1680" in filled("status").stdout


# -- the machine -------------------------------------------------------------------------------------


def command(*arguments: str, **settings: Any) -> subprocess.Popen[str]:
    """Start the real program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "etl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
    )


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_complete_and_says_so(run: Run, archive: Replica, number: int) -> None:
    run("discover")
    archive.set_faults([Fault("slow", prefix=f"{KLINES}SOLUSDT/", seconds=6)])
    process = command("backfill")
    deadline = time.monotonic() + 20
    while archive.stats()["list_pages"] < 1 + sum(PAGES.values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Interrupted. " in errors
    assert "Traceback" not in errors
    assert set(dict(ask(HELD))) >= set(DAYS) - {"SOLUSDT"}


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Hold the warehouse open for writing in another process."""
    program = f"import duckdb, time; c = duckdb.connect({path!r}); print('open', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def test_a_locked_warehouse_names_who_holds_it(filled: Run) -> None:
    with writing("warehouse.duckdb"):
        for arguments in (["status"], ["export"], ["update"]):
            sentence = filled(*arguments, code=1).stderr
            assert "is in use by another process (process " in sentence


@pytest.mark.long
def test_a_full_disk_is_one_sentence_and_leaves_the_old_state(filled: Run) -> None:
    filled("export")
    old = Path("site/availability.db").read_bytes()

    def tiny_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))

    for arguments in (["export"], ["backfill", "--full"]):
        process = command(*arguments, preexec_fn=tiny_files)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 1, errors
        assert "Traceback" not in errors
        assert len([line for line in errors.splitlines() if line.startswith("Error:")]) == 1
    assert Path("site/availability.db").read_bytes() == old
    assert list(Path("site").iterdir()) == [Path("site/availability.db")]
    assert dict(ask(HELD)) == DAYS


def test_a_folder_that_cannot_be_written_is_one_sentence(filled: Run) -> None:
    Path("blocked").write_text("a file, not a folder")
    assert "Error:" in filled("export", "blocked/site.db", code=1).stderr
    assert "Error:" in filled("discover", "--warehouse", "blocked/w.duckdb", code=1).stderr
    assert "Error:" in filled("discover", "--warehouse", "no/such/folder/w.duckdb", code=1).stderr


SOME_RECORDED = 6  # pages: the first symbol has three, two answers later it is recorded
ONE_A_TRANSACTION = """
from etl import collect
from etl.__main__ import main
record, collect._DAYS_A_TRANSACTION = collect._record, 1
def and_tell(*what):
    failures = record(*what)
    print("recorded", flush=True)
    return failures
collect._record = and_tell
main()
"""


def killed(archive: Replica, pages: int, *arguments: str) -> None:
    """Run a command that records each listing by itself, and kill it once the archive has given so many pages."""
    archive.set_latency(200)
    archive.reset_stats()
    program = [sys.executable, "-c", ONE_A_TRANSACTION, *arguments, "--workers", "1"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        deadline = time.monotonic() + 20
        while archive.stats()["list_pages"] < pages and time.monotonic() < deadline:
            time.sleep(0.005)
        if pages >= SOME_RECORDED and process.stdout:
            assert "recorded\n" in process.stdout
        assert process.poll() is None, "it was to be hit while it runs"
        process.kill()
    archive.set_latency(0)


@pytest.mark.long
@pytest.mark.parametrize("pages", [1, 4, 5, 6, 7])
def test_kill_9_of_a_backfill_leaves_whole_listings_that_the_next_run_completes(
    run: Run, archive: Replica, pages: int
) -> None:
    run("discover")
    killed(archive, pages, "backfill")
    listed = dict(ask("SELECT symbol, day_files FROM listings WHERE symbol IS NOT NULL AND complete"))
    assert dict(ask(HELD)) == listed
    assert len(listed) < len(DAYS)
    assert listed or pages < SOME_RECORDED
    run("check")
    run("backfill")
    run("check")
    assert dict(ask(HELD)) == DAYS


BOUNDARY = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "币安人生USDT")  # the symbols with a file of yesterday
KEPT = "SELECT symbol, date, file_size_bytes, etag, has_checksum, vanished_at IS NULL FROM day_files ORDER BY ALL"
MOVED = "SELECT symbol, date, change, old_etag, new_etag FROM revisions ORDER BY ALL"


@pytest.mark.long
@pytest.mark.parametrize("pages", [1, 3, 4, 5, 6])
def test_kill_9_of_an_update_leaves_each_symbol_as_it_was_or_as_it_is(
    filled: Run, archive: Replica, pages: int
) -> None:
    archive.edits(
        [
            *({"action": "reupload", "symbol": name, "day": "2024-01-15", "size": 50_000} for name in BOUNDARY),
            *({"action": "remove", "symbol": name, "day": "2024-01-17"} for name in BOUNDARY),
        ]
    )
    shutil.copy("warehouse.duckdb", "whole.duckdb")
    update = ("update", "--lookback", "10", "--method", "list")
    filled(*update, "--warehouse", "whole.duckdb")
    killed(archive, pages, *update)
    moves = dict(ask("SELECT symbol, count(*) FROM revisions GROUP BY symbol"))
    assert set(moves.values()) <= {2}
    assert len(moves) < len(BOUNDARY)
    newest = ask("SELECT symbol, count(*) FROM listings WHERE first_day IS NOT NULL AND complete GROUP BY symbol")
    assert set(moves) == {symbol for symbol, _ in newest} & set(BOUNDARY)
    filled("check")
    filled(*update)
    filled("check")
    with duckdb.connect("whole.duckdb", read_only=True) as con:
        assert (ask(KEPT), ask(MOVED)) == (con.execute(KEPT).fetchall(), con.execute(MOVED).fetchall())
