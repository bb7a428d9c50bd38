"""Every run leaves a row that says how it ended, even one that could not say it itself."""

import datetime as dt
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import duckdb
import pytest

from etl import clock, runs
from etl.cli.nightly import nightly
from etl.cli.recorded import given
from etl.errors import AvailabilityError
from etl.replica.faults import Fault
from etl.replica.server import Replica
from etl.warehouse import open_warehouse
from tests.archive import DAYS, PAGES
from tests.conftest import Run

KLINES = "data/futures/um/daily/klines/"


def told(columns: str, path: str = "warehouse.duckdb") -> list[tuple[Any, ...]]:
    """Return some columns of all runs, in order."""
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(f"SELECT {columns} FROM runs ORDER BY run_id").fetchall()


def test_a_run_that_is_done_tells_when_what_and_how_much(run: Run, archive: Replica) -> None:
    run("discover")
    run("backfill", "--symbols", "BTCUSDT,ETHUSDT", "--end", "2024-01-15")
    archive.edit("add", symbol="ETHUSDT", day="2024-01-10")
    archive.edit("remove", symbol="ETHUSDT", day="2024-01-12")
    archive.edit("reupload", symbol="BTCUSDT", day="2024-01-12", size=50_000)
    run("update")
    assert told("command, outcome, asked, recorded, requests, added, changed, vanished, returned, failures, error") == [
        ("discover", "done", 1, 1, 1, None, None, None, None, 0, None),
        ("backfill", "done", 2, 2, 4, 1521, 0, 0, 0, 0, None),
        ("update", "done", 7, 7, 7, 8 + 1 + 5 + 90 + 41 + 15, 1, 1, 0, 0, None),
    ]
    assert [json.loads(text) for (text,) in told("arguments")] == [
        {"files_url": archive.files_url, "listing_url": archive.listing_url},
        {
            "end": "2024-01-15",
            "listing_url": archive.listing_url,
            "symbols": ["BTCUSDT", "ETHUSDT"],
            "today": "2024-01-20",
            "workers": 4,
        },
        {"files_url": archive.files_url, "listing_url": archive.listing_url, "today": "2024-01-20", "workers": 4},
    ]
    assert all(start <= end and host for start, end, host in told("started_at, ended_at, host"))
    times = [f"{start:%Y%m%dT%H%M%S}" for (start,) in told("started_at")]
    assert [run_id[:15] for (run_id,) in told("run_id")] == times


def test_no_path_of_this_machine_is_recorded_for_runs_are_published() -> None:
    asked = ["--warehouse", "w.duckdb", "--site-dir", "s", "--vault-config", "v.yaml", "--workers", "3"]
    with nightly.make_context("nightly", asked) as ctx:
        assert given(ctx) == {"workers": 3}


def test_a_run_that_fails_tells_why_and_its_failures_are_among_the_listings(run: Run, archive: Replica) -> None:
    run("discover")
    archive.set_faults([Fault("status", prefix=f"{KLINES}BTCUSDT/", status=503)])
    run("backfill", code=1)
    columns = "outcome, asked, recorded, failures, error, started_at, ended_at"
    outcome, asked, recorded, failures, error, start, end = told(columns)[-1]
    assert (outcome, asked, recorded, failures) == ("failed", 6, 5, 1)
    assert error.startswith("1 of 6 symbols are not listed")
    with duckdb.connect("warehouse.duckdb", read_only=True) as con:
        query = "SELECT symbol, status_code FROM listings WHERE NOT complete AND started_at BETWEEN ? AND ?"
        assert con.execute(query, [start, end]).fetchall() == [("BTCUSDT", 503)]


def test_a_run_that_fails_before_it_could_count_tells_why(run: Run, archive: Replica) -> None:
    archive.set_faults([Fault("status", prefix=KLINES, status=403)])
    run("discover", code=1)
    ((outcome, asked, error),) = told("outcome, asked, error")
    assert (outcome, asked) == ("failed", None)
    assert "HTTP 403" in error


