"""Commands that ask the archive and record what it says."""

import datetime as dt
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from etl import collect, log, options, warehouse
from etl.errors import AvailabilityError, UsageError
from etl.keys import UM_KLINES_1M
from etl.records import Failure, Listing, Outcome, Window
from etl.stores import open_bucket

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_NAMES_SHOWN = 50
_LOG: structlog.stdlib.BoundLogger = structlog.get_logger(component="collect")


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
    with warehouse.open_warehouse(warehouse_path) as con:
        found, new = collect.discover(con, bucket, UM_KLINES_1M, files_url=files_url)
    _say_discovered(len(found.symbols), new)


@click.command()
@options.symbols
@click.option("--start", type=options.Day(), help="The first day wanted. [default: the first there is]")
@click.option("--end", type=options.Day(), help="The last day wanted. [default: yesterday]")
@click.option("--full", is_flag=True, help="List everything again, covered or not.")
@options.warehouse
@options.listing_url
@options.workers
@options.today
def backfill(
    *,
    symbols: list[str],
    start: dt.date | None,
    end: dt.date | None,
    full: bool,
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
    with warehouse.open_warehouse(warehouse_path) as con:
        names = options.chosen(symbols, warehouse.known_symbols(con, UM_KLINES_1M))
        windows = collect.plan_backfill(
            con, UM_KLINES_1M, names, first=start, last=last, bounded=end is not None, full=full
        )
        with _progress("backfill", windows) as advance:
            outcome = collect.collect(
                con, open_bucket(listing_url, workers), UM_KLINES_1M, windows, workers=workers, advance=advance
            )
    _say(outcome, already=len(names) - len(windows))


@click.command()
@click.option(
    "--lookback", type=click.IntRange(min=1), default=20, show_default=True, help="Days before today to list again."
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
    symbols: list[str],
    warehouse_path: Path,
    listing_url: str,
    files_url: str,
    workers: int,
    today: dt.date,
) -> None:
    """List the newest days of every symbol again; a symbol not listed before gets all of its history.

    \b
    Example:  availability update --lookback 20
    """
    bucket = open_bucket(listing_url, workers)
    with warehouse.open_warehouse(warehouse_path) as con:
        found, new = collect.discover(con, bucket, UM_KLINES_1M, files_url=files_url)
        _say_discovered(len(found.symbols), new)
        names = options.chosen(symbols, warehouse.known_symbols(con, UM_KLINES_1M))
        windows = collect.plan_update(con, UM_KLINES_1M, names, lookback=lookback, today=today)
        with _progress("update", windows) as advance:
            outcome = collect.collect(con, bucket, UM_KLINES_1M, windows, workers=workers, advance=advance)
    _say(outcome)


def _last_day(start: dt.date | None, end: dt.date | None, today: dt.date) -> dt.date:
    """Return the last day to list, or say which question makes no sense."""
    yesterday = today - dt.timedelta(days=1)
    if start and end and end < start:
        raise UsageError(f"--end {end} lies before --start {start}.")
    for name, day in (("--start", start), ("--end", end)):
        if day and day > yesterday:
            raise UsageError(f"{name} {day} is not over yet: the last whole day is {yesterday}.")
    return end or yesterday


@contextmanager
def _progress(step: str, windows: list[Window]) -> Iterator[collect.Advance]:
    """Show a bar where a person watches; log one line at the start, one a failure and one at the end where not."""
    began, objects = time.monotonic(), 0
    bar: ProgressBar[int] = click.progressbar(
        length=len(windows),
        label=step,
        show_pos=True,
        show_eta=True,
        item_show_func=lambda rate: None if rate is None else f"{rate:,} objects/s",
        file=sys.stderr,
        hidden=not log.watched(),
    )

    def advance(answer: Listing | Failure) -> None:
        nonlocal objects
        if isinstance(answer, Listing):
            objects += answer.objects
        bar.update(1, int(objects / (time.monotonic() - began)))

    _LOG.info(step, symbols=len(windows))
    with bar:
        yield advance
    _LOG.info(f"{step} done", symbols=len(windows), objects=objects, seconds=round(time.monotonic() - began, 3))


def _say_discovered(found: int, new: list[str]) -> None:
    names = ", ".join(new[:_NAMES_SHOWN]) + (
        f" and {len(new) - _NAMES_SHOWN:,} more" if len(new) > _NAMES_SHOWN else ""
    )
    click.echo(f"{found:,} symbols listed, {len(new):,} new{f': {names}' if new else ''}.")


def _say(outcome: Outcome, already: int = 0) -> None:
    """Print what was done; name each failure once and fail with the first cause where anything is lacking."""
    moves = ("added", "changed", "touched", "vanished", "returned")
    moved = ", ".join(f"{getattr(outcome, name):,} {name}" for name in moves if getattr(outcome, name)) or "nothing new"
    strange = f", {outcome.strangers:,} keys that are none" if outcome.strangers else ""
    click.echo(
        f"{outcome.recorded:,} of {outcome.asked:,} symbols listed with {outcome.pages:,} requests"
        f"{f', {already:,} already covered' if already else ''}:"
        f" {outcome.day_files:,} day files, {moved}{strange}."
    )
    for failure in outcome.failures:
        _LOG.error(
            "listing failed",
            symbol=failure.symbol,
            first_day=failure.first_day,
            last_day=failure.last_day,
            url=failure.url,
            status=failure.status,
            error=failure.reason,
        )
    if outcome.interrupted:
        raise AvailabilityError(f"Interrupted. {_lacking(outcome)}")
    if outcome.failures:
        first = outcome.failures[0]
        raise AvailabilityError(
            f"{_lacking(outcome)} First cause: {first.symbol}:"
            f" {f'HTTP {first.status}, ' if first.status else ''}{first.reason} ({first.url})"
        )


def _lacking(outcome: Outcome) -> str:
    lacking = outcome.asked - outcome.recorded
    unasked = lacking - len(outcome.failures)
    return (
        f"{lacking:,} of {outcome.asked:,} symbols are not listed"
        f"{f' ({unasked:,} of them were not asked)' if unasked else ''};"
        " the others are kept, and the same command completes the rest."
    )
