"""A warehouse opened for writing by a command: the run is recorded in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import duckdb
from click.core import ParameterSource

from etl import runs, warehouse


def given(ctx: click.Context) -> dict[str, Any]:
    """Return what the command line or the environment gave, by name, without any path: runs are published."""
    return {
        name: value
        for name, value in ctx.params.items()
        if not isinstance(value, Path) and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    }


@contextmanager
def recorded_warehouse(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, runs.Did]]:
    """Open the warehouse for the running command; to the list goes what it did."""
    ctx = click.get_current_context()
    command = ctx.command.name or ""
    with warehouse.open_warehouse(path, command=command) as con, runs.recording(con, command, given(ctx)) as did:
        yield con, did
