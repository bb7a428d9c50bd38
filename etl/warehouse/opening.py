"""Open the warehouse: one writer at a time, and readers beside it.

DuckDB lets nobody in while a process writes. So a writer first lays a copy of the file as it stands beside it, 10 ms
for 27 MB, and takes it away when it has closed the file; whoever reads meanwhile reads that, and is told.
"""

import errno
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from etl import locks
from etl.errors import WarehouseError
from etl.warehouse.database import IN_MEMORY, connect, is_being_read, is_locked, sentences
from etl.warehouse.schema import apply_schema, check_ours, check_views

_READERS_LEAVE = 60.0  # seconds that a writer waits for those who read the file itself; an export takes five
_A_MOMENT = 0.3  # seconds between two states of the files beside: a reader who meets one looks again
_SAID = {
    errno.ENOENT: "{path} cannot be opened: is its folder there, and yours to write?",
    errno.ENOTDIR: "{path} cannot be opened: is its folder there, and yours to write?",
    errno.EROFS: "{path} cannot be written: permission denied.",
    errno.ENOSPC: "{path} cannot grow, its disk is full; what was recorded before is kept.",
    errno.EFBIG: "{path} cannot grow, its disk is full; what was recorded before is kept.",
}
_LOG = logging.getLogger("etl.warehouse")


@contextmanager
def open_warehouse(
    path: Path, *, read_only: bool = False, command: str = "a program"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse at ``path`` and close it again; raises WarehouseError.

    Read-only never creates a file, and while another process writes reads what was there before it began. A writer
    creates it, applies the schema and renews the views; another one is told that ``command`` does so, and since when.
    """
    if read_only:
        with open_any_version(path) as (con, version):
            check_views(con, path, version)
            yield con
        return
    with alone(path, command), _kept_for_readers(path), sentences(path):
        con = _connect_when_read(path)
        try:
            apply_schema(con, path)
            yield con
        finally:
            con.close()


@contextmanager
def open_any_version(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
    """Open a warehouse of this or an earlier version for reading; yield its schema version too."""
    if not path.exists():
        raise WarehouseError(f"There is no warehouse at {path}: run `availability discover` first.")
    with sentences(path):
        con = _connect_reading(path)
        try:
            yield con, check_ours(con, path)
        finally:
            con.close()


def settle(path: Path) -> None:
    """Bring what a killed writer left in DuckDB's log into the file; WarehouseError where another program writes."""
    with sentences(path):
        (_connect_when_read(path) if log_of(path).exists() else connect(path, read_only=True)).close()


@contextmanager
def alone(path: Path, command: str) -> Iterator[None]:
    """Keep every other writer out; WarehouseError names the one who is in."""
    if path == IN_MEMORY:
        yield
        return
    lock, busy = beside(path, "lock"), f"{path} is being written"
    with sentences_of_system(path):
        lock.touch()
    with locks.held(lock, command, busy, WarehouseError):
        yield


def beside(path: Path, what: str) -> Path:
    """Return the hidden file beside the warehouse itself, wherever a link to it lies."""
    real = path.resolve()
    return real.with_name(f".{real.name}.{what}")


@contextmanager
def _kept_for_readers(path: Path) -> Iterator[None]:
    """Lay a copy beside for those who read while this process writes; only who is alone may."""
    copy, part = beside(path, "before"), beside(path, "before.part")
    try:
        if path.is_file() and path.stat().st_size:
            with sentences_of_system(path):
                if log_of(path).exists():  # of a writer that was killed
                    shutil.copyfile(log_of(path), log_of(copy))
                else:
                    log_of(copy).unlink(missing_ok=True)
                shutil.copyfile(path, part)
                part.replace(copy)
        yield
    finally:
        for left in (part, copy, log_of(copy)):
            left.unlink(missing_ok=True)


def log_of(path: Path) -> Path:
    """Return where DuckDB keeps what is not in the file yet."""
    real = path.resolve()
    return real.with_name(f"{real.name}.wal")


def _connect_when_read(path: Path) -> duckdb.DuckDBPyConnection:
    """Connect for writing; who reads the file itself is waited for: new readers take the copy."""
    until, told = time.monotonic() + _READERS_LEAVE, False
    while True:
        try:
            return connect(path, read_only=False)
        except duckdb.IOException as error:
            if not is_being_read(error) or time.monotonic() > until:
                raise
        if not told:
            _LOG.info("waiting for readers", extra={"warehouse": str(path), "seconds_at_most": _READERS_LEAVE})
            told = True
        time.sleep(0.02)


def _connect_reading(path: Path) -> duckdb.DuckDBPyConnection:
    """Connect to the file, or to the copy of a writer at work; what lies between two of its steps is soon over."""
    copy, until = beside(path, "before"), time.monotonic() + _A_MOMENT
    while True:
        writer = locks.holder(beside(path, "lock"))
        source = copy if writer and copy.exists() else path
        try:
            con = connect(source, read_only=True)
        except (duckdb.IOException, FileNotFoundError) as error:
            gone = source == copy and not copy.exists()
            if not (gone or is_locked(error)):
                raise
            if time.monotonic() > until:
                if writer:
                    raise WarehouseError(f"{path} is being made by {writer}: try again when it is done.") from error
                raise
        else:
            if source == copy:
                _LOG.warning("the warehouse is being written; this is how it was before", extra={"writer": writer})
            return con
        time.sleep(0.02)


@contextmanager
def sentences_of_system(path: Path) -> Iterator[None]:
    """Say what the system refused about the files beside the warehouse in the words used of the warehouse itself."""
    try:
        yield
    except PermissionError as error:
        raise WarehouseError(f"{path} cannot be written: permission denied.") from error
    except OSError as error:
        said = _SAID.get(error.errno or 0, f"{{path}}: {error.strerror}.")
        raise WarehouseError(said.format(path=path)) from error
