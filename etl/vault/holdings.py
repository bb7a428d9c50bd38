"""What a vault holds of each product and day, read from its folders and the footers of its Parquet files.

A part has one content for ever, that of the segment it is named after. A file that `vault compact` made stands for the
parts that its footer names, whether they lie there still or not.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import md5
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final, NamedTuple

import duckdb

from etl.disk import named
from etl.errors import AvailabilityError
from etl.keys import VAULT, read_vault_folder
from etl.records import VaultDay
from etl.vault import storage
from etl.vault.compact import COMPACTED
from etl.vault.footers import Footer, footers, named_parts
from etl.vault.parquet import fetch, scratch_database
from etl.vault.refine import PROCESSED
from etl.vault.segments import ACTIVE, PROCESSING, READY
from etl.vault.storage import Storage, Stored
from etl.warehouse import sql

_EVENTS: Final = re.compile(rf"{VAULT}/events/date=(\d{{4}}-\d\d-\d\d)(/hour=\d\d)?", re.ASCII)
_TREES: Final = tuple(tree.removesuffix(VAULT) for tree in (PROCESSED, COMPACTED))
_SEGMENT: Final = re.compile(r"/segment_(\d{8})T", re.ASCII)
# Before there was an exchange: the clock of who captured it was wrong, and two thousand years of gaps tell nobody more.
_FIRST_DAY: Final = dt.date(2012, 1, 1)

Series = tuple[str, str]  # dataset and symbol
Noted = tuple[int, int, int]  # losses, messages lost in them, breaks


class Day(NamedTuple):
    """The files of one product on one day."""

    parts: list[Stored]  # below processed/
    merged: list[Stored]  # below compacted/


class Found(NamedTuple):
    """All that lies in the two trees of a vault."""

    through: dt.date  # the last day that is over: no segment of it waits to be refined
    days: dict[Series, dict[str, Day]]  # by day, YYYY-MM-DD; only those that are over
    events: dict[str, list[Stored]]  # what capture noted, by day
    strangers: list[Stored]


class Reading(NamedTuple):
    """What reading needs, for as many products as are asked about."""

    vault: Storage
    found: Found
    con: duckdb.DuckDBPyConnection  # in memory
    scratch: Path
    noted: dict[str, Noted]  # by day, as far as it was asked: it is the same for all products


def look(vault: Storage, today: dt.date) -> Found:
    """List both trees; a day that is not over is not looked at. Raises StorageError."""
    found = Found(_through(vault, today), {}, {}, [])
    for tree, place in zip(_TREES, (0, 1), strict=True):
        for each in storage.list_files(vault, tree + VAULT):
            folder, _, name = each.path.removeprefix(tree).rpartition("/")
            series = read_vault_folder(folder)
            events = _EVENTS.fullmatch(folder)
            if not name.endswith(".parquet") or not each.path.isprintable():
                found.strangers.append(each)
            elif events:
                found.events.setdefault(events[1], []).append(each)
            elif series is None or series[2] < _FIRST_DAY.isoformat():
                found.strangers.append(each)
            else:
                days = found.days.setdefault(series[:2], {})
                if series[2] <= found.through.isoformat():
                    days.setdefault(series[2], Day([], []))[place].append(each)
    return found


def _through(vault: Storage, today: dt.date) -> dt.date:
    """Return the last day before today of which no segment waits."""
    waiting = [each.path for folder in (ACTIVE, READY, PROCESSING) for each in storage.list_files(vault, folder)]
    return min([today, *filter(None, map(_day, waiting))]) - dt.timedelta(days=1)


def _day(path: str) -> dt.date | None:
    """Return the day of a segment; what is not named as one, or by a wrong clock, is refine's to tell of."""
    try:
        day = dt.date.fromisoformat(match[1]) if (match := _SEGMENT.search(path)) else None
    except ValueError:
        return None
    return day if day and day >= _FIRST_DAY else None


@contextmanager
def reading(vault: Storage, found: Found) -> Iterator[Reading]:
    """Yield what `read` needs."""
    with (
        named(Path(gettempdir())),
        TemporaryDirectory(prefix="availability-") as scratch,
        scratch_database(Path(scratch)) as con,
    ):
        yield Reading(vault, found, con, Path(scratch), {})


def read(to: Reading, series: Series, known: Mapping[str, VaultDay]) -> list[VaultDay]:
    """Return what is held of one product by day; of a day whose files are ``known`` nothing is read again.

    Raises AvailabilityError where a file cannot be read.
    """
    days = to.found.days.get(series, {})
    marks = {name: _files_md5(day, to.found.events.get(name, [])) for name, day in sorted(days.items())}
    new = [name for name, mark in marks.items() if name not in known or known[name].files_md5 != mark]
    merged = _footers(to, chain.from_iterable(days[name].merged for name in new))
    made_of = {each: named_parts(to.vault, each, said) for each, said in merged.items()}
    inside = {name: set(chain.from_iterable(made_of[each] for each in days[name].merged)) for name in new}
    apart = {name: [each for each in days[name].parts if _name(each) not in inside[name]] for name in new}
    rows = {**merged, **_footers(to, chain.from_iterable(apart.values()))}
    held = dict(known)
    for name in new:
        files = [*days[name].merged, *apart[name]]
        parts = sorted(inside[name] | set(map(_name, apart[name])))
        day = _held(series, name, files, sum(rows[each].rows for each in files), parts)
        if name in known and (known[name].etag, known[name].rows) == (day.etag, day.rows):
            day = known[name]  # the same parts in other files: merging them is no revision
        losses, lost, breaks = _noted(to, name)
        held[name] = day._replace(losses=losses, lost_messages=lost, breaks=breaks, files_md5=marks[name])
    return [held[name] for name in marks]


def _footers(to: Reading, files: Iterator[Stored]) -> dict[Stored, Footer]:
    return dict(footers(to.con, to.vault, list(files), to.scratch))


def _held(series: Series, name: str, files: Sequence[Stored], rows: int, parts: Sequence[str]) -> VaultDay:
    etag = f"{_md5(' '.join([*series, name, *parts]))}-{len(parts)}"
    # After a clock was set back, a segment of the day before may have lines too: they are of no hour of this one.
    begin = f"part_{name.replace('-', '')}T"
    hours = len({part.removeprefix(begin)[:2] for part in parts if part.startswith(begin)})
    size, newest = sum(each.size for each in files), max(each.last_modified for each in files)
    return VaultDay(name, hours, rows, size, len(files), f"{newest:%Y-%m-%dT%H:%M:%SZ}", etag, 0, 0, 0, "")


def _noted(to: Reading, day: str) -> Noted:
    """Count losses, messages lost in them, and breaks of a day; a note that lies in two files counts once."""
    if day not in to.noted:
        to.con.execute(sql("vault/noted"))
        copy = to.scratch / "events.parquet"
        for each in to.found.events.get(day, []):
            fetch(to.vault, each.path, copy)
            try:
                to.con.execute(sql("vault/note"), {"file": str(copy)})
            except duckdb.Error as error:
                place = to.vault.place(each.path)
                raise AvailabilityError(f"{place} is no whole Parquet file of what capture noted.") from error
        ((losses, lost, breaks),) = to.con.execute(sql("vault/count_events")).fetchall()
        to.noted[day] = losses, lost, breaks
    return to.noted[day]


def _files_md5(day: Day, events: Sequence[Stored]) -> str:
    """Return what tells the files of a day from any others."""
    return _md5("".join(f"{each.path} {each.size}\n" for each in sorted(chain(*day, events))))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _name(file: Stored) -> str:
    return file.path.rpartition("/")[2]
