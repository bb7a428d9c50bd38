"""What must be right on this machine before anything can run. Looks, asks the archive twice, and never writes."""

import datetime as dt
import difflib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from etl import clock, keys, locks
from etl.errors import AvailabilityError
from etl.export import is_published
from etl.stores import head, open_bucket, open_files, sample
from etl.warehouse import SCHEMA_VERSION, beside, open_any_version

OK, WARNING, PROBLEM = "ok", "warning", "problem"
OURS = "AVAILABILITY_"
_PROGRAM = "market-data-availability"
_OWNER = "run as its owner, or give it to this user"
_ROOM = 3  # times the published file: the build in memory's copy, the file beside the live one, its downloads
_CLOCK_WARNING, _CLOCK_PROBLEM = 60, 3600  # seconds


class Place(NamedTuple):
    """What the commands would work with."""

    warehouse: Path
    site_dir: Path
    listing_url: str
    files_url: str


class Line(NamedTuple):
    """One thing that was looked at."""

    check: str
    verdict: str  # ok, warning or problem
    said: str
    remedy: str | None = None  # what to do; None where all is well


def examine(
    place: Place, *, settings: Mapping[str, str], known: Collection[str], families: Collection[str]
) -> Iterator[Line]:
    """Yield one line a check; ``known`` are the names of settings, ``families`` beginnings below which any is known."""
    yield _python()
    yield _packages()
    yield from _shown("warehouse", lambda: _warehouse(place.warehouse))
    yield from _shown("writer", lambda: [_writer(place.warehouse)])
    yield from _shown("permissions", lambda: [_permissions(place.warehouse)])
    yield from _shown("site folder", lambda: [_site(place.site_dir)])
    yield from _shown("disk", lambda: [_disk(place)])
    yield from _archive(place)
    yield _settings(settings, known, families)


