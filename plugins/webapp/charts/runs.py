"""Runs of days of the same kind, the rows behind every chart of days. Days are ordinals: 1 is 0001-01-01."""

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple


class Run(NamedTuple):
    """Neighbouring days of one kind, first and last inclusive."""

    kind: str
    first: int
    last: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.last - self.first + 1

    @property
    def words(self) -> str:
        """Its days as text."""
        return between(self.first, self.last)


def join(runs: Iterable[Run]) -> list[Run]:
    """Return runs in the order of their days, those of a kind that touch as one."""
    joined: list[Run] = []
    for run in sorted(runs, key=lambda each: each.first):
        before = joined[-1] if joined else None
        if before and before.kind == run.kind and before.last + 1 == run.first:
            joined[-1] = Run(run.kind, before.first, run.last)
        else:
            joined.append(run)
    return joined


@lru_cache(maxsize=20_000)  # days of all symbols are the same few thousand
def ordinal(day: str) -> int:
    """Read YYYY-MM-DD."""
    return dt.date.fromisoformat(day).toordinal()


def between(first: int, last: int) -> str:
    """Write the days from first to last."""
    return date(first) if first == last else f"{date(first)} to {date(last)}"


def date(day: int) -> str:
    """Write YYYY-MM-DD."""
    return dt.date.fromordinal(day).isoformat()
