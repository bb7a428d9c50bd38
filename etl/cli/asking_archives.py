"""Commands that ask about the archives themselves, and about what only the vault tells; `query` has them."""

import datetime as dt

import click

from etl import options, queries
from etl.cli import answering


@click.command()
@answering.question
def datasets(con: queries.Connection, form: str) -> None:
    """Show the archives that are asked about: that of Binance, which is the default, and the channels of the vault.

    \b
    Example:  availability query datasets
    """
    answering.say(con, form, queries.DatasetRow, queries.datasets(con))


@click.command()
@click.argument("symbol", required=False)
@click.option("--start", type=options.Day(), help="First day. [default: the first there is]")
@click.option("--end", type=options.Day(), help="Last day. [default: the last there is]")
@click.option("--dataset", help="One channel of the vault, as coinbase/ticker. [default: all]")
@answering.question
def vault_days(
    con: queries.Connection,
    form: str,
    *,
    symbol: str | None,
    start: dt.date | None,
    end: dt.date | None,
    dataset: str | None,
) -> None:
    """Show the hours, rows, losses and breaks of each day that the vault holds.

    Losses and breaks are of the connections of that day, which carry all products and channels.

    \b
    Example:  availability query vault-days BTC-USD --dataset coinbase/ticker
    """
    answering.say(con, form, queries.VaultDayRow, queries.vault_days(con, symbol, start, end, dataset=dataset))
