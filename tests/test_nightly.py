"""One command does what a timer is for; what fails is named, the rest is done, and the next run heals."""

import datetime as dt
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from etl import locks
from etl.clock import now
from etl.nightly import LOCK, full_listing_since, last_full_at
from etl.replica.faults import Fault
from etl.replica.server import Replica
from etl.warehouse import open_warehouse
from tests.archive import DAYS, NOW
from tests.conftest import Run
from tests.serving import serving

STEPS = ("discover", "update", "full", "check", "publish")
KLINES = "data/futures/um/daily/klines/"
TOMORROW = f"{NOW + dt.timedelta(days=1):%Y-%m-%d}"


def steps(said: str) -> dict[str, dict[str, Any]]:
    """Return the log line of each step by its name."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {line["step"]: line for line in lines if line["component"] == "nightly"}


class Ended(NamedTuple):
    """A nightly run that has ended."""

    steps: dict[str, dict[str, Any]]  # the log line of each
    outcomes: list[str]
    stdout: str
    stderr: str


Nightly = Callable[..., Ended]


@pytest.fixture
def nightly(run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Nightly:
    """Run ``availability nightly`` and read its log; no new day of full listings begins meanwhile."""
    monkeypatch.setattr("etl.nightly.FULL_AT", (now() + dt.timedelta(hours=12)).time())

    def invoke(*arguments: str, code: int = 0) -> Ended:
        capsys.readouterr()
        result = run("nightly", *arguments, code=code)
        log = capsys.readouterr().err
        told = steps(log)
        assert list(told) in ([], list(STEPS))
        return Ended(told, [line["outcome"] for line in told.values()], result.stdout, result.stderr + log)

    return invoke


def ran() -> list[tuple[str, str]]:
    with duckdb.connect("warehouse.duckdb", read_only=True) as con:
        return con.execute("SELECT command, outcome FROM runs ORDER BY run_id").fetchall()


def held() -> dict[str, int]:
    with duckdb.connect("warehouse.duckdb", read_only=True) as con:
        return dict(con.execute("SELECT symbol, count(*) FROM day_files GROUP BY symbol").fetchall())


# -- when everything is listed again ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "since"),
    [
        ("2024-01-20T06:59:59", "2024-01-19T07:00"),
        ("2024-01-20T07:00:00", "2024-01-20T07:00"),
        ("2024-01-20T23:00:00", "2024-01-20T07:00"),
        ("2024-03-01T00:10:00", "2024-02-29T07:00"),
    ],
)
def test_a_day_of_full_listings_begins_at_seven_in_the_morning(moment: str, since: str) -> None:
    assert last_full_at(dt.datetime.fromisoformat(moment)) == dt.datetime.fromisoformat(since)


FULL = {"full": True}


@pytest.mark.parametrize(
    ("command", "outcome", "arguments", "at", "counts"),
    [
        ("backfill", "done", FULL, "08:00", True),  # of a nightly run or by hand
        ("backfill", "done", FULL, "07:00", True),
        ("backfill", "done", FULL, "06:59", False),
        ("backfill", "done", FULL, "13:00", False),  # by a clock that ran ahead
        ("backfill", "failed", FULL, "08:00", False),
        ("backfill", "running", FULL, "08:00", False),
        ("backfill", "done", {}, "08:00", False),
        ("backfill", "done", FULL | {"symbols": ["BTCUSDT"]}, "08:00", False),
        ("backfill", "done", FULL | {"start": "2024-01-01"}, "08:00", False),
        ("update", "done", FULL, "08:00", False),
    ],
)
def test_only_a_whole_listing_of_everything_counts(
    blank: Path, tmp_path: Path, command: str, outcome: str, arguments: dict[str, Any], at: str, *, counts: bool
) -> None:
    shutil.copy(blank, tmp_path / "warehouse.duckdb")
    started_at = dt.datetime.fromisoformat(f"2024-01-20T{at}")
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        columns = "run_id, command, arguments, started_at, outcome, pid, host"
        row = ["1", command, json.dumps(arguments), started_at, outcome, 1, "here"]
        con.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        found = full_listing_since(con, dt.datetime(2024, 1, 20, 7), dt.datetime(2024, 1, 20, 12))  # noqa: DTZ001
    assert found == (started_at if counts else None)


# -- what is in the way ----------------------------------------------------------------------------


def test_a_refusing_archive_is_named_and_no_file_of_it_is_asked_for(nightly: Nightly, archive: Replica) -> None:
    archive.set_faults([Fault("status", prefix=KLINES, status=403)])
    ended = nightly(code=1)
    assert ended.outcomes == ["failed", "not run", "not run", "done", "failed"]
    assert "HTTP 403" in ended.steps["discover"]["error"]
    assert archive.stats()["requests"] == 1
    assert "Error: The nightly run is not whole. discover failed: http" in ended.stderr
    assert "publish failed: The warehouse holds no complete listing yet" in ended.stderr
    assert "Not run: update, full.\n" in ended.stderr


def test_a_warehouse_in_use_is_in_the_way_of_everything(nightly: Nightly) -> None:
    with open_warehouse(Path("warehouse.duckdb")):
        ended = nightly(code=1)
    assert ended.outcomes == ["failed", *["not run"] * 4]
    assert f"process {os.getpid()} " in ended.stderr
    assert ended.steps["publish"]["said"] == "discover could not use the warehouse."
    assert not Path("site/availability.db").exists()


def test_the_second_of_two_says_who_is_at_work_and_ends(nightly: Nightly, archive: Replica) -> None:
    Path("site").mkdir()
    with locks.held(Path("site") / LOCK, "nightly", "busy"):
        ended = nightly(code=1)
    assert f"site is being rebuilt by process {os.getpid()} on " in ended.stderr
    assert "(nightly) since 2" in ended.stderr
    assert (archive.stats()["requests"], ended.steps) == (0, {})


@pytest.mark.parametrize(
    ("wrong", "said"), [(["--target", "ftp://x"], "is no target"), (["--url", "x"], "is no address")]
)
def test_a_wrong_setting_is_refused_before_anything_is_done(
    bare: Run, archive: Replica, wrong: list[str], said: str
) -> None:
    assert said in bare("nightly", *wrong, code=2).stderr
    assert (archive.stats()["requests"], Path("warehouse.duckdb").exists()) == (0, False)


# -- the whole way ---------------------------------------------------------------------------------


@pytest.mark.long
def test_the_first_run_builds_the_site_and_the_next_lists_only_what_is_new(nightly: Nightly, archive: Replica) -> None:
    ended = nightly()
    assert ended.outcomes == ["done"] * 5
    assert all(line["seconds"] >= 0 for line in ended.steps.values())
    assert ended.steps["update"]["said"].startswith("6 of 6 symbols listed with 8 requests: 1,680 day files")
    assert "Published: " in ended.stdout
    with serving(Path("site/availability.db").absolute(), AVAILABILITY_TODAY=TOMORROW) as site:
        old = site.get("/-/healthz").json()["build_id"]
        archive.set_now(f"{TOMORROW}T12:00:00Z")
        archive.reset_stats()
        again = nightly("--today", TOMORROW, "--url", site.url)
        assert site.get("/-/healthz").json()["build_id"] != old
        assert site.rows("/availability/coverage.json?symbol=BTCUSDT&_shape=array")[0]["latest"] == str(NOW.date())
    assert again.outcomes == ["done", "done", "not due", "done", "done"]
    assert archive.stats()["requests"] == 1 + len(DAYS)
    assert f"Smoke test at {site.url}: passed" in again.stdout
    assert ran() == [(name, "done") for name in ("discover", "update", "backfill", "discover", "update")]


@pytest.mark.long
def test_one_symbol_that_fails_holds_up_no_other(nightly: Nightly, archive: Replica) -> None:
    archive.set_faults([Fault("status", prefix=f"{KLINES}ETHUSDT/", status=503)])
    ended = nightly(code=1)
    assert ended.outcomes == ["done", "failed", "failed", "done", "done"]
    assert "update failed: 1 of 6 symbols are not listed" in ended.stderr
    failed = [json.loads(line) for line in ended.stderr.splitlines() if '"listing failed"' in line]
    assert [(line["symbol"], line["status"]) for line in failed] == [("ETHUSDT", 503)] * 2
    with closing(sqlite3.connect("site/availability.db")) as site:
        assert site.execute("SELECT count(*) FROM extents").fetchone() == (len(DAYS) - 1,)
    archive.set_faults([])
    assert nightly().outcomes == ["done"] * 5  # the full listing is still due
    assert held() == DAYS


@pytest.mark.long
def test_a_hole_in_the_market_is_refused_until_it_is_accepted(nightly: Nightly, archive: Replica) -> None:
    for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "币安人生USDT"):
        archive.edit("remove", symbol=name, day="2024-01-15")
    ended = nightly(code=1)
    assert ended.outcomes == ["done", "done", "done", "failed", "failed"]
    assert "check failed: Errors found: A201 (1). publish failed: Build " in ended.stderr
    assert not Path("site/availability.db").exists()
    assert nightly("--accept", "A201").outcomes == ["done", "done", "not due", "done", "done"]
    assert Path("site/availability.db").exists()


# -- ended on the way ------------------------------------------------------------------------------


@pytest.fixture
def waiting(run: Run, archive: Replica) -> Callable[..., subprocess.Popen[str]]:
    """Start a real nightly run whose update waits for one symbol."""

    def start(seconds: float = 6) -> subprocess.Popen[str]:
        run("discover")
        archive.set_faults([Fault("slow", prefix=f"{KLINES}SOLUSDT/", seconds=seconds)])
        archive.reset_stats()
        command = [sys.executable, "-m", "etl", "nightly"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while archive.stats()["list_pages"] < len(DAYS) or not archive.stats()["faults"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    return start


@pytest.mark.long
def test_sigterm_keeps_what_is_complete_and_ends(
    waiting: Callable[..., subprocess.Popen[str]], run: Run, archive: Replica
) -> None:
    process = waiting()
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    outcomes = [line["outcome"] for line in steps(said).values()]
    assert outcomes == ["done", "interrupted", "not run", "not run", "not run"]
    assert "Not run: full, check, publish." in said
    assert "Traceback" not in said
    assert ran()[-1] == ("update", "interrupted")
    archive.set_faults([])
    run("nightly")
    assert held() == DAYS


@pytest.mark.long
def test_a_second_ctrl_c_waits_for_no_answer(
    waiting: Callable[..., subprocess.Popen[str]], run: Run, archive: Replica
) -> None:
    process = waiting(60)
    archive.set_faults([])
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stderr
    assert any(line.startswith("Stopping: ") for line in process.stderr)  # two signals at once would be one
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.wait(60)
    assert time.monotonic() - began < 50  # the slow answer takes 60
    assert process.returncode == 1
    assert said.splitlines()[-1] == (
        "Error: The nightly run was stopped. update interrupted: stopped before its end. Not run: full, check, publish."
    )
    assert "Traceback" not in said
    assert ran()[-1] == ("update", "interrupted")
    run("nightly")
    assert held() == DAYS


HEARING = (  # what shells start in the background ignores Ctrl-C
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from etl.__main__ import main; main()"
)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_listings_ends_in_a_sentence_too(filled: Run, number: int) -> None:
    command = ["nice", "-n", "19", sys.executable, "-c", HEARING, "nightly"]  # it must not end before it is hit
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = next(line for line in process.stderr if '"step": "full"' in line)
        for each in (signal.SIGSTOP, number, signal.SIGCONT):
            process.send_signal(each)
        said = line + process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith(("Error: The nightly run was stopped. ", "Error: Interrupted: "))
    filled("nightly")


@pytest.mark.long
def test_a_killed_run_is_completed_by_the_next(
    waiting: Callable[..., subprocess.Popen[str]], run: Run, archive: Replica
) -> None:
    process = waiting(60)
    process.kill()
    process.communicate()
    archive.set_faults([])
    run("nightly")
    assert ("update", "died") in ran()
    assert held() == DAYS


@pytest.mark.long
def test_sigterm_drops_a_build_that_is_not_live_yet(filled: Run) -> None:
    command = [sys.executable, "-m", "etl", "nightly"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(Path("site").glob(".building-*/*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert [line["outcome"] for line in steps(said).values()] == [*["done"] * 4, "interrupted"]
    assert {path.name for path in Path("site").iterdir()} == {LOCK, ".publish.lock"}
    filled("nightly")
    assert Path("site/availability.db").exists()
