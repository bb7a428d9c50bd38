"""What has changed from one build to another: symbols, days, and files that are other ones now."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple

from etl.errors import AvailabilityError, UsageError
from etl.publish.gates import insist_on_version
from etl.publish.kept import Kept, address
from etl.warehouse import sql

_DATASETS = "SELECT dataset FROM here.datasets UNION SELECT dataset FROM there.datasets ORDER BY dataset"


class Days(NamedTuple):
    """The days of one symbol that only one of the builds has."""

    symbol: str
    days: int
    first_day: str
    last_day: str


class Revised(NamedTuple):
    """A file that both builds have, and not the same."""

    symbol: str
    date: str
    change: str  # changed (size or etag) or touched (only last_modified)
    old_file_size_bytes: int
    old_last_modified: str
    old_etag: str
    new_file_size_bytes: int
    new_last_modified: str
    new_etag: str


class Difference(NamedTuple):
    """Everything that differs, from the old build to the new one."""

    old: str
    new: str
    dataset: str
    symbols_new: list[str]
    symbols_gone: list[str]
    days_added: list[Days]
    days_gone: list[Days]
    revisions: list[Revised]


def difference(old: Kept, new: Kept, dataset: str) -> Difference:
    """Compare what two builds hold of a dataset; raises AvailabilityError, and UsageError where neither has it."""
    for each in (old, new):
        insist_on_version(each.file)
    asked = {"dataset": dataset}
    try:
        with closing(_side_by_side(new, old)) as con:
            _insist_on_dataset(con, dataset)
            symbols_new, days_added = _only_here(con, asked)
            revisions = [Revised(*row) for row in con.execute(sql("publish/diff_revisions"), asked)]
        with closing(_side_by_side(old, new)) as con:
            symbols_gone, days_gone = _only_here(con, asked)
    except sqlite3.Error as error:
        raise AvailabilityError(f"{old.file} and {new.file} cannot be compared: {error}.") from error
    return Difference(old.build_id, new.build_id, dataset, symbols_new, symbols_gone, days_added, days_gone, revisions)


def _insist_on_dataset(con: sqlite3.Connection, dataset: str) -> None:
    known = [name for (name,) in con.execute(_DATASETS)]
    if dataset not in known:
        raise UsageError(f"Neither build has the dataset {dataset!r}. There is {', '.join(known)}.")


def _side_by_side(here: Kept, there: Kept) -> sqlite3.Connection:
    """Open two builds as the schemas `here` and `there` of one connection."""
    con = sqlite3.connect("file::memory:", uri=True)
    con.execute("ATTACH ? AS here", [address(here.file)])
    con.execute("ATTACH ? AS there", [address(there.file)])
    return con


def _only_here(con: sqlite3.Connection, asked: Mapping[str, str]) -> tuple[list[str], list[Days]]:
    symbols = [symbol for (symbol,) in con.execute(sql("publish/diff_symbols"), asked)]
    return symbols, [Days(*row) for row in con.execute(sql("publish/diff_days"), asked)]