def test_a_wrong_question_is_no_run(run: Run) -> None:
    run("discover")
    run("backfill", "--symbols", "NOSUCH", code=2)
    run("backfill", "--start", "2024-02-30", code=2)
    assert told("command") == [("discover",)]


def test_a_clock_that_stands_before_the_newest_run_is_refused_and_changes_nothing(run: Run) -> None:
    run("discover")
    with duckdb.connect("warehouse.duckdb") as con:
        con.execute("UPDATE runs SET started_at = '2999-01-01 00:00:00'")
    refused = run("update", code=1)
    assert told("command") == [("discover",)]
    assert "clock says" in refused.output
    assert "clock says" in run("status", code=1).output
    assert "2999-01-01" in refused.output


def test_reading_leaves_no_row(run: Run) -> None:
    for command in ("discover", "backfill", "status", "check", "export"):
        run(command)
    assert told("command") == [("discover",), ("backfill",)]


def started(*arguments: str) -> subprocess.Popen[str]:
    """Start the real program in a process of its own."""
    command = [sys.executable, "-m", "etl", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def waiting(run: Run, archive: Replica) -> Callable[..., subprocess.Popen[str]]:
    """Start a backfill that has listed all but one symbol and waits for the last."""

    def start(seconds: float = 6) -> subprocess.Popen[str]:
        run("discover")
        archive.set_faults([Fault("slow", prefix=f"{KLINES}SOLUSDT/", seconds=seconds)])
        archive.reset_stats()
        process = started("backfill")
        deadline = time.monotonic() + 20
        while archive.stats()["list_pages"] < sum(PAGES.values()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    return start


@pytest.mark.long
def test_a_run_that_is_interrupted_says_so(waiting: Callable[..., subprocess.Popen[str]]) -> None:
    process = waiting()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "Interrupted. " in errors) == (1, True)
    outcome, asked, recorded, pid, error = told("outcome, asked, recorded, pid, error")[-1]
    assert (outcome, asked, pid) == ("interrupted", len(DAYS), process.pid)
    assert recorded >= len(DAYS) - 1
    assert error.startswith("Interrupted. ")


def test_a_run_that_was_killed_is_found_dead_by_the_next(
    waiting: Callable[..., subprocess.Popen[str]], run: Run, archive: Replica
) -> None:
    process = waiting(60)
    process.kill()
    process.communicate()
    assert told("outcome, ended_at, pid")[-1] == ("running", None, process.pid)
    status = json.loads(run("status", "--today", str(dt.datetime.now(dt.UTC).date()), "--json", code=1).stdout)
    assert (status["runs"], status["runs_done"], status["success_rate"]) == (2, 1, 0.5)
    assert (status["last_command"], status["last_outcome"]) == ("backfill", "died")
    assert any("its process was killed" in why for why in status["why"])
    archive.set_faults([])
    run("backfill")
    died, done = told("outcome, ended_at IS NULL, asked, error")[-2:]
    assert died == ("died", True, None, "its process ended without a word")
    assert done == ("done", False, len(DAYS), None)


@pytest.mark.long
def test_a_run_that_died_is_published_as_such_and_with_the_same_bytes(run: Run) -> None:
    run("discover")
    run("backfill")
    with open_warehouse(Path("warehouse.duckdb")) as con:
        con.execute("UPDATE runs SET outcome = 'running', ended_at = NULL WHERE command = 'backfill'")
        con.execute("UPDATE runs SET run_id = run_id || '-4711' WHERE command = 'discover'")  # as older versions did
        rows = con.execute((Path(runs.__file__).parent / "sql" / "site" / "runs.sql").read_text()).fetchall()
    assert [(row[1], row[4] is None, row[5]) for row in rows] == [
        ("discover", False, "done"),
        ("backfill", True, "died"),
    ]
    run("export")
    run("export", "again.db")
    assert Path("again.db").read_bytes() == Path("site/availability.db").read_bytes()
    with sqlite3.connect("again.db") as site:
        columns = [name for (name,) in site.execute("SELECT name FROM pragma_table_info('runs')")]
        assert {"pid", "host"} & set(columns) == set()
        assert [run_id[-1] for (run_id,) in site.execute("SELECT run_id FROM runs")] == ["Z", "Z"]
        assert site.execute("SELECT command, outcome FROM runs ORDER BY run_id").fetchall() == [
            ("discover", "done"),
            ("backfill", "died"),
        ]


@pytest.mark.parametrize(
    ("error", "outcome", "said"),
    [
        (AvailabilityError("It is not there."), "failed", "It is not there."),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
        (ZeroDivisionError("division by zero"), "failed", "division by zero"),
        (SystemExit(3), "failed", "3"),
    ],
)
def test_whatever_ends_a_run_is_recorded_and_goes_on(
    tmp_path: Path, error: BaseException, outcome: str, said: str
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        with pytest.raises(type(error)), runs.recording(con, "update", {}):
            raise error
        assert con.execute("SELECT outcome, error, arguments FROM runs").fetchall() == [(outcome, said, "{}")]


TODAY = dt.date(2024, 1, 31)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ([], (0, 0, None)),
        ([(1, "done")], (1, 1, 1.0)),
        ([(0, "done"), (1, "failed"), (2, "interrupted"), (3, "died"), (4, "running")], (5, 1, 0.2)),  # it was killed
        ([(29, "done"), (30, "failed")], (1, 1, 1.0)),  # 30 days, today included
        ([(n, "done") for n in range(19)] + [(3, "failed")], (20, 19, 0.95)),
    ],
)
def test_the_success_rate_is_that_of_the_last_30_days(
    blank: Path, tmp_path: Path, ended: list[tuple[int, str]], expected: tuple[int, int, float | None]
) -> None:
    with open_warehouse(copy(blank, tmp_path / "warehouse.duckdb")) as con:
        for number, (days_ago, outcome) in enumerate(ended):
            start = dt.datetime.combine(TODAY - dt.timedelta(days=days_ago), dt.time(1))
            row = [str(number), "update", "{}", start, outcome, 1, "here"]
            columns = "run_id, command, arguments, started_at, outcome, pid, host"
            con.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        assert runs.success(con, TODAY)[:4] == (*expected, 0.95)


