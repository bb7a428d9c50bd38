"""What the collecting commands show while they work, and what they say at the end."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from etl import collect, log
from etl.cli.leaving import readers_may_leave
from etl.errors import AvailabilityError
from etl.records import Answer, Outcome, Window

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

_NAMES_SHOWN = 50
_MOVES = ("added", "changed", "touched", "vanished", "returned")
_LOG = logging.getLogger("etl.collect")


@contextmanager
def progress(step: str, windows: list[Window]) -> Iterator[collect.Advance]:
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

    def advance(answer: Answer) -> None:
        nonlocal objects
        objects += len(answer.probes) or sum(each.objects for each in answer.listings)
        bar.update(1, int(objects / (time.monotonic() - began)))

    _LOG.info(step, extra={"symbols": len(windows)})
    with bar:
        yield advance
    told = {"symbols": len(windows), "objects": objects, "seconds": round(time.monotonic() - began, 3)}
    _LOG.info("%s done", step, extra=told)


def say_discovered(found: int, new: list[str]) -> None:
    """Print how many symbols there are, and the new ones."""
    names = ", ".join(new[:_NAMES_SHOWN]) + (
        f" and {len(new) - _NAMES_SHOWN:,} more" if len(new) > _NAMES_SHOWN else ""
    )
    with readers_may_leave():
        click.echo(f"{found:,} symbols listed, {len(new):,} new{f': {names}' if new else ''}.")


def say(outcome: Outcome, *, already: int = 0, unit: str = "requests") -> None:
    """Print what was done; name each failure once and fail with the first cause where anything is lacking."""
    strange = f", {outcome.strangers:,} keys that are none" if outcome.strangers else ""
    looked = "looked at" if outcome.present or outcome.absent or outcome.unknown else "listed"
    with readers_may_leave():
        click.echo(
            f"{outcome.recorded:,} of {outcome.asked:,} symbols {looked} with {outcome.pages:,} {unit}"
            f"{f', {already:,} already covered' if already else ''}:"
            f" {outcome.day_files:,} day files, {_moved(outcome)}{strange}."
        )
    _fail_where_lacking(outcome, f"symbols are not {looked}")


def say_probed(outcome: Outcome) -> None:
    """Print what HEADs found; name each failure once and fail with the first cause where anything is unknown."""
    with readers_may_leave():
        click.echo(
            f"{outcome.pages:,} files of {outcome.asked:,} symbols probed: {outcome.present:,} there,"
            f" {outcome.absent:,} not there, {outcome.unknown:,} unknown; {_moved(outcome)}."
        )
    _fail_where_lacking(outcome, "symbols are not wholly known")


def _moved(outcome: Outcome) -> str:
    return ", ".join(f"{getattr(outcome, name):,} {name}" for name in _MOVES if getattr(outcome, name)) or "nothing new"


def _fail_where_lacking(outcome: Outcome, what: str) -> None:
    for failure in outcome.failures:
        _LOG.error(
            "probe failed" if failure.method == "head" else "listing failed",
            extra={
                "symbol": failure.symbol,
                "first_day": failure.first_day,
                "last_day": failure.last_day,
                "url": failure.url,
                "status": failure.status,
                "error": failure.reason,
            },
        )
    if outcome.interrupted:
        raise AvailabilityError(f"Interrupted. {_lacking(outcome, what)}")
    if outcome.failures:
        first = outcome.failures[0]
        day = f" {first.first_day}" if first.method == "head" else ""
        raise AvailabilityError(
            f"{_lacking(outcome, what)} First cause: {first.symbol}{day}:"
            f" {f'HTTP {first.status}, ' if first.status else ''}{first.reason} ({first.url})"
        )


def _lacking(outcome: Outcome, what: str) -> str:
    lacking = outcome.asked - outcome.recorded
    unasked = lacking - len({failure.symbol for failure in outcome.failures})
    return (
        f"{lacking:,} of {outcome.asked:,} {what}"
        f"{f' ({unasked:,} of them were not asked)' if unasked else ''};"
        " the others are kept, and the same command completes the rest."
    )
