"""Put one question to the published SQLite file or to the warehouse: the same SELECT, the same rows."""

import datetime as dt
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar, get_args, get_type_hints
from urllib.parse import quote

import duckdb

from etl import warehouse
from etl.errors import AvailabilityError
from etl.warehouse import sql

Connection: TypeAlias = sqlite3.Connection | duckdb.DuckDBPyConnection
Row = TypeVar("Row", bound=NamedTuple)
_TABLE = re.compile(r"\b(FROM|JOIN) (\w+)")


@contextmanager
def open_published(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the published file at ``path`` for reading only; raises AvailabilityError.

    Whoever has it open keeps reading the same build while a newer one is swapped in.
    """
    if not path.exists():
        raise AvailabilityError(f"There is no published file at {path}: run `availability export` first.")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as con:
            build_id(con)
            yield con
    except sqlite3.DatabaseError as error:
        raise AvailabilityError(
            f"{path} cannot be asked: {error}. `availability export` writes a file that this version reads."
        ) from error


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse at ``path`` for reading only, while an update writes as it was before; AvailabilityError."""
    with warehouse.open_warehouse(path, read_only=True) as con:
        yield con


def build_id(con: Connection) -> str | None:
    """Return the name of the published build that is asked; None for the warehouse, which is not one state to cite."""
    if isinstance(con, duckdb.DuckDBPyConnection):
        return None
    built = con.execute("SELECT build_id FROM build").fetchone()
    if built is None or built[0] is None:
        raise sqlite3.DatabaseError("it names no build")
    return str(built[0])


def ask(con: Connection, question: str, row: type[Row], **values: Any) -> list[Row]:  # noqa: ANN401 - as typed by SQL
    """Answer ``etl/sql/ask/QUESTION.sql`` as rows of one type, days and times read as its annotations say."""
    make, reads = (
        tuple.__new__,
        _readers(row),
    )  # what `row(*values)` does, without a Python call for each of 27,000 rows
    rows = []
    for cells in map(list, fetch(con, question, **values)):
        for place, read in reads:
            cells[place] = read(cells[place])
        rows.append(make(row, cells))
    return rows


def fetch(con: Connection, question: str, **values: Any) -> Iterable[tuple[Any, ...]]:  # noqa: ANN401 - as typed by SQL
    """Return the rows of ``etl/sql/ask/QUESTION.sql`` as the database gives them."""
    text = sql(f"ask/{question}")
    if isinstance(con, duckdb.DuckDBPyConnection):
        return con.execute(_over_facts(con, text), values).fetchall()
    return con.execute(text, values)  # one by one: all of them beside the rows made of them would be twice the memory


def _over_facts(con: duckdb.DuckDBPyConnection, text: str) -> str:
    """Let a question find the published tables in a warehouse, made by the SELECTs that export makes them of.

    They cannot have their own names there, because the judgements they are made of already do.
    """
    for _, name in set(_TABLE.findall(text)):
        made_of = "ask/warehouse/day_files" if name == "day_files" else f"site/{name}"
        con.execute(f"CREATE TEMP VIEW IF NOT EXISTS published_{name} AS {sql(made_of)}")
    return _TABLE.sub(r"\1 published_\2 AS \2", text)


@cache
def _readers(row: type[NamedTuple]) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return the places of days and moments in a row, which both databases hold as text, and how they are read."""
    kinds = [{hint, *get_args(hint)} for hint in get_type_hints(row).values()]
    days = [(place, _day) for place, kind in enumerate(kinds) if dt.date in kind]
    return days + [(place, _moment) for place, kind in enumerate(kinds) if dt.datetime in kind]


@lru_cache(maxsize=16_384)
def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
