"""Segments into Parquet: taken up, decoded, written, read back, and only then given away."""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import duckdb

from etl.errors import AvailabilityError
from etl.vault import storage
from etl.vault.alone import alone
from etl.vault.blocks import SegmentError, blocks
from etl.vault.config import Refine
from etl.vault.decode import Rejected, decode, frames, tables_in
from etl.vault.parquet import Part, write_part
from etl.vault.segments import PATTERN, PROCESSING, READY, SUFFIX, is_segment
from etl.vault.storage import Storage
from etl.vault.tables import MARKET, TABLES, VERSION

REJECTED: Final = "raw/rejected/coinbase"
ARCHIVE: Final = "raw/archive/coinbase"
PROCESSED: Final = "processed/coinbase"
_HOUR: Final = 3_600_000_000  # microseconds
_DAY: Final = 24 * _HOUR
Stopped = Callable[[], bool]
_LOG: Final = logging.getLogger("etl.vault.refine")


class Refined(NamedTuple):
    """What a segment became."""

    segment: str
    lines: int
    frames: dict[str, int]  # by channel, heartbeats as well; capture's own notes by what they tell
    parts: list[Part]
    rejected: int
    seconds: float


class Stuck(NamedTuple):
    """A segment that could not be refined: it stays in processing, and the next round tries again."""

    segment: str
    cause: str


class Round(NamedTuple):
    """What one look at the vault did."""

    refined: list[Refined]
    stuck: list[Stuck]


def refine_all(vault: Storage, settings: Refine, stopped: Stopped = lambda: False) -> Round:
    """Refine what an earlier run left in processing, then what is ready; begin no segment more where told to stop."""
    with alone(vault, "refine"):
        return _refine_all(vault, settings, stopped)


def _refine_all(vault: Storage, settings: Refine, stopped: Stopped) -> Round:
    done = Round([], [])
    for folder in (PROCESSING, READY):
        names = [found.path.rpartition("/")[2] for found in storage.list_files(vault, folder, PATTERN)]
        left = {each.segment for each in done.stuck}  # a crash while it was moved may have left it in both folders
        attempt = partial(_attempt, vault, settings, folder, stopped)
        with ThreadPoolExecutor(settings.workers) as pool:
            outcomes = list(pool.map(attempt, [name for name in names if name not in left]))
        done.refined.extend(each for each in outcomes if isinstance(each, Refined))
        done.stuck.extend(each for each in outcomes if isinstance(each, Stuck))
    return done


def _attempt(vault: Storage, settings: Refine, folder: str, stopped: Stopped, name: str) -> Refined | Stuck | None:
    if stopped():
        return None
    try:
        if folder == READY:
            storage.move(vault, storage.join(READY, name), storage.join(PROCESSING, name))
        done = refine(vault, settings, name)
    except (AvailabilityError, duckdb.Error, OSError) as error:
        _LOG.error("segment stuck", extra={"segment": name, "error": str(error)})
        return Stuck(name, str(error))
    _tell(done)
    return done


def _tell(done: Refined) -> None:
    told = done._asdict() | {"parts": len(done.parts), "rows": sum(part.rows for part in done.parts)}
    _LOG.info("segment refined", extra=told | {"seconds": round(done.seconds, 3)})


def refine(vault: Storage, settings: Refine, name: str) -> Refined:
    """Refine a segment that lies in processing, and give it away."""
    if not is_segment(name):
        raise SegmentError("its name is none that capture gives")
    began, source = time.monotonic(), storage.join(PROCESSING, name)
    with TemporaryDirectory(prefix="availability-") as folder, tables_in(scratch := Path(folder)) as con:
        text = decode(con, blocks(storage.stream(vault, source)), scratch)
        segment = f"{name.removeprefix('segment_').removesuffix(SUFFIX)}_{text.digest}"
        parts = list(_write_parts(con, vault, settings, segment, scratch))
        _write_rejected(vault, segment, text.rejected)
        counted = frames(con)
    if settings.keep_segments:
        storage.move(vault, source, storage.join(ARCHIVE, f"segment_{segment}{SUFFIX}"))
    else:
        storage.delete(vault, source)
    return Refined(name, text.lines, counted, parts, len(text.rejected), time.monotonic() - began)


def _write_parts(
    con: duckdb.DuckDBPyConnection, vault: Storage, settings: Refine, segment: str, scratch: Path
) -> Iterator[Part]:
    """Write a part for each channel, product and day (and hour, where configured). Its name is the segment's."""
    about = {"schema_version": str(VERSION), "segment": segment}
    for table, columns in TABLES.items():
        shown = ", ".join(f"'{segment}' AS segment" if name == "segment" else name for name, _, _ in columns)
        for folder, chosen in _partitions(con, table, _HOUR if settings.by_hour else _DAY):
            rows = f"SELECT {shown} FROM {table} WHERE {chosen}"
            path = storage.join(PROCESSED, table, folder, f"part_{segment}.parquet")
            yield write_part(con, vault, path, rows, about, scratch)


def _partitions(con: duckdb.DuckDBPyConnection, table: str, unit: int) -> list[tuple[str, str]]:
    """Return the folder of each partition that a table has rows for, and the condition of these rows."""
    time = f"epoch_us(capture_ts) // {unit}"
    product = "product_id" if table in MARKET else "''"
    found = []
    for name, number in con.execute(f"SELECT DISTINCT {product}, {time} FROM {table} ORDER BY ALL").fetchall():
        begin = dt.datetime.fromtimestamp(number * unit // 1_000_000, dt.UTC)
        hour = f"hour={begin:%H}" if unit == _HOUR else ""
        folder = storage.join(f"product_id={name}" if name else "", f"date={begin:%Y-%m-%d}", hour)
        found.append((folder, f"{product} = '{name}' AND {time} = {number}"))
    return found


def _write_rejected(vault: Storage, segment: str, rejected: Sequence[Rejected]) -> None:
    """Keep the lines that no table takes, each with its number and the reason; bytes that are no UTF-8 as \\xNN."""
    if not rejected:
        return
    told = (
        {"segment": segment, "line": line, "reason": reason, "text": text.decode(errors="backslashreplace")}
        for line, reason, text in rejected
    )
    lines = "".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in told).encode()
    path = storage.join(REJECTED, f"segment_{segment}.ndjson")
    storage.write(vault, path, lines)
    if storage.read(vault, path) != lines:
        raise AvailabilityError(f"{vault.place(path)} does not hold the lines that were written to it.")
