"""Questions about all symbols together, day by day."""

import datetime as dt
from typing import NamedTuple

from etl.keys import UM_KLINES_1M
from etl.queries import choosing
from etl.queries.asking import Connection, ask


class SummaryRow(NamedTuple):
    """One day of all symbols."""

    date: dt.date
    files: int
    missing: int
    bytes: int
    listed: int
    available: int
    degraded: int
    pending: int
    flat: int
    ended: int
    completeness: float | None
    not_looked: int
    dataset: str


class FreshnessRow(NamedTuple):
    """How late the files of one day came; only days that were watched."""

    date: dt.date
    files: int
    median_lag_hours: float
    p95_lag_hours: float
    dataset: str


def summary(
    con: Connection, start: dt.date | None = None, end: dt.date | None = None, *, dataset: str = UM_KLINES_1M
) -> list[SummaryRow]:
    """Return what all symbols together have of each day, days without any file included."""
    return ask(con, "summary", SummaryRow, dataset=dataset, **choosing.days(con, dataset, start, end)._asdict())


def freshness(
    con: Connection, start: dt.date | None = None, end: dt.date | None = None, *, dataset: str = UM_KLINES_1M
) -> list[FreshnessRow]:
    """Return how many hours after its end each day's files were there, as far as we watched them come."""
    return ask(con, "freshness", FreshnessRow, dataset=dataset, **choosing.days(con, dataset, start, end)._asdict())
