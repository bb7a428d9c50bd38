"""The tables and views of the warehouse, and how a file of an earlier version gets them."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from etl.clock import now
from etl.errors import WarehouseError
from etl.warehouse.database import one, transaction

# Each file brings the version of its number to the next one; together they lead to what schema.sql says.
MIGRATIONS = ("001_drafts", "002_folded_listings", "003_vault_days")
SCHEMA_VERSION = 1 + len(MIGRATIONS)
# views that others are made of; a temporary table hides the view of its name
COSTLY = ("covered", "timespans", "market_days", "vanished_ends", "holes", "absences")
VIEWS = (
    *("addresses", "covered", "timespans", "flat_levels", "held_days", "file_states", "market_days", "publication"),
    *("vanished_ends", "holes", "absences", "conditions", "gaps", "births", "extents", "lives", "daily_counts"),
    *("freshness", "revision_bursts", "events", "daily_availability"),
)
_LOG = logging.getLogger("etl.warehouse")


@cache
def sql(name: str) -> str:
    """Return the text of ``etl/sql/NAME.sql``."""
    return (files("etl") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def apply_schema(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Create what is lacking, migrate what is old; 20 ms where nothing is, for then nothing is written."""
    if con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() != (0,):
        migrate(con, path, check_ours(con, path))
        if one(con, "SELECT views_sha256 FROM warehouse") == _views_sha256():
            return
    with transaction(con):
        con.execute(sql("schema"))
        for view in VIEWS:
            con.execute(f"CREATE OR REPLACE VIEW {view} AS {sql(f'views/{view}')}")
        con.execute(
            "INSERT INTO warehouse (schema_version, created_at) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM warehouse)",
            [SCHEMA_VERSION, now()],
        )
        con.execute("UPDATE warehouse SET views_sha256 = ?", [_views_sha256()])


def migrate(con: duckdb.DuckDBPyConnection, path: Path, version: int) -> None:
    """Bring the tables from ``version`` to this program's, one version a transaction."""
    for number, name in enumerate(MIGRATIONS[version - 1 :], start=version):
        try:
            with transaction(con):
                con.execute(sql(f"migrate/{name}"))
                con.execute("UPDATE warehouse SET schema_version = ?", [number + 1])
        except duckdb.Error as error:
            raise WarehouseError(
                f"{path} could not be brought from schema {number} to {number + 1} ({' '.join(str(error).split())});"
                f" it is left at schema {number}, with all its facts. `availability backup` keeps a copy of it."
            ) from error
        _LOG.info("warehouse migrated", extra={"warehouse": str(path), "schema_version": number + 1})


def check_ours(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Return the schema version of a file that this program can make use of; WarehouseError for any other."""
    tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not {"warehouse", "listings", "day_files"} <= tables:
        raise WarehouseError(f"{path} is a DuckDB file of something else: it has none of this program's tables.")
    version = one(con, "SELECT schema_version FROM warehouse")
    if not isinstance(version, int) or version < 1:
        raise WarehouseError(f"{path} is a DuckDB file of something else: its schema version is {version!r}.")
    if version > SCHEMA_VERSION:
        raise WarehouseError(f"{path} was written by a newer version of this program (schema {version}): update it.")
    return version


def check_views(con: duckdb.DuckDBPyConnection, path: Path, version: int) -> None:
    """Refuse to read facts or judgements by the rules of another version of this program."""
    if version < SCHEMA_VERSION:
        raise WarehouseError(
            f"{path} was written by an earlier version of this program (schema {version}, now it is {SCHEMA_VERSION}):"
            " `availability backup` keeps it as it is, `availability discover` brings it up to date."
        )
    if one(con, "SELECT views_sha256 FROM warehouse") != _views_sha256():
        raise WarehouseError(
            f"{path} was written by another version of this program: `availability discover` brings it up to date."
        )


@cache
def _views_sha256() -> str:
    return hashlib.sha256("".join(sql(f"views/{view}") for view in VIEWS).encode()).hexdigest()


@contextmanager
def worked_out(con: duckdb.DuckDBPyConnection, *more: str) -> Iterator[None]:
    """Keep the judgements that others build on as temporary tables, ``more`` too: each is then worked out once."""
    have = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()}
    mine = [name for name in (*COSTLY, *more) if name not in have]
    try:
        for name in mine:
            con.execute(f"CREATE TEMP TABLE {name} AS FROM {name}")
        yield
    finally:
        for name in mine:
            with suppress(duckdb.ConnectionException):  # after two signals at once it is closed by now
                con.execute(f"DROP TABLE IF EXISTS temp.{name}")
