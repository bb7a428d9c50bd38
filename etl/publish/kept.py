"""The builds that a site folder keeps, and the link that says which one is live."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from etl.disk import sync_folder
from etl.errors import AvailabilityError, UsageError

LINK = "availability.db"


class Kept(NamedTuple):
    """One build in a file of its own, as it describes itself."""

    file: Path
    build_id: str
    built_at: str
    symbols: int
    day_files: int
    last_day: str | None
    content_sha256: str
    size_bytes: int
    modified_ns: int


def build_file(site_dir: Path, build_id: str) -> Path:
    """Return where the build of this name lies."""
    return site_dir / f"availability-{build_id}.db"


def read_kept(file: Path) -> Kept:
    """Return what a published file says of itself; raises AvailabilityError."""
    columns = Kept._fields[1:-2]
    try:
        with closing(opened(file)) as con:
            rows = con.execute(f"SELECT {', '.join(columns)} FROM build").fetchall()
    except sqlite3.Error as error:
        raise AvailabilityError(f"{file} cannot be read as a published file: {error}.") from error
    if len(rows) != 1:
        raise AvailabilityError(f"{file} cannot be read as a published file: it has {len(rows)} builds.")
    found = file.stat()
    return Kept._make([file, *rows[0], found.st_size, found.st_mtime_ns])


def opened(file: Path) -> sqlite3.Connection:
    """Open a published file, which never changes."""
    return sqlite3.connect(address(file), uri=True)


def address(file: Path) -> str:
    """Return a published file as SQLite is given it."""
    return f"{file.resolve().as_uri()}?mode=ro&immutable=1"


def unsound(file: Path) -> list[str]:
    """Return what SQLite finds wrong with a file when it looks through all of it; 0.3 s for 90 MB."""
    try:
        with closing(opened(file)) as con:
            return [str(said) for (said,) in con.execute("PRAGMA quick_check") if said != "ok"]
    except sqlite3.Error as error:
        return [str(error)]


def kept_builds(site_dir: Path) -> tuple[list[Kept], list[str]]:
    """Return the builds in the order in which they were made, and a sentence for each file that is damaged."""
    found, damaged = [], []
    for file in sorted(site_dir.glob("availability-*.db")):
        try:
            found.append(read_kept(file))
        except AvailabilityError as error:
            damaged.append(str(error))
    live = live_build(site_dir)
    if live and live.build_id not in {each.build_id for each in found}:
        found.append(live)  # a plain file that `availability export` wrote
    return sorted(found, key=lambda each: (each.built_at, each.modified_ns)), damaged


def live_build(site_dir: Path) -> Kept | None:
    """Return the build that the site serves; None where there is none, or a damaged one of ours.

    Raises AvailabilityError where a file has the place that is none of ours.
    """
    link = site_dir / LINK
    if not link.exists():
        return None
    try:
        return read_kept(link)
    except AvailabilityError:
        if link.is_symlink():
            return None
        raise AvailabilityError(
            f"{link} exists and is no file published by this program: it is not replaced."
        ) from None


def compared_with(site_dir: Path) -> Kept | None:
    """Return the build that a new one is measured by: the live one, or where that is damaged the newest that is not."""
    builds, _ = kept_builds(site_dir)
    return live_build(site_dir) or (builds[-1] if builds else None)


def chosen(site_dir: Path, name: str, *, refused_too: bool = False) -> Kept:
    """Return the build of this name, ``live`` included; an unknown one is a UsageError."""
    live = live_build(site_dir)
    if live and name in ("live", live.build_id):
        return live
    files = [build_file(site_dir, name), *([site_dir / f"refused-{name}.db"] if refused_too else [])]
    for file in files:
        if Path(name).name == name and file.is_file():
            return read_kept(file)
    known = ", ".join(each.build_id for each in kept_builds(site_dir)[0]) or "none"
    raise UsageError(f"There is no build {name or 'without a name'} in {site_dir}; there are: {known}.")


def previous(site_dir: Path) -> Kept:
    """Return the build before the live one."""
    builds, _ = kept_builds(site_dir)
    live = live_build(site_dir)
    older = [each for each in builds if not live or _order(each) < _order(live)]
    if not older:
        raise AvailabilityError(f"There is no build before the live one in {site_dir}.")
    return older[-1]


def _order(each: Kept) -> tuple[str, int]:
    return each.built_at, each.modified_ns


def take_over(site_dir: Path) -> None:
    """Give a plain file in the place of the link a name of its own, so that it can be flipped back to."""
    link = site_dir / LINK
    live = None if link.is_symlink() else live_build(site_dir)
    if live:
        beside = site_dir / f".{live.build_id}.taken"
        beside.unlink(missing_ok=True)
        os.link(link, beside)
        beside.replace(build_file(site_dir, live.build_id))


def point(link: Path, name: str) -> None:
    """Let a link lead to its neighbour ``name``, in one step and safely on disk."""
    beside = link.with_name(f".{link.name}.next")
    beside.unlink(missing_ok=True)
    beside.symlink_to(name)
    beside.replace(link)
    sync_folder(link.parent)


def as_row(each: Kept, live: Kept | None) -> dict[str, Any]:
    """Return a line of `publish --list`."""
    names = ("build_id", "built_at", "symbols", "day_files", "last_day", "size_bytes")
    is_live = live is not None and each.build_id == live.build_id
    return {name: getattr(each, name) for name in names} | {"live": "live" if is_live else None}
