"""What came of looking at the archive, as sentences; what is lacking fails with its first cause."""

import logging
from collections.abc import Sequence

from etl.errors import AvailabilityError
from etl.records import Outcome

NOT_INDEXED = "products of the vault are not recorded"
_NAMES_SHOWN = 50
_MOVES = ("added", "changed", "touched", "vanished", "returned")
_LOG = logging.getLogger("etl.collect")


def discovered(found: int, new: Sequence[str]) -> str:
    """Say how many symbols there are, and name the new ones."""
    names = ", ".join(new[:_NAMES_SHOWN]) + (
        f" and {len(new) - _NAMES_SHOWN:,} more" if len(new) > _NAMES_SHOWN else ""
    )
    return f"{found:,} symbols listed, {len(new):,} new{f': {names}' if new else ''}."


def looked_at(outcome: Outcome, *, already: int = 0, unit: str = "requests") -> str:
    """Say what a listing or an update did; ``already`` counts the symbols that needed nothing."""
    strange = f", {outcome.strangers:,} keys that are none" if outcome.strangers else ""
    return (
        f"{outcome.recorded:,} of {outcome.asked:,} symbols {_looked(outcome)} with {outcome.pages:,} {unit}"
        f"{f', {already:,} already covered' if already else ''}:"
        f" {outcome.day_files:,} day files, {_moved(outcome)}{strange}."
    )


def probed(outcome: Outcome) -> str:
    """Say what HEADs found."""
    return (
        f"{outcome.pages:,} files of {outcome.asked:,} symbols probed: {outcome.present:,} there,"
        f" {outcome.absent:,} not there, {outcome.unknown:,} unknown; {_moved(outcome)}."
    )


def indexed(outcome: Outcome) -> str:
    """Say what was recorded of the vault."""
    strange = f", {outcome.strangers:,} files that are none of a product and a day" if outcome.strangers else ""
    return (
        f"{outcome.recorded:,} of {outcome.asked:,} products of the vault recorded:"
        f" {outcome.day_files:,} days, {_moved(outcome)}{strange}."
    )


def fail_where_lacking(outcome: Outcome, what: str = "") -> None:
    """Log each failure once, and raise AvailabilityError with the first cause where anything is lacking."""
    what = what or f"symbols are not {_looked(outcome)}"
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
    if outcome.interrupted and outcome.recorded == outcome.asked:
        raise AvailabilityError(f"Interrupted. All {outcome.asked:,} symbols were {_looked(outcome)} by then.")
    if outcome.interrupted:
        raise AvailabilityError(f"Interrupted. {_lacking(outcome, what)}")
    if outcome.failures:
        first = outcome.failures[0]
        day = f" {first.first_day}" if first.method == "head" else ""
        raise AvailabilityError(
            f"{_lacking(outcome, what)} First cause: {first.symbol}{day}:"
            f" {f'HTTP {first.status}, ' if first.status else ''}{first.reason} ({first.url})"
        )


def _looked(outcome: Outcome) -> str:
    return "looked at" if outcome.present or outcome.absent or outcome.unknown else "listed"


def _moved(outcome: Outcome) -> str:
    return ", ".join(f"{getattr(outcome, name):,} {name}" for name in _MOVES if getattr(outcome, name)) or "nothing new"


def _lacking(outcome: Outcome, what: str) -> str:
    lacking = outcome.asked - outcome.recorded
    unasked = lacking - len({failure.prefix for failure in outcome.failures})
    return (
        f"{lacking:,} of {outcome.asked:,} {what}"
        f"{f' ({unasked:,} of them were not asked)' if unasked else ''};"
        " the others are kept, and the same command completes the rest."
    )
