"""The DuckDB file: open it, apply its schema, ask it what is known. Functions take the connection first."""

from etl.warehouse.database import MEMORY_LIMIT, STORAGE_VERSION, interrupts, one, sentences, transaction
from etl.warehouse.known import (
    control,
    covered,
    datasets,
    datasets_of_vault,
    enumerated_symbols,
    held_extents,
    known_symbols,
    listed_symbols,
)
from etl.warehouse.opening import alone, beside, log_of, open_any_version, open_warehouse, settle
from etl.warehouse.schema import MIGRATIONS, SCHEMA_VERSION, VIEWS, sql, worked_out

__all__ = [
    "MEMORY_LIMIT",
    "MIGRATIONS",
    "SCHEMA_VERSION",
    "STORAGE_VERSION",
    "VIEWS",
    "alone",
    "beside",
    "control",
    "covered",
    "datasets",
    "datasets_of_vault",
    "enumerated_symbols",
    "held_extents",
    "interrupts",
    "known_symbols",
    "listed_symbols",
    "log_of",
    "one",
    "open_any_version",
    "open_warehouse",
    "sentences",
    "settle",
    "sql",
    "transaction",
    "worked_out",
]
