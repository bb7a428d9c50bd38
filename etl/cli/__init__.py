"""The commands. Each opens its files, calls one function, prints one result."""

import click

from etl import options
from etl.cli.asking import query
from etl.cli.collecting import backfill, discover, probe, update
from etl.cli.judging import check, status
from etl.cli.publishing import export, serve


@click.group(cls=options.Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="market-data-availability")
def cli() -> None:
    """Tell which market-data files exist, for which symbol, on which day, with what gaps, and what changed.

    \b
    A first site:  availability discover && availability backfill && availability export && availability serve
    """


for _command in (discover, backfill, update, probe, export, serve, check, status, query):
    cli.add_command(_command)
