"""What a question may ask for; everything else is a UsageError with a sentence."""

import datetime as dt
import difflib
from typing import NamedTuple

from etl.errors import AvailabilityError, UsageError
from etl.queries.asking import Connection, fetch


class Days(NamedTuple):
    """A range of days, both ends included, as text that the databases compare."""

    start: str
    end: str


def days(con: Connection, start: dt.date | None, end: dt.date | None) -> Days:
    """Check a range that may be open at either end; days that nobody has looked at have no answer."""
    if start and end and end < start:
        raise UsageError(f"The range ends on {end}, before it starts on {start}.")
    asked = Days(str(start or dt.date.min), str(end or dt.date.max))
    ((looked, some),) = fetch(con, "looked", **asked._asdict())
    if looked is None:
        raise AvailabilityError("No symbol has been looked at yet: run `availability backfill` first.")
    for day in (start, end):
        if day and str(day) > looked:
            raise UsageError(f"Nobody has looked at {day} yet: the newest day looked at is {looked}.")
    if not some:
        raise UsageError(
            f"Nobody has looked at {_named(start, end)}: `availability backfill` lists what is not covered."
        )
    return asked


def unlooked(con: Connection, start: dt.date, end: dt.date | None = None) -> list[str]:
    """Return the names of known symbols that were not looked at on ``start``, or on some day from it to ``end``."""
    return [name for (name,) in fetch(con, "unlooked", **days(con, start, end or start)._asdict())]


def _named(start: dt.date | None, end: dt.date | None) -> str:
    if start == end:
        return str(start)
    return " ".join(f"{word} {day}" for word, day in (("from", start), ("to", end)) if day)


def symbol(con: Connection, wanted: str | None) -> str | None:
    """Check that a symbol is known, None = all."""
    if wanted is None or list(fetch(con, "known", symbol=wanted)):
        return wanted
    known = [name for name, *_ in fetch(con, "names")]
    near = difflib.get_close_matches(wanted.upper(), known, n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "`availability query coverage` lists all names."
    raise UsageError(f"Unknown symbol {wanted or repr(wanted)}. {hint}")


def kind_and_quote(con: Connection, kind: str | None, quote: str | None) -> None:
    """Check that both are such as symbols have, None = any."""
    if kind is None and quote is None:
        return
    _, kinds, quotes = map(set, zip(*fetch(con, "names"), strict=True))
    for what, wanted, known in (("kind", kind, kinds), ("quote", quote, quotes - {""})):
        if wanted is not None and wanted not in known:
            raise UsageError(f"No symbol has the {what} {wanted!r}: there are {', '.join(sorted(known))}.")
