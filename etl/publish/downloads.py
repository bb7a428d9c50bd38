"""What people download of a build: the file itself, Parquet, CSV, hashes, and a manifest that explains them."""

import csv
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from etl.disk import sync_folder
from etl.errors import AvailabilityError
from etl.publish.gates import Judged, Overrides, published_columns
from etl.publish.kept import Kept, opened, point
from etl.publish.rehearsal import metadata
from etl.warehouse import MEMORY_LIMIT, interrupts

FOLDER = "downloads"
LATEST = "latest"
SCHEMA_VERSION = 1  # of the published tables: goes up when a column goes or changes its meaning, not when one is added
STORED_ONLY = ("day_file_codes",)  # read day_files instead
_ROWS_AT_ONCE = 50_000
_TYPES = {"INTEGER": "BIGINT", "REAL": "DOUBLE"}
_DAYS = ("date", "today", "earliest", "latest", "looked_through", "looked_from")
_ALL = "SELECT * FROM {table} ORDER BY {columns}"


class Told(NamedTuple):
    """What the manifest says of how the build came to be published."""

    judged: list[Judged]
    overrides: Overrides


def write_downloads(build: Kept, folder: Path, told: Told) -> None:
    """Fill a new folder; the same build gives the same bytes. Raises AvailabilityError."""
    folder.mkdir(parents=True)
    try:
        with closing(opened(build.file)) as site:
            with interrupts():
                rows = _parquet_of_all(site, folder) | _csv_of_some(site, folder)
            manifest = _manifest(site, rows, told)
    except (duckdb.Error, sqlite3.Error) as error:
        why = f"the disk of {folder.parent} is full" if "No space left" in str(error) else str(error)
        raise AvailabilityError(f"The downloads of {build.build_id} could not be made: {why}.") from error
    os.link(build.file.resolve(), folder / "availability.db")
    manifest["files"] = {file.name: _described(file, rows) for file in sorted(folder.iterdir())}
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / "build.json").write_text(f"{text}\n", encoding="utf-8")
    sums = [f"{sha256(file)}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    sync_folder(folder)


def put_in_place(made: Path, site_dir: Path, build_id: str) -> None:
    """Move a filled folder to its place, over one that an earlier try has left."""
    place = site_dir / FOLDER / build_id
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    made.rename(place)
    sync_folder(place.parent)


def point_to_latest(site_dir: Path, build_id: str) -> None:
    """Let downloads/latest lead to this build."""
    latest = site_dir / FOLDER / LATEST
    if not latest.is_symlink() or latest.readlink() != Path(build_id):
        point(latest, build_id)


def duck_type(column: str, declared: str) -> str:
    """Return the Parquet type of a published column: days and moments are text in SQLite, by their names."""
    if declared in _TYPES:
        return _TYPES[declared]
    if column.endswith(("_at", "last_modified")):
        return "TIMESTAMP"  # UTC; with a zone DuckDB's Python client would ask for pytz
    return "DATE" if column in _DAYS or column.endswith("_day") else "VARCHAR"


def _parquet_of_all(site: sqlite3.Connection, folder: Path) -> dict[str, int]:
    """Write each published table as Parquet and return the rows by file."""
    written = {}
    # One thread: several of them would cut the rows differently each time.
    with duckdb.connect(
        config={"threads": 1, "memory_limit": MEMORY_LIMIT, "temp_directory": str(folder.parent)}
    ) as con:
        for table, columns in published_columns(site).items():
            if table not in STORED_ONLY:
                written[f"{table}.parquet"] = _parquet(site, con, table, columns, folder / f"{table}.parquet")
    return written


def _parquet(
    site: sqlite3.Connection, con: duckdb.DuckDBPyConnection, table: str, columns: list[str], file: Path
) -> int:
    declared = dict(site.execute("SELECT name, type FROM pragma_table_info(?)", [table]).fetchall())
    types = {name: duck_type(name, declared[name]) for name in columns}
    defined = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    con.execute(f"CREATE TABLE {table} ({defined})")
    cursor, count = site.execute(_ALL.format(table=table, columns=_key(site, table, columns))), 0
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        _insert(con, table, types, rows)
        count += len(rows)
    con.execute(f"COPY {table} TO '{str(file).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)")
    con.execute(f"DROP TABLE {table}")
    return count


def _key(site: sqlite3.Connection, table: str, columns: list[str]) -> str:
    """Return the columns to sort by: the primary key, so that an index does it, or all."""
    query = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"
    key = [name for (name,) in site.execute(query, [table])]
    return ", ".join(key or (["dataset", "symbol", "date"] if table == "day_files" else columns))


def _insert(con: duckdb.DuckDBPyConnection, table: str, types: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    ways = {"BIGINT": "BIGINT[]", "DOUBLE": "DOUBLE[]"}
    casts = {"DATE": "::DATE", "TIMESTAMP": "::TIMESTAMP"}
    values = ", ".join(
        f"unnest(${number}::{ways.get(kind, 'VARCHAR[]')}){casts.get(kind, '')}"
        for number, kind in enumerate(types.values(), 1)
    )
    con.execute(f"INSERT INTO {table} SELECT {values}", [list(column) for column in zip(*rows, strict=True)])


def _csv_of_some(site: sqlite3.Connection, folder: Path) -> dict[str, int]:
    """Write extents, gaps and the universe of the newest day as CSV and return the rows by file."""
    universe = metadata()["queries"]["universe"]
    (dataset,) = site.execute("SELECT dataset FROM build").fetchone()
    asked = {
        "extents.csv": ("SELECT * FROM extents ORDER BY dataset, symbol", {}),
        "gaps.csv": ("SELECT * FROM gaps ORDER BY dataset, symbol, first_day", {}),
        "universe.csv": (universe["sql"], dict.fromkeys(universe["params"], "") | {"dataset": dataset}),
    }
    return {name: _csv(site.execute(query, values), folder / name) for name, (query, values) in asked.items()}


def _csv(cursor: sqlite3.Cursor, file: Path) -> int:
    rows = cursor.fetchall()
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(column[0] for column in cursor.description)
        writer.writerows(rows)
    return len(rows)


def _manifest(site: sqlite3.Connection, rows: dict[str, int], told: Told) -> dict[str, Any]:
    site.row_factory = sqlite3.Row
    build = dict(site.execute("SELECT * FROM build").fetchone())
    words = metadata()["tables"]
    return {
        **{name: build[name] for name in ("build_id", "built_at", "source", "license", "attribution")},
        "schema_version": SCHEMA_VERSION,
        "build": build,
        "tables": {
            table: {
                "rows": rows[f"{table}.parquet"],
                "columns": {name: words.get(table, {}).get("columns", {}).get(name, "") for name in columns},
            }
            for table, columns in published_columns(site).items()
            if table not in STORED_ONLY
        },
        "gates": [each.as_plain() for each in told.judged],
        "overrides": told.overrides._asdict(),
    }


def _described(file: Path, rows: dict[str, int]) -> dict[str, Any]:
    counted = {"rows": rows[file.name]} if file.name in rows else {}
    return {"bytes": file.stat().st_size, "sha256": sha256(file), **counted}


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
