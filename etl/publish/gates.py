"""What a new build must be before anybody sees it. Each gate returns what it found; all are passed, all reported."""

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from etl.checks import ERROR, Finding
from etl.errors import AvailabilityError
from etl.publish.kept import Kept, opened, unsound
from etl.publish.rehearsal import metadata, rehearse
from etl.records import Build

DAYS_TOLERANCE = 0.001  # share of the days held that may be fewer than in the live build
SIZE_FACTOR, SIZE_MORE = 2, 20_000_000  # bytes
MAX_SECONDS = 15 * 60
_NAMES_SHOWN = 10
_OPEN_ERRORS = """
SELECT code, count(*), min(detail) FROM findings INNER JOIN build USING (dataset)
WHERE severity = ? GROUP BY code ORDER BY code
"""
_FILES = "day_file_codes INNER JOIN symbols USING (symbol_id)"


class Overrides(NamedTuple):
    """What the operator lets pass, and answers for."""

    accept: tuple[str, ...] = ()  # codes of checks
    allow_shrink: bool = False


class Candidate(NamedTuple):
    """A build that nobody has seen yet."""

    file: Path  # its name is availability.db, as the site needs it
    build: Build
    seconds: float  # that it took
    published_counts: list[Finding]  # where the file does not hold what the warehouse holds
    live: Kept | None
    today: dt.date
    overrides: Overrides


class Harm(NamedTuple):
    """One thing that a gate found."""

    said: str
    overruled: bool = False


class Judged(NamedTuple):
    """What came of one gate."""

    gate: str
    harms: list[Harm]

    @property
    def refuses(self) -> bool:
        """Tell whether something was found that nobody has overruled."""
        return not all(each.overruled for each in self.harms)

    @property
    def outcome(self) -> str:
        """Say passed, refused or overruled."""
        return "refused" if self.refuses else "overruled" if self.harms else "passed"

    def as_plain(self) -> dict[str, Any]:
        """Return what a report says of it."""
        return {"gate": self.gate, "outcome": self.outcome, "found": [each.said for each in self.harms]}


def judge(candidate: Candidate) -> list[Judged]:
    """Pass all gates; what cannot even be read is found too."""
    return [_judged(name, gate, candidate) for name, gate in GATES.items()]


def _judged(name: str, gate: Callable[[Candidate], list[Harm]], candidate: Candidate) -> Judged:
    try:
        return Judged(name, gate(candidate))
    except sqlite3.Error as error:
        return Judged(name, [Harm(f"the file cannot be read: {error}")])


def quick_check(candidate: Candidate) -> list[Harm]:
    """SQLite finds the file whole."""
    return [Harm(said) for said in unsound(candidate.file)]


def counts(candidate: Candidate) -> list[Harm]:
    """The file holds what its own row about the build says."""
    with closing(opened(candidate.file)) as con:
        told = con.execute("SELECT build_id, symbols, day_files FROM build").fetchall()
        held = [(candidate.build.build_id, len(_symbols(con)), _days(con)["day files"])]
    return [] if told == held else [Harm(f"the build says {told} (build, symbols, day files), the file holds {held}")]


def columns(candidate: Candidate) -> list[Harm]:
    """Tables and columns are those that metadata.yml documents, in order."""
    documented = documented_columns()
    with closing(opened(candidate.file)) as con:
        there = published_columns(con)
    return [
        Harm(f"{name} is documented with {documented.get(name, 'nothing')} and has {there.get(name, 'no table')}")
        for name in sorted(documented.keys() | there.keys())
        if documented.get(name) != there.get(name)
    ]


def documented_columns() -> dict[str, list[str]]:
    """Return the columns of each table and view that metadata.yml documents."""
    return {name: list(about["columns"]) for name, about in metadata()["tables"].items()}


def insist_on_version(file: Path) -> None:
    """Raise AvailabilityError where a build lacks a column that this version asks for; more columns do no harm."""
    with closing(opened(file)) as con:
        there = published_columns(con)
    for table, wanted in documented_columns().items():
        if lacking := [name for name in wanted if name not in there.get(table, [])]:
            raise AvailabilityError(
                f"{file} was made by an earlier version of this program and is of no use to this one:"
                f" {table} lacks {', '.join(lacking)}. `availability publish` makes a new one."
            )


