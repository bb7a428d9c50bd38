"""Where faults strike: a copy of one small published archive, a running site, a reader, and what ought to come out."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from etl.replica.server import Replica, running
from etl.replica.universe import SymbolFacts
from tests.archive import NOW, UNIVERSE, symbol
from tests.chaos.reader import Reader, reading
from tests.serving import serving

BEFORE, AFTER = "2024-01-20", "2024-01-21"  # the days of the site that stands, and of the run that is disturbed
_NOON_AFTER = f"{AFTER}T12:00:00Z"
_PATIENCE = 120  # seconds after which a command counts as hanging
_MORE: list[SymbolFacts] = [symbol(f"C{number:02d}USDT", "2023-06-01") for number in range(20)]
_CHANGES: list[dict[str, object]] = [
    {"action": "reupload", "symbol": "C03USDT", "day": "2024-01-12", "size": 31_000},
    {"action": "add", "symbol": "ETHUSDT", "day": "2024-01-10"},
    {"action": "add_symbol", "symbol": "NEWUSDT", "first_day": "2024-01-18"},
]
_FACTS = "SELECT symbol, date, file_size_bytes, etag, vanished_at IS NULL FROM day_files ORDER BY ALL"
_PUBLISHED = (
    "SELECT symbol, earliest, latest, days_held, days_missing, timespan_count FROM extents ORDER BY symbol",
    "SELECT symbol, date, file_size_bytes, etag FROM day_files ORDER BY symbol, date",
    "SELECT symbol, first_day, last_day FROM gaps ORDER BY symbol, first_day",
    "SELECT symbol, date, change FROM revisions ORDER BY symbol, date, change",
)
Facts = list[tuple[Any, ...]]


class NotHereError(Exception):
    """This machine lacks what a fault needs; the text says what."""


class MissedError(Exception):
    """The run had ended before the fault struck."""


class Ran(NamedTuple):
    """One command that ended; negative codes are signals."""

    code: int
    said: str  # both its streams


class Place(NamedTuple):
    """A folder with a warehouse and a published site, and the settings of the commands that work on it."""

    folder: Path
    replica: Replica
    more: dict[str, str]  # settings on top of the usual ones

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    @property
    def site_dir(self) -> Path:
        """The folder of the published files."""
        return self.folder / "site"

    @staticmethod
    def copied(base: Path, folder: Path, replica: Replica) -> "Place":
        """Return a copy of a place; the folder may be there."""
        shutil.copytree(base, folder, symlinks=True, dirs_exist_ok=True)
        return Place(folder, replica, {})

    def settings(self, **other: str) -> dict[str, str]:
        """Return the environment of a command."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AVAILABILITY_")}
        return ours | {
            "AVAILABILITY_WAREHOUSE": str(self.warehouse),
            "AVAILABILITY_SITE_DIR": str(self.site_dir),
            "AVAILABILITY_LISTING_URL": self.replica.listing_url,
            "AVAILABILITY_FILES_URL": self.replica.files_url,
            "AVAILABILITY_TODAY": AFTER,
            "AVAILABILITY_WORKERS": "4",
            **self.more,
            **other,
        }

    def run(self, *words: str, before: Sequence[str] = (), **other: str) -> Ran:
        """Run ``availability WORDS`` to its end; ``before`` is a command to run it under."""
        with self.started(*words, before=before, **other) as process:
            out, _ = process.communicate(timeout=_PATIENCE)
            return Ran(process.returncode, out)

    def started(self, *words: str, before: Sequence[str] = (), **other: str) -> "subprocess.Popen[str]":
        """Start ``availability WORDS``."""
        command = [*before, sys.executable, "-m", "etl", *words]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, env=self.settings(**other), text=True, **both)  # type: ignore[call-overload,no-any-return]

    def nightly(self, **other: str) -> Ran:
        """Run the whole cycle once."""
        return self.run("nightly", **other)

    def facts(self) -> Facts:
        """Return what the warehouse holds, without the times at which it was seen."""
        with duckdb.connect(self.warehouse, read_only=True) as con:
            return con.execute(_FACTS).fetchall()

    def published(self) -> list[Facts]:
        """Return what the live file says, without times."""
        with closing(sqlite3.connect(f"file:{self.site_dir}/availability.db?mode=ro", uri=True)) as con:
            return [con.execute(query).fetchall() for query in _PUBLISHED]


class Ground(NamedTuple):
    """The archive after its changes, the site of the day before, and what an undisturbed run makes of them."""

    replica: Replica
    base: Path
    facts: Facts
    published: list[Facts]


@contextmanager
def prepared(folder: Path) -> Iterator[Ground]:
    """Build the site of the day before, let the archive change, and see what the cycle makes of it undisturbed."""
    with running([*UNIVERSE, *_MORE], now=NOW) as replica:
        base = Place(folder / "base", replica, {"AVAILABILITY_TODAY": BEFORE})
        base.folder.mkdir()
        for words in (["discover"], ["backfill"], ["publish"]):
            _insist(base.run(*words))
        replica.set_now(_NOON_AFTER)
        replica.edits(_CHANGES)
        quiet = Place.copied(base.folder, folder / "quiet", replica)
        _insist(quiet.nightly())
        yield Ground(replica, base.folder, quiet.facts(), quiet.published())


@contextmanager
def struck(ground: Ground, folder: Path, *, room: int = 0) -> Iterator[tuple[Place, Reader]]:
    """Give a fresh copy of the site of the day before, served, with a reader that asks throughout."""
    with _file_system(folder, room):
        place = Place.copied(ground.base, folder, ground.replica)
        with (
            serving(place.site_dir / "availability.db", AVAILABILITY_TODAY=AFTER) as site,
            reading(site.url) as reader,
        ):
            place.more["AVAILABILITY_SITE_URL"] = site.url
            yield place, reader


@contextmanager
def _file_system(folder: Path, room: int) -> Iterator[None]:
    """Make a folder, on a small file system of its own where one is asked for, and remove it afterwards."""
    folder.mkdir()
    mounted = False
    try:
        if room:
            command = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)]
            mounted = (
                bool(shutil.which("mount")) and not subprocess.run(command, capture_output=True, check=False).returncode
            )
            if not mounted:
                raise NotHereError("mounting a file system needs more rights")
        yield
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder)


def _insist(ran: Ran) -> None:
    if ran.code:
        raise RuntimeError(f"An undisturbed command failed with {ran.code}: {ran.said}")