def _shown(check: str, look: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    """Yield what a look brings; what the system does not let this user see is a problem too."""
    try:
        yield from look()
    except OSError as error:
        yield Line(check, PROBLEM, f"user {os.geteuid()} may not look at {error.filename}: {error.strerror}", _OWNER)


def _python() -> Line:
    wanted, have = metadata(_PROGRAM)["Requires-Python"], ".".join(map(str, sys.version_info[:3]))
    if have in SpecifierSet(wanted):
        return Line("python", OK, have)
    return Line("python", PROBLEM, f"{have}, and {wanted} is needed", "make the environment anew with a newer Python")


def _packages() -> Line:
    needed = [Requirement(each) for each in requires(_PROGRAM) or []]
    needed = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    odd = [said for each in needed if (said := _odd(each))]
    if odd:
        return Line("packages", PROBLEM, "; ".join(odd), "pip install --constraint requirements.lock .")
    told = ", ".join(f"{each.name} {version(each.name)}" for each in needed if each.name in ("datasette", "duckdb"))
    return Line("packages", OK, f"all {len(needed)} within range, {told}")


def _odd(needed: Requirement) -> str | None:
    try:
        have = version(needed.name)
    except PackageNotFoundError:
        return f"{needed.name} is not installed"
    fits = needed.specifier.contains(have, prereleases=True)
    return None if fits else f"{needed.name} {have} is not {needed.specifier}"


def _warehouse(path: Path) -> Iterator[Line]:
    """Say whether it can be read."""
    if not path.exists():
        yield Line("warehouse", WARNING, f"there is none at {path}", "availability discover")
        return
    try:
        with open_any_version(path) as (_, schema):
            yield _schema(path, schema)
    except AvailabilityError as error:
        yield Line("warehouse", PROBLEM, str(error), "availability restore BACKUP, where it is spoiled")


def _writer(path: Path) -> Line:
    writer = locks.holder(beside(path, "lock"))
    return Line("writer", OK, f"it is being written by {writer}" if writer else "nobody writes to it")


def _schema(path: Path, schema: int) -> Line:
    said = f"{path}, {path.stat().st_size:,} bytes, schema {schema}"
    if schema == SCHEMA_VERSION:
        return Line("warehouse", OK, said)
    return Line("warehouse", WARNING, f"{said}, now it is {SCHEMA_VERSION}", "availability backup, then discover")


def _site(folder: Path) -> Line:
    """Say whether builds can be put into the folder, or the folder be made."""
    there = _existing(folder)
    ours = [*folder.glob(".*.lock"), folder / "history.jsonl", folder / "downloads", *folder.glob("downloads/2*")]
    found = _may_write("site folder", there, ours)
    if found.verdict == OK and there != folder:
        return found._replace(said=f"{folder} can be made")
    live = folder / "availability.db"
    if found.verdict == OK and live.exists() and not is_published(live):
        return Line("site folder", PROBLEM, f"{live} is no published file", "availability publish --rollback")
    return found


def _permissions(warehouse: Path) -> Line:
    return _may_write("permissions", warehouse.resolve().parent, [warehouse, beside(warehouse, "lock")])


def _may_write(check: str, folder: Path, files: Iterable[Path]) -> Line:
    """Say whether this user may write into a folder, and to what is there: another user's run may have left it."""
    if not folder.is_dir():
        return Line(check, PROBLEM, f"{folder} is no folder", "name another one")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        return Line(check, PROBLEM, f"user {os.geteuid()} may not write into {folder}", _OWNER)
    for file in files:
        if file.exists() and not os.access(file, os.R_OK | os.W_OK, effective_ids=True):
            return Line(check, PROBLEM, f"user {os.geteuid()} may not write to {file}", _OWNER)
    return Line(check, OK, f"{folder} can be written")


def _disk(place: Place) -> Line:
    """Compare what is free with what one build and one writing command need beside what is there."""
    site, folder = _existing(place.site_dir.resolve()), _existing(place.warehouse.resolve().parent)
    needed = {site: _ROOM * _size(place.site_dir / "availability.db")}
    disk = site if site.stat().st_dev == folder.stat().st_dev else folder  # what is free on one disk is free once
    needed[disk] = needed.get(disk, 0) + _size(place.warehouse)
    free = {path: shutil.disk_usage(path).free for path in needed}
    said = "; ".join(f"{path} has {free[path]:,} bytes free, {size:,} are needed" for path, size in needed.items())
    if any(free[path] < size for path, size in needed.items()):
        return Line("disk", PROBLEM, said, "make room, or keep fewer builds: publish --keep 2")
    return Line("disk", OK, said)


def _archive(place: Place) -> Iterator[Line]:
    """Ask for one key, for the headers of its file, and what time the archive has."""
    try:
        found = sample(open_bucket(place.listing_url, 1), keys.symbols_prefix(keys.UM_KLINES_1M))
    except AvailabilityError as error:
        yield Line("listing", PROBLEM, str(error), "check the network and AVAILABILITY_LISTING_URL, or wait")
        return
    if found.key is None:
        said = f"{place.listing_url} answers, and lists nothing"
        yield Line("listing", PROBLEM, said, "set AVAILABILITY_LISTING_URL to the archive's")
    else:
        yield Line("listing", OK, f"{place.listing_url} answers")
        yield _file(place.files_url, found.key)
    yield _clock(found.date)


def _file(files_url: str, key: str) -> Line:
    remedy = "check the network and AVAILABILITY_FILES_URL, or wait"
    try:
        told = head(open_files(files_url, 1), keys.file_url(files_url, key))
    except AvailabilityError as error:
        return Line("files", PROBLEM, str(error), remedy)
    if told.error or told.status != 200:  # noqa: PLR2004 - HTTP's own number
        status = f"HTTP {told.status}" if told.status else ""
        return Line("files", PROBLEM, f"{told.url}: {', '.join(filter(None, (status, told.error)))}", remedy)
    return Line("files", OK, f"{files_url} answers")


def _clock(theirs: dt.datetime | None) -> Line:
    if theirs is None:
        return Line("clock", WARNING, "the archive told no time to compare with", "compare with another clock")
    seconds = round((clock.now() - theirs).total_seconds())
    verdict = PROBLEM if abs(seconds) > _CLOCK_PROBLEM else WARNING if abs(seconds) > _CLOCK_WARNING else OK
    said = f"{abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} the archive's"
    return Line("clock", verdict, said, None if verdict == OK else "synchronise it: timedatectl set-ntp true")


def _settings(settings: Mapping[str, str], known: Collection[str], families: Collection[str]) -> Line:
    ours = sorted(name for name in settings if name.startswith(OURS))
    odd = [name for name in ours if name not in known and not name.startswith(tuple(families))]
    if not odd:
        return Line("settings", OK, ", ".join(ours) or f"no {OURS}... is set")
    near = {name: difflib.get_close_matches(name, known, n=1) for name in odd}
    meant = ", ".join(f"{name} (did you mean {near[name][0]}?)" if near[name] else name for name in odd)
    return Line("settings", WARNING, f"no command knows {meant}", "correct the name, or unset it")


def _existing(path: Path) -> Path:
    """Return the folder itself, or the nearest one above it that is there."""
    return next(each for each in (path, *path.resolve().parents) if each.exists())


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
