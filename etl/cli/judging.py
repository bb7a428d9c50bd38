"""Commands that tell how things stand."""

import json
from pathlib import Path

import click

from etl import options, queries, warehouse
from etl.keys import UM_KLINES_1M


@click.command()
@options.warehouse
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def status(*, warehouse_path: Path, as_json: bool) -> None:
    """Tell what the warehouse holds and how fresh it is.

    \b
    Example:  availability status --json
    """
    with warehouse.open_warehouse(warehouse_path, read_only=True) as con:
        answer = queries.status(con, UM_KLINES_1M)
    if as_json:
        click.echo(json.dumps(answer._asdict(), default=str, ensure_ascii=False))
    else:
        for name, value in answer._asdict().items():
            click.echo(f"{name.replace('_', ' '):<22} {'none' if value is None else value}")
