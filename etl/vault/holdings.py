"""What a vault holds of each product and day, read from its folders and the footers of its Parquet files.

A part has one content for ever, that of the segment it is named after. A file that `vault compact` made stands for the
parts that its footer names, whether they lie there still or not.
"""

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import md5
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import duckdb

from etl.errors import AvailabilityError
from etl.keys import VAULT, read_vault_folder
from etl.records import VaultDay
from etl.vault import storage
from etl.vault.compact import COMPACTED
from etl.vault.parquet import fetch, scratch_database
from etl.vault.refine import PROCESSED
from etl.vault.segments import ACTIVE, PROCESSING, READY
from etl.vault.storage import Storage, Stored
from etl.warehouse import sql

_EVENTS: Final = f"{VAULT}/events/date="
_TREES: Final = tuple(tree.removesuffix(VAULT) for tree in (PROCESSED, COMPACTED))
_SEGMENT: Final = re.compile(r"/segment_(\d{8})T", re.ASCII)
_TAIL_BYTES: Final = 16_384  # a footer has 3 to 8 kB
_END_BYTES: Final = 8  # the footer's length and the magic word
_HOUR: Final = slice(len("part_YYYYMMDDT"), len("part_YYYYMMDDTHH"))

Series = tuple[str, str]  # dataset and symbol


class Day(NamedTuple):
    """The files of one product on one day, and those that tell what capture noted on it."""

    parts: list[Stored]  # below processed/
    merged: list[Stored]  # below compacted/
    events: list[Stored]  # of either tree

    @property
    def files_md5(self) -> str:
        """Return what tells these files from any others."""
        return _md5("".join(f"{each.path} {each.size}\n" for each in sorted(chain(*self))))


class Found(NamedTuple):
    """All that lies in the two trees of a vault."""

    through: dt.date  # the last day that is over: no segment of it waits to be refined
    days: dict[Series, dict[str, Day]]  # by day, YYYY-MM-DD; only those that are over
    strangers: list[Stored]


class Footer(NamedTuple):
    """What the end of a Parquet file says."""

    rows: int
    parts: list[str]  # names of the parts that the file was made of


def look(vault: Storage, today: dt.date) -> Found:
    """List both trees; a day that is not over is not looked at. Raises StorageError."""
    through = _through(vault, today)
    trees = [storage.list_files(vault, tree + VAULT) for tree in _TREES]
    found, strangers = defaultdict[Series, dict[str, Day]](dict), list[Stored]()
    events = defaultdict[str, list[Stored]](list)
    for tree, files, place in zip(_TREES, trees, (0, 1), strict=True):
        for each in files:
            folder, _, name = each.path.removeprefix(tree).rpartition("/")
            series = read_vault_folder(folder) if name.endswith(".parquet") else None
            if folder.startswith(_EVENTS):
                events[folder.removeprefix(_EVENTS)[: len("YYYY-MM-DD")]].append(each)
            elif series is None:
                strangers.append(each)
            else:
                days = found[series[0], series[1]]
                if series[2] <= through.isoformat():
                    days.setdefault(series[2], Day([], [], []))[place].append(each)
    for days in found.values():
        for name, day in days.items():
            day.events.extend(events[name])
    return Found(through, dict(found), strangers)


def _through(vault: Storage, today: dt.date) -> dt.date:
    """Return the last day before today of which no segment waits."""
    waiting = [each.path for folder in (ACTIVE, READY, PROCESSING) for each in storage.list_files(vault, folder)]
    return min([today, *filter(None, map(_day, waiting))]) - dt.timedelta(days=1)


def _day(path: str) -> dt.date | None:
    """Return the day of a segment; what is not named as one is refine's to tell of."""
    try:
        return dt.date.fromisoformat(match[1]) if (match := _SEGMENT.search(path)) else None
    except ValueError:
        return None


