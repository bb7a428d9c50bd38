"""kill -9 at random moments of backfill and update: what is left must be whole, and the next run completes it."""

import datetime as dt
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copy
from typing import NamedTuple

import duckdb

from etl.checks import ERROR, findings, run_checks
from etl.keys import UM_KLINES_1M
from etl.replica.server import Replica
from etl.warehouse import open_warehouse
from tests.bench.measure import TODAY, Ground, latency
from tests.bench.table import Row, exactly, known

KILLS = 100  # that hit a running process; what had ended before does not count
_MOST_TRIES = 3 * KILLS
_NAMES = ("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "TRX", "LTC", "LINK", "AVAX")
_SYMBOLS = ",".join(f"{name}USDT" for name in _NAMES)
_LATENCY = 40  # ms: long enough for a kill to fall between two answers
_FACTS = "SELECT symbol, date, file_size_bytes, etag, vanished_at IS NULL FROM day_files ORDER BY ALL"
_HALF = """
SELECT count(*) FROM (
    SELECT symbol, max(day_files) AS said FROM listings WHERE symbol IS NOT NULL AND complete AND first_day IS NULL
    GROUP BY symbol
) FULL JOIN (SELECT symbol, count(*) AS held FROM day_files GROUP BY symbol) USING (symbol)
WHERE said IS DISTINCT FROM held
"""
# Each listing in a transaction of its own, so that a kill can fall between two of them.
_ONE_A_TRANSACTION = "from etl import collect; collect._DAYS_A_TRANSACTION = 1; from etl.__main__ import main; main()"
_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Killed(NamedTuple):
    """What one kill left behind."""

    half: bool  # a listing recorded in part
    wrong: bool  # a check of the warehouse against itself finds an error
    unhealed: bool  # the next run did not complete it


def kills(ground: Ground) -> Iterator[Row]:
    """Kill backfill and update in turn until KILLS of them hit; count what was not whole or not healed."""
    dice = random.Random(1)
    begun, done = ground.folder / "known.duckdb", ground.folder / "done.duckdb"
    _run(ground.replica, "discover", begun)
    copy(begun, done)
    _run(ground.replica, "backfill", done, "--symbols", _SYMBOLS)
    pages = {name: _pages(ground.replica, name, path) for name, path in (("backfill", begun), ("update", done))}
    hits, tries = list[Killed](), 0
    with latency(ground.replica, _LATENCY):
        while len(hits) < KILLS and tries < _MOST_TRIES:
            command, start = (("backfill", begun), ("update", done))[tries % 2]
            tries += 1
            if left := _try(ground, command, start, done, after=dice.randint(1, pages[command]), dice=dice):
                hits.append(left)
    half, wrong, unhealed = (sum(column) for column in zip(*hits, strict=True)) if hits else (0, 0, 0)
    yield exactly("kill -9 of a running `backfill` or `update`, at random moments", len(hits), KILLS)
    yield known("tries that took", tries, "")
    yield exactly("warehouses that held half a listing afterwards", half, 0)
    yield exactly("warehouses in which `check` finds an error", wrong, 0)
    yield exactly("warehouses whose facts differ after the next run", unhealed, 0)


def _pages(replica: Replica, command: str, start: Path) -> int:
    """Count the pages of a command that nobody disturbs."""
    path = start.with_name("counted.duckdb")
    copy(start, path)
    replica.reset_stats()
    _run(replica, command, path, "--symbols", _SYMBOLS)
    return int(replica.stats()["list_pages"])


def _try(ground: Ground, command: str, start: Path, done: Path, *, after: int, dice: random.Random) -> Killed | None:
    """Kill one command a moment after so many pages; None where it had ended by then."""
    path = ground.folder / "killed.duckdb"
    path.with_name("killed.duckdb.wal").unlink(missing_ok=True)
    copy(start, path)
    ground.replica.reset_stats()
    words = _words(ground.replica, command, path, "--symbols", _SYMBOLS, "--workers", "2")
    program = [sys.executable, "-c", _ONE_A_TRANSACTION, *words]
    with subprocess.Popen(program, **_QUIET) as process:
        while process.poll() is None and ground.replica.stats()["list_pages"] < after:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, _LATENCY / 1000))
        hit = process.poll() is None
        process.kill()
    if not hit:
        return None
    with open_warehouse(path) as con:
        half = con.execute(_HALF).fetchone() != (0,)
        found = findings(run_checks(con, UM_KLINES_1M, dt.date.fromisoformat(TODAY)))
    wrong = any(each.severity == ERROR and each.code.startswith("A4") for each in found)
    _run(ground.replica, command, path, "--symbols", _SYMBOLS)
    with duckdb.connect(path) as con, duckdb.connect(done, read_only=True) as wanted:
        healed = con.execute(_FACTS).fetchall() == wanted.execute(_FACTS).fetchall()
    return Killed(half, wrong, not healed)


def _run(replica: Replica, command: str, path: Path, *more: str) -> None:
    words: Sequence[str] = _words(replica, command, path, *more)
    subprocess.run([sys.executable, "-m", "etl", *words], check=True, **_QUIET)


def _words(replica: Replica, command: str, path: Path, *more: str) -> list[str]:
    place = ["--warehouse", str(path), "--listing-url", replica.listing_url]
    today = [] if command == "discover" else ["--today", TODAY]
    files = [] if command == "backfill" else ["--files-url", replica.files_url]
    method = ["--method", "list"] if command == "update" else []
    return [command, *place, *today, *files, *method, *more]
