"""The parts of each finished day become one file, in a tree of its own; readers of either tree see every row once.

No store swaps several objects in one step, and a reader that globs `*.parquet` sees what lies there at that moment: any
way to replace three parts by one file beside them shows rows twice or not at all in between. So the file goes below
`compacted/`, where a day appears whole by one write, and the parts stay below `processed/` for some days more. Whoever
reads both takes `compacted/` before a day of his choice and `processed/` from it on, and never waits for anybody.
"""

import datetime as dt
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import duckdb

from etl.errors import AvailabilityError
from etl.vault import storage
from etl.vault.alone import alone
from etl.vault.footers import footers, named_parts
from etl.vault.parquet import fetch, quoted, scratch_database, write_part
from etl.vault.refine import PROCESSED
from etl.vault.storage import Storage, Stored
from etl.vault.tables import VERSION

COMPACTED: Final = "compacted/coinbase"
_LOG: Final = logging.getLogger("etl.vault.compact")


class Compacted(NamedTuple):
    """What `vault compact` did."""

    days: int  # of a channel and a product each, that became a file
    parts: int  # that went into them
    rows: int
    removed: int  # parts that lay in a file for long enough
    failures: list[str]  # a sentence each; these days stay as they were


def compact(vault: Storage, today: dt.date, keep_days: int, stopped: Callable[[], bool] = lambda: False) -> Compacted:
    """Merge the parts of the days before today, and remove those that lie in a file for ``keep_days`` days."""
    with alone(vault, "compact") as check:
        return _compact(vault, today, keep_days, stopped, check)


def _compact(
    vault: Storage, today: dt.date, keep_days: int, stopped: Callable[[], bool], check: Callable[[], None]
) -> Compacted:
    done = Compacted(0, 0, 0, 0, [])
    parts = [each.path for each in storage.list_files(vault, PROCESSED, "*.parquet")]
    files = defaultdict[str, list[Stored]](list)  # by folder
    for each in storage.list_files(vault, COMPACTED, "*.parquet"):
        files[_folder(each.path)].append(each)
    for folder, group in groupby(parts, key=_folder):
        day, names = _day(folder), [path.rpartition("/")[2] for path in group]
        if stopped():
            break
        if day is None:
            done.failures.append(f"{folder}: it names no day")
            continue
        if day >= today:
            continue
        merged = files[COMPACTED + folder.removeprefix(PROCESSED)]
        try:
            check()
        except AvailabilityError as error:  # somebody else compacts now, or nobody can tell
            done.failures.append(str(error))
            break
        try:
            before, done = done.days, _compact_day(vault, folder, names, merged, done)
            newest = max((each.last_modified.date() for each in merged), default=today)
            if done.days == before and newest < today - dt.timedelta(days=keep_days):
                done = _remove(vault, folder, names, done)
        except (AvailabilityError, duckdb.Error, OSError) as error:
            done.failures.append(f"{folder}: {error}")
            _LOG.error("day not compacted", extra={"folder": folder, "error": str(error)})
    return done


def _compact_day(
    vault: Storage, folder: str, names: Sequence[str], merged: Sequence[Stored], done: Compacted
) -> Compacted:
    """See to it that every part of a folder is in a file of the other tree; only those in none are merged."""
    target = COMPACTED + folder.removeprefix(PROCESSED)
    if storage.join(target, _name(names)) in {each.path for each in merged}:
        return done
    with TemporaryDirectory(prefix="availability-") as scratch, scratch_database(Path(scratch)) as con:
        known = _parts_in(con, vault, merged, Path(scratch))
        new = sorted(set(names) - known)
        if not new:
            return done
        rows = _merge(con, vault, folder, storage.join(target, _name(new)), new, Path(scratch))
    _LOG.info("day compacted", extra={"folder": folder, "parts": len(new), "rows": rows})
    return done._replace(days=done.days + 1, parts=done.parts + len(new), rows=done.rows + rows)


def _remove(vault: Storage, folder: str, names: Sequence[str], done: Compacted) -> Compacted:
    for name in names:
        storage.delete(vault, storage.join(folder, name))
    _LOG.info("parts removed", extra={"folder": folder, "parts": len(names)})
    return done._replace(removed=done.removed + len(names))


def _merge(
    con: duckdb.DuckDBPyConnection, vault: Storage, folder: str, target: str, names: Sequence[str], scratch: Path
) -> int:
    """Write the rows of some parts as one file, in the order of the parts' names; return how many there are."""
    for name in names:
        fetch(vault, storage.join(folder, name), scratch / name)
    files = ", ".join(quoted(str(scratch / name)) for name in names)
    rows = f"FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
    about = {"schema_version": str(VERSION), "parts": json.dumps(names)}
    return write_part(con, vault, target, rows, about, scratch).rows


def _parts_in(con: duckdb.DuckDBPyConnection, vault: Storage, merged: Sequence[Stored], scratch: Path) -> set[str]:
    """Return the names of the parts that some files were made of."""
    told = footers(con, vault, merged, scratch)
    return {name for file, said in told for name in named_parts(vault, file, said)}


def _name(names: Sequence[str]) -> str:
    """Return the name of the file that is made of these parts: the same parts, the same name."""
    return f"day_{sha256(' '.join(sorted(names)).encode()).hexdigest()[:16]}.parquet"


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _day(folder: str) -> dt.date | None:
    """Return the day of a folder of parts, None where it names none."""
    for each in folder.split("/"):
        if each.startswith("date="):
            with suppress(ValueError):
                return dt.date.fromisoformat(each.removeprefix("date="))
    return None
