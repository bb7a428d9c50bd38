"""Fold listings on which nothing rests any more, and write the warehouse anew where that makes it smaller."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import duckdb

from etl import checks, queries
from etl.errors import AvailabilityError
from etl.upkeep.copying import cleared, copy_whole, swap_in, weighed
from etl.warehouse import VIEWS, alone, beside, one, open_any_version, settle, sql, transaction, worked_out

_WORTH_IT = 0.9  # of the size; a file that would keep more than that stays as it is,
_AT_LEAST = 1_000_000  # and so does one that would win fewer bytes: the next run takes them again

Judged = dict[str, object]  # all that is said of the facts, by the name of who says it


class Compacted(NamedTuple):
    """How large the file was, and is, or would have been; in bytes."""

    before: int
    after: int
    free: int  # of them in blocks that nothing used
    swapped: bool


def fold(con: duckdb.DuckDBPyConnection, dataset: str, today: dt.date) -> int:
    """Take out the listings on which nothing rests; return how many.

    Everything that is judged is worked out before and after: where one answer differed, nothing would be taken out, and
    AvailabilityError would name it.
    """
    with transaction(con):
        con.execute(f"CREATE OR REPLACE TEMP TABLE idle AS {sql('upkeep/idle_listings')}", {"dataset": dataset})
        folded = int(one(con, "SELECT count(*) FROM idle"))
        if folded:
            before = judged(con, dataset, today)
            con.execute("DELETE FROM listings USING idle WHERE listings.listing_id = idle.listing_id")
            con.execute("UPDATE warehouse SET folded_listings = folded_listings + ?", [folded])
            after = judged(con, dataset, today)
            if odd := [name for name, answer in before.items() if after[name] != answer]:
                raise AvailabilityError(
                    f"Without {folded:,} idle listings {', '.join(odd)} would say something else:"
                    " none is folded. This is a fault of the program."
                )
        con.execute("DROP TABLE idle")
    return folded


def judged(con: duckdb.DuckDBPyConnection, dataset: str, today: dt.date) -> Judged:
    """Return what every view, the status and the checks say, the views as number of rows and sum of their hashes."""
    with worked_out(con, "held_days", "lives"):
        said: Judged = {name: weighed(con, name) for name in VIEWS}
        said["status"] = queries.status(con, dataset)
        said["check"] = checks.findings(checks.run_checks(con, dataset, today))
    return said


def compact(path: Path) -> Compacted:
    """Write the warehouse anew beside, packed and proved equal, and swap it in where that wins a tenth and 1 MB."""
    real, part = path.resolve(), beside(path, "compacted.part")
    with alone(path, "compact"):
        settle(path)
        with open_any_version(path) as (con, _):  # kept open: no other program can write until the swap is done
            copy_whole(con, cleared(part))
            free = con.execute("SELECT free_blocks * block_size FROM pragma_database_size()").fetchall()[0][0]
            before, after = real.stat().st_size, part.stat().st_size
            swapped = after <= min(before * _WORTH_IT, before - _AT_LEAST)
            if swapped:
                swap_in(part, real)
            else:
                part.unlink()
    return Compacted(before, after, free, swapped)
