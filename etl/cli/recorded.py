"""A warehouse opened for writing by a command: the run is recorded in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb
from click.core import ParameterSource

from etl import runs, warehouse


@contextmanager
def recorded_warehouse(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, runs.Did]]:
    """Open the warehouse for the running command; to the list goes what it did."""
    ctx = click.get_current_context()
    given = {
        name: value
        for name, value in ctx.params.items()
        if name != "warehouse_path" and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    with warehouse.open_warehouse(path) as con, runs.recording(con, ctx.command.name or "", given) as did:
        yield con, did
