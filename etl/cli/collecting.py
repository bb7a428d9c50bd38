"""Commands that ask the archive and record what it says."""

import datetime as dt
from functools import partial
from pathlib import Path

import click

from etl import collect, options, planning, warehouse
from etl.aws_cli import MOST_AT_ONCE, over_aws_cli
from etl.cli.leaving import readers_may_leave
from etl.cli.recorded import recorded_warehouse
from etl.cli.signals import stoppable
from etl.cli.telling import progress, say, say_discovered, say_probed
from etl.errors import UsageError
from etl.keys import UM_KLINES_1M
from etl.probe import by_head
from etl.records import Window
from etl.stores import open_bucket, open_files


@click.command()
@options.warehouse
@options.listing_url
@options.files_url
def discover(warehouse_path: Path, listing_url: str, files_url: str) -> None:
    """Look for symbols; prints the new ones.

    A symbol once seen is never lost, and a listing that has shrunk to nothing is refused.

    \b
    Example:  availability discover
    """
    bucket = open_bucket(listing_url, 1)
    with recorded_warehouse(warehouse_path) as (con, did):
        found, new = collect.discover(con, bucket, UM_KLINES_1M, files_url=files_url)
        did.append(found)
    say_discovered(len(found.symbols), new)


@click.command()
@options.symbols
@click.option("--start", type=options.Day(), help="The first day wanted. [default: the first there is]")
@click.option("--end", type=options.Day(), help="The last day wanted. [default: yesterday]")
@click.option("--full", is_flag=True, help="List everything again, covered or not.")
@click.option(
    "--via",
    type=click.Choice(["http", "aws-cli"]),
    default="http",
    show_default=True,
    help=f"Who lists: this program, or, slowly, the AWS CLI as a second opinion (at most {MOST_AT_ONCE} at once).",
)
@options.warehouse
@options.listing_url
@options.workers
@options.today
def backfill(  # noqa: PLR0913 - a parameter for each option
    *,
    symbols: list[str],
    start: dt.date | None,
    end: dt.date | None,
    full: bool,
    via: str,
    warehouse_path: Path,
    listing_url: str,
    workers: int,
    today: dt.date,
) -> None:
    """List all of history, as far as no complete listing covers it yet.

    What fails or is interrupted is completed by running the same command again.

    \b
    Example:  availability backfill --symbols BTCUSDT,ETHUSDT --start 2024-01-01
    """
    last = _last_day(start, end, today)
    bucket, lister = open_bucket(listing_url, workers), None
    if via == "aws-cli":
        workers, lister = min(workers, MOST_AT_ONCE), over_aws_cli(listing_url)
    with recorded_warehouse(warehouse_path) as (con, did):
        names = options.chosen(symbols, warehouse.known_symbols(con, UM_KLINES_1M))
        windows = planning.plan_backfill(
            con, UM_KLINES_1M, names, first=start, last=last, bounded=end is not None, full=full
        )
        look = collect.by_listing(bucket, UM_KLINES_1M, lister)
        with progress("backfill", windows) as advance, stoppable() as stop:
            outcome = collect.collect(con, UM_KLINES_1M, windows, look, workers=workers, stop=stop, advance=advance)
        did.append(outcome)
        unit = "commands of the AWS CLI" if lister else "requests"
        say(outcome, already=len(names) - len(windows), unit=unit)


