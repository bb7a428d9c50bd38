"""kill -9 at random moments of backfill and update: what is left must be whole, and the next run completes it."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import duckdb

from etl.replica.server import Replica
from tests.bench.measure import TODAY, Ground
from tests.bench.table import Row, exactly

KILLS = 100
_SYMBOLS = ",".join(f"{name}USDT" for name in ("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "TRX", "LTC", "LINK", "AVAX"))
_LATENCY = 40  # ms: long enough for a kill to fall between two answers
_FACTS = "SELECT symbol, date, file_size_bytes, etag, vanished_at FROM day_files ORDER BY ALL"
_HALF = """
SELECT count(*) FROM (
    SELECT symbol, max(day_files) AS said FROM listings WHERE symbol IS NOT NULL AND complete AND first_day IS NULL
    GROUP BY symbol
) FULL JOIN (SELECT symbol, count(*) AS held FROM day_files GROUP BY symbol) USING (symbol)
WHERE said IS DISTINCT FROM held
"""


def kills(ground: Ground) -> Iterator[Row]:
    """Kill backfill, then update, KILLS times in all; count what was not whole or not healed."""
    random.seed(1)
    known, done = ground.folder / "known.duckdb", ground.folder / "done.duckdb"
    _run(ground.replica, "discover", known)
    copy(known, done)
    ground.replica.set_latency(_LATENCY)
    try:
        _run(ground.replica, "backfill", done, "--symbols", _SYMBOLS)
        tries = [_try(ground, ("backfill", known), done) for _ in range(KILLS // 2)]
        tries += [_try(ground, ("update", done), done) for _ in range(KILLS - KILLS // 2)]
    finally:
        ground.replica.set_latency(0)
    hit, half, unhealed = (sum(column) for column in zip(*tries, strict=True))
    yield Row(f"kill -9 of `backfill` and `update` at random moments, {KILLS} times: while still running", str(hit))
    yield exactly("warehouses that held half a listing afterwards", half, 0)
    yield exactly("facts that differ after the next run", unhealed, 0)


def _try(ground: Ground, what: tuple[str, Path], done: Path) -> tuple[bool, bool, bool]:
    """Kill one command; tell whether it was hit, left half a listing, and was not healed by the next run."""
    command, start = what
    path = ground.folder / "killed.duckdb"
    path.with_name("killed.duckdb.wal").unlink(missing_ok=True)
    copy(start, path)
    with subprocess.Popen(_words(ground.replica, command, path, "--symbols", _SYMBOLS), **_QUIET) as process:
        time.sleep(random.uniform(0.15, 1.0))
        hit = process.poll() is None
        process.kill()
    with duckdb.connect(path) as con:
        half = con.execute(_HALF).fetchone() != (0,)
    _run(ground.replica, command, path, "--symbols", _SYMBOLS)
    with duckdb.connect(path) as con, duckdb.connect(done, read_only=True) as wanted:
        healed = con.execute(_FACTS).fetchall() == wanted.execute(_FACTS).fetchall()
    return hit, half, not healed


_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _run(replica: Replica, command: str, path: Path, *more: str) -> None:
    subprocess.run(_words(replica, command, path, *more), check=True, **_QUIET)


def _words(replica: Replica, command: str, path: Path, *more: str) -> list[str]:
    place = ["--warehouse", str(path), "--listing-url", replica.listing_url]
    today = [] if command == "discover" else ["--today", TODAY]
    files = [] if command == "backfill" else ["--files-url", replica.files_url]
    return [sys.executable, "-m", "etl", command, *place, *today, *files, *more]
