"""Faults of the machine: kills, signals, a full disk, a second run, a clock, files that are gone or spoiled."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import urllib3

from etl import locks
from etl.nightly import LOCK
from tests.chaos.ground import MissedError, NotHereError, Place, Ran
from tests.chaos.trial import Strike, Trial

KILL = "kill -9 at a random moment"
_PHASES = 10  # moments at which SIGTERM strikes, spread over a run
_HOLD = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def killed(share: float, number: int) -> Strike:
    """Return a strike: the signal ``number`` after this share of the time that a run takes; it may come too late."""

    def strike(place: Place) -> Ran:
        until = share * seconds_of_a_run(place)
        with place.started("nightly") as process:
            time.sleep(until)
            late = process.poll() is not None
            process.send_signal(number)
            out, _ = process.communicate(timeout=60)
        if late or (number == signal.SIGKILL and process.returncode != -signal.SIGKILL):
            _TAKES.clear()  # the machine has become faster
            raise MissedError
        return Ran(process.returncode, out)

    return strike


def seconds_of_a_run(place: Place) -> float:
    """Return how long an undisturbed run takes here and now: measured on a copy, again after a miss."""
    if not _TAKES:
        copy = Place(place.folder.with_name(f"{place.folder.name}-timed"), place.replica, {})
        shutil.copytree(place.folder, copy.folder, symlinks=True)
        began = time.monotonic()
        copy.nightly()
        _TAKES.append(time.monotonic() - began)
        shutil.rmtree(copy.folder)
    return _TAKES[0]


_TAKES: list[float] = []


def _full(place: Place) -> Ran:
    filler = place.folder / "filler"
    free = shutil.disk_usage(place.folder).free
    filler.write_bytes(b"\0" * max(0, free - 64_000))
    ran = place.nightly()
    filler.unlink()
    return ran


def _read_only(place: Place) -> Ran:
    _needs("unshare", "mount")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    before = ["unshare", "--mount", "bash", "-c", script, str(place.folder)]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        raise NotHereError("mounting needs more rights")
    return place.run("nightly", before=before)


def _twice(place: Place) -> Ran:
    with place.started("nightly") as first:
        while first.poll() is None and "(nightly)" not in (locks.holder(place.site_dir / LOCK) or ""):
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)  # or it may be done before the second looks
        second = place.nightly()
        first.send_signal(signal.SIGCONT)
        out, _ = first.communicate(timeout=120)
    if first.returncode:
        return Ran(first.returncode, f"the first of both failed: {out}")
    return second


def _clock_back(place: Place) -> Ran:
    _needs("faketime")
    return place.run("nightly", before=["faketime", "-f", "-2d"])


def _held(place: Place) -> Ran:
    command = [sys.executable, "-c", _HOLD, str(place.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        if holder.stdout:
            holder.stdout.readline()
        ran = place.nightly()
        holder.communicate("")
    return ran


def _spoiled(place: Place) -> Ran:
    place.run("backup", str(place.folder / "backup.duckdb"))
    size = place.warehouse.stat().st_size
    with place.warehouse.open("r+b") as file:
        file.seek(4096)  # behind the heads: everything that they lead to
        file.write(random.Random(1).randbytes(size - 4096))
    return place.nightly()


def _restored(place: Place) -> Ran:
    ran = place.run("restore", str(place.folder / "backup.duckdb"))
    return ran if ran.code else place.nightly()


def _site_removed(place: Place) -> Ran:
    place.site_dir.rename(place.folder / "gone")
    time.sleep(0.5)
    return place.nightly()


def _build_deleted(place: Place) -> Ran:
    old = (place.site_dir / "availability.db").resolve()
    with closing(sqlite3.connect(old)) as con:
        (rows,) = con.execute("SELECT count(*) FROM day_files").fetchone()
    with urllib3.PoolManager(retries=False) as http:
        stream = http.request(
            "GET", f"{place.more['AVAILABILITY_SITE_URL']}/availability/day_files.csv", preload_content=False
        )
        begun = stream.read(1000)
        ran = place.nightly()
        old.unlink()
        lines = (begun + stream.read()).count(b"\n") - 1
    return ran if lines == rows else Ran(9, f"the stream of the old build ended after {lines} of {rows} rows")


def _needs(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            raise NotHereError(f"there is no {program}")


MACHINE: list[Trial] = [
    *(
        Trial(f"SIGTERM after {10 * phase + 5} % of a run", killed((phase + 0.5) / _PHASES, signal.SIGTERM), None, ())
        for phase in range(_PHASES)
    ),
    Trial("disk full", _full, 1, (), room=48_000_000),
    Trial("folder read-only", _read_only, 1, ()),
    Trial("two runs at once", _twice, 1, ("nightly",)),
    Trial("the machine's clock jumps back by two days", _clock_back, 1, ("clock says",)),
    Trial("warehouse held by another program", _held, 1, ("warehouse.duckdb",)),
    Trial("warehouse spoiled", _spoiled, 1, ("warehouse.duckdb",), heal=_restored, lossless=False),
    Trial("site folder removed under the server", _site_removed, 0, (), unavailable=True),
    Trial("old build deleted while a reader streams it", _build_deleted, 0, ()),
]  # fmt: skip


def kills() -> Iterator[Trial]:
    """Yield kills -9 without end, at moments drawn over the time of a run."""
    dice = random.Random(1)
    while True:
        yield Trial(KILL, killed(dice.random(), signal.SIGKILL), None, ())
