"""The commands that make Parquet of what was captured."""

import datetime as dt
import logging
import time
from pathlib import Path

import click

from etl import options
from etl.cli import vault
from etl.cli.leaving import readers_may_leave
from etl.cli.signals import stoppable
from etl.errors import AvailabilityError
from etl.vault import compact as compacting
from etl.vault import refine as refining
from etl.vault.config import Config, read_config
from etl.vault.storage import open_storage

_LOG = logging.getLogger("etl.vault.refine")


@click.command()
@click.option(
    "--watch",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Look again after so many seconds, until told to stop. [default: look once]",
)
@vault.config
def refine(watch: float | None, config_path: Path) -> None:
    """Refine the closed segments of the vault to Parquet, and delete (or archive) each that is refined.

    Running it again after any crash leaves every record in Parquet exactly once. Lines that no table takes are kept
    in raw/rejected/. A segment that fails stays in raw/processing/, and is tried again by the next round. One refiner
    a vault.

    \b
    Example:  availability vault refine --watch 60
    """
    settings = read_config(config_path)
    with stoppable() as stop:
        done = _round(settings, stop.is_set)
        while watch and not stop.wait(watch):
            try:
                done = _round(settings, stop.is_set)
            except (AvailabilityError, OSError) as error:  # another refiner is at work, or the store fails for now
                _LOG.error("round failed", extra={"error": str(error)})
    if done.stuck:
        first = done.stuck[0]
        raise AvailabilityError(
            f"{len(done.stuck):,} segments are stuck in processing; the others are refined, and the next round tries"
            f" these again. First cause: {first.segment}: {first.cause}"
        )


def _round(settings: Config, stopped: refining.Stopped) -> refining.Round:
    began = time.monotonic()
    done = refining.refine_all(open_storage(settings.storage), settings.refine, stopped)
    if done.refined or done.stuck:
        with readers_may_leave():
            click.echo(_said(done, time.monotonic() - began))
    return done


def _said(done: refining.Round, seconds: float) -> str:
    lines, rejected = (sum(getattr(each, name) for each in done.refined) for name in ("lines", "rejected"))
    parts = [part for each in done.refined for part in each.parts]
    return (
        f"{len(done.refined):,} segments refined in {seconds:.1f} s: {lines:,} lines became"
        f" {sum(part.rows for part in parts):,} rows in {len(parts):,} parts, {rejected:,} lines rejected;"
        f" {len(done.stuck):,} segments stuck."
    )


@click.command()
@click.option(
    "--keep-days",
    type=click.IntRange(0),
    default=7,
    show_default=True,
    help="Keep the parts that a file was made of for so many days, for those who read them.",
)
@options.today
@vault.config
def compact(keep_days: int, today: dt.date, config_path: Path) -> None:
    """Merge the parts of each finished day into one file below compacted/, and remove parts merged long ago.

    Whoever reads processed/ or compacted/ meanwhile sees every row once. One compaction a vault at a time.

    \b
    Example:  availability vault compact --keep-days 7
    """
    settings = read_config(config_path)
    with stoppable() as stop:
        done = compacting.compact(open_storage(settings.storage), today, keep_days, stop.is_set)
    with readers_may_leave():
        click.echo(
            f"{done.days:,} days merged: {done.parts:,} parts with {done.rows:,} rows;"
            f" {done.removed:,} parts removed that were merged more than {keep_days} days ago."
        )
    if done.failures:
        raise AvailabilityError(f"{len(done.failures):,} days are not compacted. First cause: {done.failures[0]}")
