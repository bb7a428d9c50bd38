"""One process at a time; the lock file beside what is locked says who holds it, and since when."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from etl import clock
from etl.disk import named
from etl.errors import AvailabilityError

_A_MOMENT = 0.3  # seconds; whoever only looks who holds a lock holds it for less


@contextmanager
def held(lock: Path, command: str, busy: str, refusal: type[AvailabilityError] = AvailabilityError) -> Iterator[None]:
    """Hold the lock; where another process does, raise ``refusal``: ``busy``, by whom and since when.

    A process that dies lets it go.
    """
    with lock.open("a+", encoding="utf-8") as file:
        if not _taken(file):
            raise refusal(f"{busy} by {_signed(file)}: try again when it is done.")
        me = {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"}
        with named(lock):
            file.truncate(0)
            file.write(json.dumps({**me, "command": command}))
            file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # the file itself stays: who waits for a removed one holds nothing


def holder(lock: Path) -> str | None:
    """Say who holds a lock, and since when; None where nobody does."""
    try:
        file = lock.open(encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _signed(file)
        return None


def _taken(file: TextIO) -> bool:
    until = time.monotonic() + _A_MOMENT
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        else:
            return True


def _signed(file: TextIO) -> str:
    file.seek(0)
    try:
        told = json.load(file)
    except ValueError:  # it has just taken the lock and not signed yet
        return "another process"
    return f"process {told['pid']} on {told['host']} ({told['command']}) since {told['since']}"
