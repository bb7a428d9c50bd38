"""Run things in processes of their own, and measure them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from time import perf_counter
from typing import NamedTuple, TypeVar

import click

from etl.replica.server import Replica

NOW = "2027-04-30T12:00:00Z"  # what the replica shows: its universe, grown to 909,837 day files
TODAY = "2027-04-30"
_PATIENCE = 150  # seconds after which a measured process counts as hanging
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_STARTED = "replica listening on "
T = TypeVar("T")


class Done(NamedTuple):
    """One process that ended well."""

    seconds: float  # wall clock, from before its start to its end
    peak_bytes: int  # its largest resident memory
    output: str
    cpu_seconds: float  # of the processor, all its threads together


class Ground(NamedTuple):
    """Where all is measured: a replica of the archive and a temporary folder."""

    replica: Replica
    folder: Path


@contextmanager
def running_replica() -> Iterator[Replica]:
    """Run the replica in a process of its own."""
    command = [sys.executable, "-m", "etl.replica", "--port", "0", "--now", NOW]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline().strip() if server.stdout else ""
            if not line.startswith(_STARTED):
                raise click.ClickException("The replica of the archive did not start.")
            yield Replica(int(line.rpartition(":")[2]))
        finally:
            server.terminate()


@contextmanager
def latency(replica: Replica, milliseconds: float) -> Iterator[None]:
    """Let every answer of the replica wait."""
    replica.set_latency(milliseconds)
    try:
        yield
    finally:
        replica.set_latency(0)


def run(command: Sequence[str], env: dict[str, str] | None = None, *, keep: bool = True) -> Done:
    """Run a command to its end, with ``env`` on top of ours; ``keep`` False drops what it prints."""
    began = perf_counter()
    with (
        TemporaryFile("w+") as out,
        TemporaryFile("w+") as err,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out if keep else subprocess.DEVNULL,
            stderr=err,
            env=_ours() | (env or {}),
        ) as process,
    ):
        limit = Timer(_PATIENCE, process.kill)
        limit.start()
        try:
            # Its memory is never seen smaller than ours was when it started, so this process stays small.
            _, status, usage = os.wait4(process.pid, 0)
            seconds, process.returncode = perf_counter() - began, os.waitstatus_to_exitcode(status)
        finally:
            limit.cancel()
            process.kill()  # does nothing to a process that has ended
        if process.returncode:
            err.seek(0)
            raise click.ClickException(f"{' '.join(command)} ended with {process.returncode}: {err.read()[-2000:]}")
        out.seek(0)
        return Done(seconds, usage.ru_maxrss * _RSS_UNIT, out.read(), usage.ru_utime + usage.ru_stime)


def etl(ground: Ground, warehouse: Path, *arguments: str, today: str = TODAY) -> Done:
    """Run one command of the program against the replica."""
    env = {
        "AVAILABILITY_WAREHOUSE": str(warehouse),
        "AVAILABILITY_SITE_DIR": str(ground.folder / "site"),
        "AVAILABILITY_LISTING_URL": ground.replica.listing_url,
        "AVAILABILITY_FILES_URL": ground.replica.files_url,
        "AVAILABILITY_TODAY": today,
    }
    return run([sys.executable, "-m", "etl", *arguments], env)


def apart(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a fresh process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AVAILABILITY_")}