def published_columns(con: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of each table and view."""
    rows = con.execute(
        "SELECT master.name, info.name FROM sqlite_master AS master, pragma_table_info(master.name) AS info"
        " WHERE master.type IN ('table', 'view') AND master.name NOT LIKE 'sqlite_%' ORDER BY master.rowid, info.cid"
    )
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def findings(candidate: Candidate) -> list[Harm]:
    """No check found an error in the default archive, or none that is not accepted; a vault's own never hold it up."""
    with closing(opened(candidate.file)) as con:
        rows = con.execute(_OPEN_ERRORS, [ERROR]).fetchall()
    if candidate.published_counts:
        first = candidate.published_counts[0]
        rows.append((first.code, len(candidate.published_counts), f"{first.symbol}: {first.detail}"))
    accepted = candidate.overrides.accept
    return [Harm(f"{code} ({number:,}): {detail}", overruled=code in accepted) for code, number, detail in rows]


def shrink(candidate: Candidate) -> list[Harm]:
    """No symbol is lost, and hardly any day, against what is live."""
    if candidate.live is None:
        return []
    with closing(opened(candidate.live.file)) as con:
        had, had_days = _symbols(con), _days(con)
    with closing(opened(candidate.file)) as con:
        gone, days = sorted(had - _symbols(con)), _days(con)
    said = []
    if gone:
        more = f" and {len(gone) - _NAMES_SHOWN:,} more" if len(gone) > _NAMES_SHOWN else ""
        said.append(f"{len(gone):,} of {len(had):,} symbols are gone: {', '.join(gone[:_NAMES_SHOWN])}{more}")
    for name, before in had_days.items():
        if days[name] < before * (1 - DAYS_TOLERANCE):
            said.append(f"{days[name]:,} {name}, {before:,} in {candidate.live.build_id}")
    return [Harm(each, candidate.overrides.allow_shrink) for each in said]


def _symbols(con: sqlite3.Connection) -> set[str]:
    return {symbol for (symbol,) in con.execute(f"SELECT symbol FROM symbols WHERE {_default(con)}")}


def _default(con: sqlite3.Connection) -> str:
    """Choose the archive that every question means; a live build from before there were others has no column for it."""
    said = con.execute("SELECT count(*) FROM pragma_table_info('symbols') WHERE name = 'dataset'").fetchone()
    return "dataset = (SELECT dataset FROM build)" if said[0] else "TRUE"


def _days(con: sqlite3.Connection) -> dict[str, int]:
    counted = f"SELECT count(*), count(DISTINCT date) FROM {_FILES} WHERE {_default(con)}"
    files, days = con.execute(counted).fetchone()
    return {"day files": files, "days with files": days}


def size(candidate: Candidate) -> list[Harm]:
    """The file has not grown out of all proportion to what it holds."""
    if candidate.live is None:
        return []
    here, more = candidate.file.stat().st_size, _held(candidate.file) / max(1, _held(candidate.live.file))
    if here <= candidate.live.size_bytes * SIZE_FACTOR * max(1, more) + SIZE_MORE:
        return []
    return [Harm(f"{here:,} bytes, {candidate.live.size_bytes:,} in {candidate.live.build_id}")]


def _held(file: Path) -> int:
    """Count the day files of all archives."""
    with closing(opened(file)) as con:
        (files,) = con.execute("SELECT count(*) FROM day_file_codes").fetchone()
    return int(files)


def build_time(candidate: Candidate) -> list[Harm]:
    """It did not take so long that something must be wrong."""
    if candidate.seconds <= MAX_SECONDS:
        return []
    return [Harm(f"the export took {candidate.seconds:.0f} s, at most {MAX_SECONDS} s are allowed")]


def questions(candidate: Candidate) -> list[Harm]:
    """Every canned query answers behind a real server."""
    return [Harm(said) for said in rehearse(candidate.file, candidate.build.build_id, candidate.today)]


GATES: dict[str, Callable[[Candidate], list[Harm]]] = {
    "quick_check": quick_check,
    "counts": counts,
    "columns": columns,
    "findings": findings,
    "shrink": shrink,
    "size": size,
    "build_time": build_time,
    "questions": questions,
}
