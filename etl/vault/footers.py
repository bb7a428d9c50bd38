"""The ends of Parquet files, where they say how many rows they have and of which parts they were made."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from etl.errors import AvailabilityError
from etl.vault import storage
from etl.vault.storage import Storage, Stored

_TAIL_BYTES: Final = 16_384  # a footer has 3 to 8 kB
_END_BYTES: Final = 8  # the footer's length and the magic word
_AT_ONCE: Final = 500  # files of one query
_READERS: Final = 16  # a store far away is waited for side by side


class Footer(NamedTuple):
    """What the end of a Parquet file says."""

    rows: int
    parts: list[str]  # names of the parts that the file was made of, where it says so


def footers(
    con: duckdb.DuckDBPyConnection, vault: Storage, files: Sequence[Stored], scratch: Path
) -> Iterator[tuple[Stored, Footer]]:
    """Yield each file with what its end says; AvailabilityError names the first that has none."""
    for start in range(0, len(files), _AT_ONCE):
        some = files[start : start + _AT_ONCE]
        copies = [scratch / f"tail-{number}.parquet" for number in range(len(some))]
        with ThreadPoolExecutor(min(_READERS, len(some))) as pool:
            list(pool.map(partial(_copy_tail, vault), some, copies))
        try:
            yield from zip(some, _told(con, copies), strict=True)
        except (duckdb.Error, ValueError):
            for file, copy in zip(some, copies, strict=True):
                _insist(con, vault, file, copy)
            raise


def named_parts(vault: Storage, file: Stored, said: Footer) -> list[str]:
    """Return the parts that a merged file was made of; AvailabilityError where it names none."""
    if not said.parts:  # its rows may be those of parts that lie there too
        raise _nameless(vault, file)
    return said.parts


def _told(con: duckdb.DuckDBPyConnection, copies: Sequence[Path]) -> list[Footer]:
    names = list(map(str, copies))
    rows = dict(con.execute("SELECT file_name, num_rows FROM parquet_file_metadata(?)", [names]).fetchall())
    said = con.execute(
        "SELECT file_name, decode(value) FROM parquet_kv_metadata(?) WHERE key = 'parts'::BLOB", [names]
    ).fetchall()
    parts = {name: _names(words) for name, words in said}
    return [Footer(rows[name], parts.get(name, [])) for name in names]


def _names(words: str) -> list[str]:
    names = json.loads(words)
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ValueError(words)
    return names


def _insist(con: duckdb.DuckDBPyConnection, vault: Storage, file: Stored, copy: Path) -> None:
    try:
        _told(con, [copy])
    except duckdb.Error as error:
        raise AvailabilityError(f"{vault.place(file.path)} cannot be read as a Parquet file.") from error
    except ValueError as error:
        raise _nameless(vault, file) from error


def _copy_tail(vault: Storage, file: Stored, copy: Path) -> None:
    copy.write_bytes(b"PAR1" + _tail(vault, file))  # DuckDB looks for nothing else before a footer


def _tail(vault: Storage, file: Stored) -> bytes:
    """Return the footer of a Parquet file, with what says how long it is: most often by one request."""
    if file.size < _END_BYTES:
        raise _no_parquet(vault, file)
    wanted = min(_TAIL_BYTES, file.size)
    tail = storage.read_range(vault, file.path, file.size - wanted, wanted)
    length = int.from_bytes(tail[-_END_BYTES:-4], "little") + _END_BYTES
    if tail[-4:] != b"PAR1" or length > file.size:
        raise _no_parquet(vault, file)
    return tail[-length:] if length <= wanted else storage.read_range(vault, file.path, file.size - length, length)


def _no_parquet(vault: Storage, file: Stored) -> AvailabilityError:
    return AvailabilityError(f"{vault.place(file.path)} is no whole Parquet file.")


def _nameless(vault: Storage, file: Stored) -> AvailabilityError:
    return AvailabilityError(f"{vault.place(file.path)} does not say which parts it was made of.")
