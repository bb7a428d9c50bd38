"""The command that shows the vault in the site: what it holds is recorded in the warehouse."""

import datetime as dt
from pathlib import Path

import click

from etl import indexing, options, outcomes
from etl.cli import vault
from etl.cli.leaving import readers_may_leave
from etl.cli.recorded import recorded_warehouse
from etl.cli.signals import stoppable
from etl.vault.config import read_config
from etl.vault.storage import open_as_it_stands


@click.command()
@options.today
@options.warehouse
@vault.config
def index(today: dt.date, warehouse_path: Path, config_path: Path) -> None:
    """Record in the warehouse what the vault holds of each channel, product and day, for `export` to publish.

    A day that is not over, or of which a segment still waits to be refined, is not looked at. Only what is new since
    the last time is read; told to stop, it ends behind a whole product.

    \b
    Example:  availability vault refine && availability vault index && availability export
    """
    storage = open_as_it_stands(read_config(config_path).storage)
    with stoppable() as stop, recorded_warehouse(warehouse_path) as (con, did):
        outcome = indexing.index_vault(con, storage, today, stop.is_set)
        did.append(outcome)
        with readers_may_leave():
            click.echo(outcomes.indexed(outcome))
        outcomes.fail_where_lacking(outcome, outcomes.NOT_INDEXED)