@click.command()
@click.option(
    "--lookback",
    type=click.IntRange(1, 10_000),
    default=planning.LOOKBACK,
    show_default=True,
    help="Days before today to look at again.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "list", "head"]),
    default="auto",
    show_default=True,
    help="One listing a symbol, a HEAD of each of its files, or whichever asks less.",
)
@options.symbols
@options.warehouse
@options.listing_url
@options.files_url
@options.workers
@options.today
def update(
    *,
    lookback: int,
    method: str,
    symbols: list[str],
    warehouse_path: Path,
    listing_url: str,
    files_url: str,
    workers: int,
    today: dt.date,
) -> None:
    """Look at the newest days of every symbol again; a symbol not listed before gets all of its history.

    Both methods find the same files. A HEAD does not tell whether a new file has its checksum: the next listing does.

    \b
    Example:  availability update --lookback 20
    """
    bucket = open_bucket(listing_url, workers)
    with recorded_warehouse(warehouse_path) as (con, did):
        check = partial(options.chosen, symbols)  # a name may be one that only this enumeration shows
        found, new = collect.discover(con, bucket, UM_KLINES_1M, files_url=files_url, check=check)
        did.append(found)
        say_discovered(len(found.symbols), new)
        names = options.chosen(symbols, warehouse.known_symbols(con, UM_KLINES_1M))
        windows = planning.plan_update(con, UM_KLINES_1M, names, lookback=lookback, today=today)
        if method == "auto":
            method, why = planning.choose_method(windows)
            with readers_may_leave():
                click.echo(f"update by {method}: {why}")
        looking = collect.by_method(method, bucket, files_url, UM_KLINES_1M, workers=workers)
        with looking as look, progress("update", windows) as advance, stoppable() as stop:
            outcome = collect.collect(con, UM_KLINES_1M, windows, look, workers=workers, stop=stop, advance=advance)
        did.append(outcome)
        say(outcome)


@click.command()
@options.symbols
@click.option("--date", "day", type=options.Day(), help="The one day to ask for. [default: yesterday]")
@click.option("--start", type=options.Day(), help="The first of several days.")
@click.option("--end", type=options.Day(), help="The last of several days. [default: yesterday]")
@options.warehouse
@options.files_url
@click.option(
    "--workers",
    envvar="AVAILABILITY_WORKERS",
    show_envvar=True,
    type=click.IntRange(1, 512),
    default=150,
    show_default=True,
    help="Requests under way at once.",
)
@options.today
def probe(
    *,
    symbols: list[str],
    day: dt.date | None,
    start: dt.date | None,
    end: dt.date | None,
    warehouse_path: Path,
    files_url: str,
    workers: int,
    today: dt.date,
) -> None:
    """Ask for single files by HTTP HEAD: 200 is there, 404 is not there, anything else is unknown.

    What is unknown counts neither as there nor as not there, is recorded with its cause, and makes the exit code 1. So
    is a 200 without a size above 0, a time or an ETag. Every answer is kept in the table `probes`.

    \b
    Example:  availability probe --symbols BTCUSDT,ETHUSDT --date 2024-01-15
    """
    first, last = _days_to_probe(day, start, end, today)
    with recorded_warehouse(warehouse_path) as (con, did):
        names = options.chosen(symbols, warehouse.known_symbols(con, UM_KLINES_1M))
        windows = [Window(symbol, first, last) for symbol in names]
        looking = by_head(open_files(files_url, workers), UM_KLINES_1M, workers=workers)
        with looking as look, progress("probe", windows) as advance, stoppable() as stop:
            outcome = collect.collect(con, UM_KLINES_1M, windows, look, workers=workers, stop=stop, advance=advance)
        did.append(outcome)
        say_probed(outcome)


def _last_day(start: dt.date | None, end: dt.date | None, today: dt.date) -> dt.date:
    """Return the last day to list, or say which question makes no sense."""
    yesterday = today - dt.timedelta(days=1)
    if start and end and end < start:
        raise UsageError(f"--end {end} lies before --start {start}.")
    for name, day in (("--start", start), ("--end", end)):
        if day and day > yesterday:
            raise UsageError(f"{name} {day} is not over yet: the last whole day is {yesterday}.")
    return end or yesterday


def _days_to_probe(
    day: dt.date | None, start: dt.date | None, end: dt.date | None, today: dt.date
) -> tuple[dt.date, dt.date]:
    """Return the first and the last day to probe, yesterday where none is named; a wrong question is a UsageError."""
    if day and (start or end):
        raise UsageError("--date is one day, --start and --end are several: give the one or the others.")
    if end and not start:
        raise UsageError("--end needs --start, or is --date meant?")
    if day and day >= today:
        raise UsageError(f"--date {day} is not over yet: the last whole day is {today - dt.timedelta(days=1)}.")
    last = day or _last_day(start, end, today)
    return day or start or last, last
