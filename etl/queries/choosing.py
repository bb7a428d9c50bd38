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
    """Check a range that may be open at either end; a day that nobody has looked at yet has no answer."""
    if start and end and end < start:
        raise UsageError(f"The range ends on {end}, before it starts on {start}.")
    ((looked,),) = fetch(con, "looked")
    if looked is None:
        raise AvailabilityError("No symbol has been looked at yet: run `availability backfill` first.")
    for day in (start, end):
        if day and str(day) > looked:
            raise UsageError(f"Nobody has looked at {day} yet: the newest day looked at is {looked}.")
    return Days(str(start or dt.date.min), str(end or dt.date.max))


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
