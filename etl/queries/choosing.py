"""What a question may ask for; everything else is a UsageError with a sentence."""

import datetime as dt
import difflib
from typing import NamedTuple

from etl.errors import AvailabilityError, UsageError
from etl.keys import UM_KLINES_1M
from etl.queries.asking import Connection, fetch


class Days(NamedTuple):
    """A range of days, both ends included, as text that the databases compare."""

    start: str
    end: str


def known_dataset(con: Connection, wanted: str) -> str:
    """Check that a dataset is known."""
    known = [name for name, *_ in fetch(con, "datasets")]
    if wanted in known or not known:  # before the first listing there is none, and that is said elsewhere
        return wanted
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
    hint = f"Did you mean {', '.join(near)}?" if near else f"There is {', '.join(known)}."
    raise UsageError(f"Unknown dataset {wanted or repr(wanted)}. {hint}")


def days(con: Connection, dataset: str, start: dt.date | None, end: dt.date | None) -> Days:
    """Check a range of days that may be open at either end; days that nobody has looked at have no answer."""
    if start and end and end < start:
        raise UsageError(f"The range ends on {end}, before it starts on {start}.")
    asked = Days(str(start or dt.date.min), str(end or dt.date.max))
    ((looked, some),) = fetch(con, "looked", dataset=known_dataset(con, dataset), **asked._asdict())
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


def unlooked(con: Connection, start: dt.date, end: dt.date | None = None, *, dataset: str = UM_KLINES_1M) -> list[str]:
    """Return the names of known symbols that were not looked at on ``start``, or on some day from it to ``end``."""
    asked = days(con, dataset, start, end or start)
    return [name for (name,) in fetch(con, "unlooked", dataset=dataset, **asked._asdict())]


def _named(start: dt.date | None, end: dt.date | None) -> str:
    if start == end:
        return str(start)
    return " ".join(f"{word} {day}" for word, day in (("from", start), ("to", end)) if day)


def symbol(con: Connection, dataset: str, wanted: str | None) -> str | None:
    """Check that a symbol of a dataset is known, None = all."""
    dataset = known_dataset(con, dataset)
    if wanted is None or list(fetch(con, "known", dataset=dataset, symbol=wanted)):
        return wanted
    known = [name for name, *_ in fetch(con, "names", dataset=dataset)]
    near = difflib.get_close_matches(wanted.upper(), known, n=3)
    others = [name for name, symbol in fetch(con, "of_vault") if symbol == wanted]
    hint = f"Did you mean {', '.join(near)}?" if near else "`availability query coverage` lists all names."
    if others:
        hint = f"It is in {', '.join(others)}: name the dataset."
    raise UsageError(f"Unknown symbol {wanted or repr(wanted)}. {hint}")


def kind_and_quote(con: Connection, dataset: str, kind: str | None, quote: str | None) -> None:
    """Check that both are such as symbols have, None = any."""
    if kind is None and quote is None:
        return
    _, kinds, quotes = map(set, zip(*fetch(con, "names", dataset=dataset), strict=True))
    for what, wanted, known in (("kind", kind, kinds), ("quote", quote, quotes - {""})):
        if wanted is not None and wanted not in known:
            raise UsageError(f"No symbol has the {what} {wanted!r}: there are {', '.join(sorted(known))}.")
