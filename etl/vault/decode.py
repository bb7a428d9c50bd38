"""Lines into typed tables: DuckDB reads the JSON of a block once, and each channel takes its rows from there."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from etl.vault.blocks import SegmentError
from etl.vault.parquet import scratch_database
from etl.vault.tables import MARKET, TABLES, create
from etl.warehouse import sql

_SHORT: Final = 1024 * 1024  # bytes of a line that DuckDB is always prepared for
_NO_LINE: Final = re.compile(rb"(?m)^[ \t\r]*$")  # DuckDB skips these, and would count wrongly


class Rejected(NamedTuple):
    """A line that no table takes; it is kept with the reason."""

    line: int  # in the segment, from 1
    reason: str
    text: bytes


class Decoded(NamedTuple):
    """What was read of a segment, beside the rows, which are in the tables."""

    lines: int
    digest: str  # of its first line: with the hour and the number that makes a segment's name its own
    rejected: list[Rejected]


@contextmanager
def tables_in(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database in memory with the empty tables of one segment."""
    with scratch_database(scratch) as con:
        con.execute(sql("vault/scratch"))
        for table in TABLES:
            con.execute(create(table))
        yield con


def decode(con: duckdb.DuckDBPyConnection, blocks: Iterable[bytes], scratch: Path) -> Decoded:
    """Fill the tables with the rows of all blocks."""
    lines, digest, rejected = 0, "", list[Rejected]()
    for block in blocks:
        digest = digest or sha256(block[: block.index(b"\n")]).hexdigest()[:8]
        count = block.count(b"\n")
        _stage(con, block, count, scratch / "block.ndjson")
        told = {channel for (channel,) in con.execute("SELECT DISTINCT channel FROM staged").fetchall()}
        channels = [channel for channel in MARKET if channel in told]
        for channel in channels:
            con.execute(sql(f"vault/{channel}"), {"before": lines})
        _note_events(con, block, lines)
        con.execute(sql("vault/count_frames"))
        rejected += _refuse(con, block, lines, channels)
        lines += count
    if not lines:
        raise SegmentError("it holds no line")
    return Decoded(lines, digest, rejected)


def frames(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return how many frames came on each channel, and how often capture noted what."""
    return dict(con.execute("SELECT channel, sum(frames)::BIGINT FROM frames GROUP BY ALL ORDER BY ALL").fetchall())


def _stage(con: duckdb.DuckDBPyConnection, block: bytes, lines: int, path: Path) -> None:
    """Read a block: a row a line, in order."""
    longest = _longest(block)
    found = _read(con, block, path, longest)
    if found != lines:
        found = _read(con, _NO_LINE.sub(b"-", block[:-1]) + b"\n", path, longest)
    if found != lines:
        raise SegmentError(f"DuckDB makes {found:,} of {lines:,} lines")


def _longest(block: bytes) -> int:
    """Return the bytes that no line exceeds: of many short lines it looks at a few ends only."""
    longest, start = _SHORT, 0
    while start + _SHORT < len(block):
        end = block.rfind(b"\n", start, start + _SHORT)
        if end < 0:
            end = block.index(b"\n", start)
            longest = max(longest, end - start + 1)
        start = end + 1
    return longest


def _read(con: duckdb.DuckDBPyConnection, block: bytes, path: Path, longest: int) -> int:
    path.write_bytes(block)
    con.execute(sql("vault/stage"), {"path": str(path), "longest": longest})
    con.execute(sql("vault/events_of"))  # a macro needs its table
    ((found,),) = con.execute("SELECT count(*) FROM staged").fetchall()
    return int(found)


def _note_events(con: duckdb.DuckDBPyConnection, block: bytes, before: int) -> None:
    """Take what capture noted from the lines themselves."""
    found = con.execute("SELECT rowid FROM staged WHERE event IS NOT NULL AND capture_ts IS NOT NULL").fetchall()
    if found:
        texts = block.split(b"\n")
        notes = {number + before + 1: texts[number].decode(errors="replace") for (number,) in found}
        con.execute(sql("vault/events"), {"lines": list(notes), "notes": list(notes.values())})


def _refuse(con: duckdb.DuckDBPyConnection, block: bytes, before: int, channels: Sequence[str]) -> list[Rejected]:
    """Return the lines that no table takes, and take what was made of them out of the tables."""
    con.execute(sql("vault/refuse_lines"), {"before": before})
    for channel in channels:
        con.execute(sql("vault/refuse_rows").format(channel=channel), {"before": before})
    found = con.execute("SELECT line, reason FROM rejected WHERE line > ? ORDER BY line", [before]).fetchall()
    if not found:
        return []
    for channel in channels:
        con.execute(f"DELETE FROM {channel} WHERE line > ? AND line IN (SELECT line FROM rejected)", [before])
    texts = block.split(b"\n")
    return [Rejected(line, reason, texts[line - before - 1]) for line, reason in found]
