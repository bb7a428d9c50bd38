"""Every command that writes to the warehouse leaves a row: when, how it ended, what it counted."""

import datetime as dt
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

import duckdb

from etl import log
from etl.clock import now
from etl.errors import UsageError, WarehouseError
from etl.records import Enumeration, Outcome
from etl.warehouse import one

DAYS = 30  # that the success rate looks back
TARGET = 0.95
_COUNTS = ("asked", "recorded", "requests", "added", "changed", "vanished", "returned", "failures")
_NEWEST = (
    "SELECT command, started_at, replace(outcome, 'running', 'died'), error FROM runs ORDER BY run_id DESC LIMIT 1"
)

Did = list[Outcome | Enumeration]


class Success(NamedTuple):
    """How often the runs of the last days came to a good end."""

    runs: int  # those that died included
    runs_done: int
    success_rate: float | None  # 0 to 1; None where nothing ran
    success_target: float
    last_command: str | None  # of the newest run; None where nothing ran
    last_started_at: dt.datetime | None
    last_outcome: str | None  # done, failed, interrupted or died
    last_error: str | None


@contextmanager
def recording(con: duckdb.DuckDBPyConnection, command: str, arguments: Mapping[str, object]) -> Iterator[Did]:
    """Record one run around a command; it appends to the list what it did, and that is counted.

    A wrong question is no run and leaves no row. The error, if any, goes on to the caller.
    """
    run_id, did, ended = _begin(con, command, arguments), Did(), False
    log.of_run(run_id)
    try:
        yield did
        ended = True
    finally:
        error = None if ended else sys.exception()
        if isinstance(error, UsageError):
            con.execute("DELETE FROM runs WHERE run_id = ?", [run_id])
        elif error is None:
            _end(con, run_id, did, _outcome(did, None), None)
        else:
            with suppress(duckdb.Error):  # on a full disk the first error is the one to tell; the next run finds this
                said = " ".join(str(error).split()) or type(error).__name__
                _end(con, run_id, did, _outcome(did, error), said)


def _begin(con: duckdb.DuckDBPyConnection, command: str, arguments: Mapping[str, object]) -> str:
    """Insert the row and return its id; whoever is still `running` is dead, for only one process may write."""
    started_at, pid = now(), os.getpid()
    if early := early_clock(con, started_at):  # older facts would contradict what is held
        raise WarehouseError(early)
    run_id = f"{started_at:%Y%m%dT%H%M%S.%f}Z"
    con.execute(
        "UPDATE runs SET outcome = 'died', error = 'its process ended without a word' WHERE outcome = 'running'"
    )
    con.execute(
        "INSERT INTO runs (run_id, command, arguments, started_at, outcome, pid, host)"
        " VALUES (?, ?, ?, ?, 'running', ?, ?)",
        [
            *(run_id, command, json.dumps(arguments, default=str, ensure_ascii=False, sort_keys=True)),
            *(started_at, pid, socket.gethostname()),
        ],
    )
    return run_id


def early_clock(con: duckdb.DuckDBPyConnection, moment: dt.datetime) -> str | None:
    """Say so where a run was recorded after this moment."""
    newest = one(con, "SELECT max(started_at) FROM runs")
    if newest is None or newest <= moment:
        return None
    return (
        f"This machine's clock says {moment:%Y-%m-%d %H:%M:%S} UTC, but the warehouse has a run of"
        f" {newest:%Y-%m-%d %H:%M:%S} UTC: set the clock, or if it was wrong then, restore a backup from before."
    )


def _end(con: duckdb.DuckDBPyConnection, run_id: str, did: Did, outcome: str, error: str | None) -> None:
    counts = _counted(did)
    columns = ", ".join(f"{name} = ?" for name in _COUNTS)
    con.execute(
        f"UPDATE runs SET ended_at = ?, outcome = ?, error = ?, {columns} WHERE run_id = ?",
        [now(), outcome, error, *(counts.get(name) for name in _COUNTS), run_id],
    )


def _outcome(did: Did, error: BaseException | None) -> str:
    stopped = any(each.interrupted for each in did if isinstance(each, Outcome))
    if stopped or isinstance(error, KeyboardInterrupt | duckdb.InterruptException):
        return "interrupted"
    return "failed" if error else "done"


def _counted(did: Did) -> dict[str, int]:
    """Add up what was done; a name that nothing counted is absent."""
    total: dict[str, int] = {}
    for each in did:
        for name, number in _counts(each).items():
            total[name] = total.get(name, 0) + number
    return total


def _counts(each: Outcome | Enumeration) -> dict[str, int]:
    if isinstance(each, Enumeration):
        return {"asked": 1, "recorded": 1, "requests": each.pages, "failures": 0}
    same = {name: getattr(each, name) for name in ("asked", "recorded", "added", "changed", "vanished", "returned")}
    return same | {"requests": each.pages, "failures": len(each.failures)}


def success(con: duckdb.DuckDBPyConnection, day: dt.date) -> Success:
    """Return the success rate of the runs of 30 days, this last one included, and how the newest one went.

    Runs carry the clock's time, so ``day`` is the clock's too, whatever counts as today for the files.
    In a file that can be read nobody is `running`: whoever left that word was killed, and counts as failed.
    """
    query = "SELECT count(*), count(*) FILTER (outcome = 'done') FROM runs WHERE started_at >= ?"
    ((runs, done),) = con.execute(query, [day - dt.timedelta(days=DAYS - 1)]).fetchall()
    newest = con.execute(_NEWEST).fetchone() or (None, None, None, None)
    return Success(runs, done, round(done / runs, 4) if runs else None, TARGET, *newest)
