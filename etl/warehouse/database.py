"""What is true of any DuckDB file: how it is opened, what its errors mean, all or nothing."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import WarehouseError

# Every DuckDB that pyproject.toml allows can read this format, whichever of them wrote it.
STORAGE_VERSION = "v1.4.0"
IN_MEMORY = Path(":memory:")
MEMORY_LIMIT = "400MB"  # DuckDB would take 80 % of the machine
_READER = "read-only mode"  # DuckDB's hint where those who hold a file only read it


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect to a file; a writer creates it."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        # nothing is ever downloaded, whatever kind of file somebody gives as a warehouse
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if not read_only:
        config["storage_compatibility_version"] = STORAGE_VERSION
    if path.is_file() and path.stat().st_size and not _is_duckdb(path):
        raise WarehouseError(f"{path} is not a DuckDB file.")
    real = path if path == IN_MEMORY else path.resolve()  # a link has no log of its own beside it
    return duckdb.connect(real, read_only=read_only, config=config)


def _is_duckdb(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what happens inside, or nothing of it."""
    con.execute("BEGIN")
    committed = False
    try:
        yield
        con.execute("COMMIT")
        committed = True
    finally:  # whatever happened, Ctrl-C too, must not leave half a listing
        if not committed:
            with suppress(duckdb.TransactionException):  # a COMMIT that fails has ended the transaction itself
                con.execute("ROLLBACK")


def one(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - as typed by SQL
    """Return the single value of a query that has exactly one row and column."""
    row = con.execute(query, list(parameters)).fetchone()
    if row is None:
        raise WarehouseError("The warehouse holds no row where one must be; is it damaged?")
    return row[0]


def is_locked(error: Exception) -> bool:
    """Tell whether a file could not be opened because another process has it open."""
    return "set lock" in str(error) or "Conflicting lock" in str(error)


def is_being_read(error: duckdb.Error) -> bool:
    """Tell whether it could not be opened for writing because another process reads it."""
    return is_locked(error) and _READER in str(error)


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn DuckDB's errors about the file into sentences."""
    try:
        with interrupts():
            yield
    except duckdb.Error as error:
        raise WarehouseError(_sentence(path, error)) from error


@contextmanager
def interrupts() -> Iterator[None]:
    """Let a signal that finds DuckDB at work be what it is elsewhere: DuckDB makes an error of its own of it."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != "Query interrupted":
            raise
        raise KeyboardInterrupt from error


def _sentence(path: Path, error: duckdb.Error) -> str:
    message = str(error)
    if is_locked(error):
        holder = re.search(r"PID (\d+)", message)
        by = f" (process {holder[1]})" if holder else ""
        return f"{path} is in use by another process{by}: try again when it is done."
    if "not a valid DuckDB database" in message:
        return f"{path} is not a DuckDB file."
    if "No space left" in message or "File too large" in message:
        return f"{path} cannot grow, its disk is full; what was recorded before is kept."
    if "Permission denied" in message or "Read-only file system" in message:
        return f"{path} cannot be written: permission denied."
    if "Could not open file" in message or "Cannot open file" in message or "No such file" in message:
        return f"{path} cannot be opened: is its folder there, and yours to write?"
    return f"{path}: {' '.join(message.split())}"