def read(vault: Storage, series: Series, days: Mapping[str, Day], known: Mapping[str, VaultDay]) -> list[VaultDay]:
    """Return what is held of one product by day; of a day whose files are ``known`` nothing is read again.

    Raises AvailabilityError and duckdb.Error where a file cannot be read.
    """
    with TemporaryDirectory(prefix="availability-") as scratch, scratch_database(Path(scratch)) as con:
        return [
            known[name]
            if name in known and known[name].files_md5 == day.files_md5
            else _read_day(con, vault, series, name, day, known.get(name), Path(scratch))
            for name, day in sorted(days.items())
        ]


def _read_day(  # noqa: PLR0917 - what is read, by what, and what is known of it
    con: duckdb.DuckDBPyConnection,
    vault: Storage,
    series: Series,
    name: str,
    day: Day,
    known: VaultDay | None,
    scratch: Path,
) -> VaultDay:
    """Read the footers of a day. The same parts in other files are the same day: merging them is no revision."""
    merged = [footer(con, vault, each, scratch) for each in day.merged]
    inside = {part for each in merged for part in each.parts}
    apart = [each for each in day.parts if _name(each) not in inside]
    rows = sum(each.rows for each in [*merged, *(footer(con, vault, each, scratch) for each in apart)])
    parts, files = sorted(inside | set(map(_name, apart))), [*day.merged, *apart]
    etag = f"{_md5(' '.join([*series, name, *parts]))}-{len(parts)}"
    if known and (known.etag, known.rows) == (etag, rows):
        kept = known
    else:
        hours = len({part[_HOUR] for part in parts})
        size, newest = sum(each.size for each in files), max(each.last_modified for each in files)
        kept = VaultDay(name, hours, rows, size, len(files), f"{newest:%Y-%m-%dT%H:%M:%SZ}", etag, 0, 0, 0, "")
    losses, lost, breaks = _noted(con, vault, day.events, scratch)
    return kept._replace(losses=losses, lost_messages=lost, breaks=breaks, files_md5=day.files_md5)


def _noted(
    con: duckdb.DuckDBPyConnection, vault: Storage, files: Sequence[Stored], scratch: Path
) -> tuple[int, int, int]:
    """Count losses, messages lost in them, and breaks; a note that lies in two files counts once."""
    names = []
    for number, each in enumerate(files):
        names.append(str(scratch / f"events-{number}.parquet"))
        fetch(vault, each.path, Path(names[-1]))
    if not names:
        return 0, 0, 0
    rows = con.execute(sql("vault/count_events"), {"files": names}).fetchall()
    losses, lost, breaks = rows[0]
    return losses, lost, breaks


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _name(file: Stored) -> str:
    return file.path.rpartition("/")[2]


def footer(con: duckdb.DuckDBPyConnection, vault: Storage, file: Stored, scratch: Path) -> Footer:
    """Read the end of a Parquet file; AvailabilityError where it has none."""
    tail = _tail(vault, file)
    copy = scratch / "tail.parquet"
    copy.write_bytes(b"PAR1" + tail)  # DuckDB looks for nothing else before a footer
    try:
        ((rows,),) = con.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(copy)]).fetchall()
        words = con.execute(
            "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'parts'", [str(copy)]
        ).fetchall()
    except duckdb.Error as error:
        raise AvailabilityError(f"{vault.place(file.path)} cannot be read as a Parquet file.") from error
    return Footer(rows, json.loads(words[0][0]) if words else [])


def _tail(vault: Storage, file: Stored) -> bytes:
    """Return the footer of a Parquet file, with what says how long it is: most often by one request."""
    wanted = min(_TAIL_BYTES, file.size)
    tail = storage.read_range(vault, file.path, file.size - wanted, max(wanted, 1))
    if len(tail) < _END_BYTES or tail[-4:] != b"PAR1":
        raise AvailabilityError(f"{vault.place(file.path)} is no whole Parquet file.")
    length = int.from_bytes(tail[-_END_BYTES:-4], "little") + _END_BYTES
    if length > file.size:
        raise AvailabilityError(f"{vault.place(file.path)} is no whole Parquet file.")
    return tail[-length:] if length <= wanted else storage.read_range(vault, file.path, file.size - length, length)
