"""The command that captures."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from etl.cli import vault
from etl.cli.leaving import readers_may_leave
from etl.cli.signals import stoppable
from etl.errors import UsageError
from etl.vault import capture as capturing
from etl.vault.config import Config, read_config
from etl.vault.feed import Feed
from etl.vault.storage import open_storage
from etl.vault.tally import Tally

_EXAMPLES = {"products": ("BTC-USD", "ETH-USD"), "channels": ("ticker", "market_trades")}


def _names(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Read ``"A, B"`` given once or several times; order kept, no name twice. Given, it must name something."""
    names = dict.fromkeys(name.strip() for value in values for name in value.split(",") if name.strip())
    if values and not names:
        raise click.BadParameter("it names nothing; leave it out for what the configuration says.", ctx, param)
    return tuple(names)


@click.command()
@click.option("--products", multiple=True, callback=_names, metavar="A,B", help="Instead of the configured products.")
@click.option("--channels", multiple=True, callback=_names, metavar="A,B", help="Instead of the configured channels.")
@click.option("--url", help="Instead of the configured address of the feed.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so many. [default: when told to]")
@vault.config
def capture(
    products: tuple[str, ...], channels: tuple[str, ...], url: str | None, seconds: float | None, config_path: Path
) -> None:
    """Capture live market data of Coinbase, every frame as it comes, until told to stop (SIGTERM, Ctrl-C).

    What is lost is recorded: a jump of the sequence numbers as a loss, a new connection as a break. A connection that
    fails is made again for ever; a refused subscription ends with exit code 2.

    \b
    Example:  availability vault capture --products BTC-USD --channels ticker,market_trades
    """
    settings = read_config(config_path)
    feed = _feed(settings, products, channels, url)
    megabyte = 1_000_000
    chosen = settings.capture
    spooling = capturing.Spooling(
        chosen.spool_dir, int(chosen.segment_mb * megabyte), int(chosen.spool_limit_mb * megabyte)
    )
    storage = open_storage(settings.storage)
    try:
        with stoppable() as stop:
            tally = capturing.run(feed, storage, spooling, stop, seconds)
    except capturing.NotBroughtError as error:
        click.echo(f"Error: {error}", err=True)
        sys.stderr.flush()
        os._exit(1)  # uploads that hang would keep the process for minutes more
    with readers_may_leave():
        click.echo(_told(tally))


def _feed(settings: Config, products: tuple[str, ...], channels: tuple[str, ...], url: str | None) -> Feed:
    chosen = settings.capture
    products, channels = products or chosen.products, channels or chosen.channels
    for key, names in (("products", products), ("channels", channels)):
        if not names:
            raise UsageError(f"capture.{key} names none: write for example [{', '.join(_EXAMPLES[key])}].")
    return Feed(url or chosen.url, products, channels, chosen.jwt.reveal())


def _told(tally: Tally) -> str:
    lost = f"{tally.lost:,} frames lost in {tally.jumps:,} jumps, {tally.breaks:,} breaks"
    return f"captured {tally.received:,} frames into {tally.segments:,} segments; {lost}"
