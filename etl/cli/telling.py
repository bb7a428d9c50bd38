"""What the collecting commands show while they work, and what they say at the end."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from etl import collect, log, outcomes
from etl.cli.leaving import readers_may_leave
from etl.records import Answer, Outcome, Window

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

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
    with readers_may_leave():
        click.echo(outcomes.discovered(found, new))


def say(outcome: Outcome, *, already: int = 0, unit: str = "requests") -> None:
    """Print what was done; name each failure once and fail with the first cause where anything is lacking."""
    with readers_may_leave():
        click.echo(outcomes.looked_at(outcome, already=already, unit=unit))
    outcomes.fail_where_lacking(outcome)


def say_probed(outcome: Outcome) -> None:
    """Print what HEADs found; name each failure once and fail with the first cause where anything is unknown."""
    with readers_may_leave():
        click.echo(outcomes.probed(outcome))
    outcomes.fail_where_lacking(outcome, "symbols are not wholly known")
