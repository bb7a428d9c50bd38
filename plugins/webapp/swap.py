"""A new published file under a running server: seen by its inode, looked at, then swapped in whole."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from datasette.database import Database

from webapp.build import DATABASE, Build, read_build
from webapp.refusals import Refusal

_LOG = logging.getLogger("uvicorn.error")
_THREAD = threading.local()
_QUICK = {"select count(*) from day_files ": "select count(*) from day_file_codes"}  # as Datasette writes it
CHOSEN: ContextVar["File | None"] = ContextVar("CHOSEN", default=None)  # the file with which a request began


class Version(NamedTuple):
    """What tells one file from another that took its name."""

    inode: int
    size: int
    modified_ns: int


class File:
    """One published file, with a connection to it for each thread; they close when nobody holds the file any more."""

    def __init__(self, path: Path, version: Version, build: Build) -> None:
        """Keep what tells it from others; nothing is opened yet."""
        self.path, self.version, self.build = path, version, build
        self.table_counts: dict[str, int] | None = None
        self.sha256: str | None = None

    def connection(self, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        """Return this thread's connection."""
        held: WeakKeyDictionary[File, sqlite3.Connection] = _THREAD.__dict__.setdefault("held", WeakKeyDictionary())
        if self not in held:
            opened = sqlite3.connect(_address(self.path), uri=True, check_same_thread=False)
            prepare(opened)
            held[self] = opened
        return held[self]


class Served(Database):  # type: ignore[misc] # Datasette has no types
    """The database as Datasette sees it: whatever a request asks comes from the file with which it began.

    Datasette itself would go on with the connections it has under a name, and answer half from the old file.
    """

    def __init__(self, datasette: Any, file: File) -> None:
        """Serve a file until `newest` is another one."""
        self.newest = file
        super().__init__(datasette, path=str(file.path), is_mutable=False)
        self.name = self.route = DATABASE

    @property
    def file(self) -> File:
        """The file of this request; outside of any, the newest."""
        return CHOSEN.get() or self.newest

    @property
    def path(self) -> str:
        """Where the file is; Datasette offers it for download."""
        return str(self.file.path)

    @path.setter
    def path(self, path: str) -> None:
        """Datasette sets what is known already."""

    @property
    def cached_hash(self) -> str | None:
        """The ETag of the download."""
        return self.file.sha256

    @cached_hash.setter
    def cached_hash(self, value: str | None) -> None:
        self.file.sha256 = value

    @property
    def cached_size(self) -> int:
        """The size of the download, in bytes."""
        return self.file.version.size

    @cached_size.setter
    def cached_size(self, size: int | None) -> None:
        """Datasette sets what is known already."""

    @property
    def _cached_table_counts(self) -> dict[str, int] | None:
        return self.file.table_counts

    @_cached_table_counts.setter
    def _cached_table_counts(self, counts: dict[str, int] | None) -> None:
        self.file.table_counts = counts

    async def execute(self, query: str, *arguments: Any, **named: Any) -> Any:
        """Ask; the whole of day_files is counted where its rows lie: the view itself takes ten times as long."""
        return await super().execute(_QUICK.get(query, query), *arguments, **named)

    async def execute_fn(self, fn: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run a function with a thread's connection to the file."""
        file = self.file

        def run() -> Any:
            return fn(file.connection(lambda con: self.ds._prepare_connection(con, self.name)))  # noqa: SLF001 - none public

        return await asyncio.get_running_loop().run_in_executor(self.ds.executor, run)


class Current:
    """The file that is served now, and what was refused to take its place."""

    def __init__(self, datasette: Any) -> None:
        """Remember where the file is; nothing is read yet."""
        self.datasette = datasette
        self.path = Path(datasette.get_database(DATABASE).path)
        self.file: File | None = None
        self.refused: str | None = None
        self._refused_version: Version | None = None
        self.swaps = self.refusals = 0  # since the start

    def look(self) -> tuple[File, bool]:
        """Return the file to serve, and whether it is another one than before; raises OSError or sqlite3.Error.

        It blocks for the milliseconds that a new file takes, and only then.
        """
        version = version_of(self.path)
        if self.file and version == self.file.version:
            self.refused = self._refused_version = None  # the link may have led astray and back
            return self.file, False
        if self.file and version == self._refused_version:
            return self.file, False
        path = self.path.resolve()
        try:
            file = File(path, version, inspected(path))
        except (sqlite3.Error, ValueError) as error:
            if self.file is None:
                raise
            self.refused, self._refused_version = str(error), version
            self.refusals += 1
            _LOG.error("%s is refused, the site stays with %s: %s", path, self.file.build.build_id, error)
            return self.file, False
        self._take(file)
        return file, True

    def insist(self) -> None:
        """Raise a Refusal unless the file that is served still lies where it was found, to be downloaded."""
        if self.file is None or version_of(self.file.path) != self.file.version:
            told = "The file was replaced by one that is refused; the questions are still answered from the old one."
            raise Refusal(404, "not_found", told)

    def _take(self, file: File) -> None:
        served = self.datasette.get_database(DATABASE)
        if isinstance(served, Served):
            served.newest = file
            self.swaps += 1
        else:
            self.datasette.databases = {**self.datasette.databases, DATABASE: Served(self.datasette, file)}
        self.file, self.refused, self._refused_version = file, None, None
        _LOG.info("serving build %s", file.build.build_id)


def _address(path: Path) -> str:
    return f"{path.as_uri()}?mode=ro&immutable=1"


def version_of(path: Path) -> Version:
    """Return the version of the file that a name or a link leads to."""
    found = path.stat()
    return Version(found.st_ino, found.st_size, found.st_mtime_ns)


def inspected(path: Path) -> Build:
    """Return the build of a file that can be served; ValueError or sqlite3.Error where it cannot."""
    with closing(sqlite3.connect(_address(path), uri=True)) as con:
        pages, size = con.execute("SELECT * FROM pragma_page_count, pragma_page_size").fetchone()
        if pages * size != path.stat().st_size:
            raise ValueError(f"it is cut off: {pages} pages of {size} bytes are not {path.stat().st_size} bytes")
        build = con.execute("SELECT count(*) FROM build").fetchone()
        if build != (1,):
            raise ValueError("it has no row that describes its build")
        return read_build(con)