def test_the_success_rate_counts_by_the_clock_of_the_runs_whatever_day_is_today_for_the_files(run: Run) -> None:
    run("discover")
    for today in ("2000-01-01", f"{clock.today() + dt.timedelta(days=60)}"):
        assert json.loads(run("status", "--json", "--today", today, code=1).stdout)["runs"] == 1


def test_status_tells_runs_freshness_and_what_is_open(run: Run) -> None:
    run("discover")
    run("backfill")
    status = json.loads(run("status", "--json").stdout)
    expected = {
        "runs": 2,
        "runs_done": 2,
        "success_rate": 1.0,
        "success_target": 0.95,
        "open_errors": 0,
        "open_warnings": 0,
        "not_checked": 4,
        "open_findings": {},
        "looked_through": "2024-01-19",
        "days_behind": 0,
    }
    assert {name: status[name] for name in expected} == expected
    with duckdb.connect("warehouse.duckdb") as con:
        con.execute(
            "UPDATE day_files SET has_checksum = FALSE, etag = '' WHERE date = '2024-01-12' AND symbol = 'ETHUSDT'"
        )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status["last_listing_at"])
    shown = run("status", "--today", "2024-01-25", code=1).stdout
    assert f"last listing at        {status['last_listing_at']}\n" in shown
    assert "days behind            5\n" in shown
    assert "success rate           1.0\n" in shown
    assert "open errors            1\n" in shown
    assert "open findings          A104 1, A301 1, A405 1\n" in shown
