"""The one seam to the machine's clock."""

import datetime as dt


def now() -> dt.datetime:
    """Return this moment, UTC, to the millisecond."""
    moment = dt.datetime.now(dt.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=None)


def today() -> dt.date:
    """Return the UTC day of this moment."""
    return dt.datetime.now(dt.UTC).date()
