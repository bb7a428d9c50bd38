"""Put a new build together beside the site, and move it to where it belongs: published, or refused with its report."""

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl import checks, clock
from etl.checks.judge import find
from etl.disk import sync_folder, write_whole
from etl.export import export_site
from etl.keys import UM_KLINES_1M
from etl.publish.downloads import FOLDER, Told, put_in_place, write_downloads
from etl.publish.gates import Candidate, Judged, Overrides
from etl.publish.keep import prune_refused
from etl.publish.kept import LINK, Kept, build_file, compared_with, read_kept
from etl.warehouse import open_warehouse

_PUBLISHED_COUNTS = next(check for check in checks.CATALOGUE if check.code == "A501")
_BUILDING = ".building-"


@contextmanager
def building(site_dir: Path) -> Iterator[Path]:
    """Make a folder for a build that nobody sees, and remove it, with those that killed ones have left."""
    for left in site_dir.glob(f"{_BUILDING}*"):  # we hold the lock: nobody works there
        shutil.rmtree(left)
    folder = site_dir / f"{_BUILDING}{os.getpid()}"
    try:
        folder.mkdir()
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)


def put_together(warehouse: Path, site_dir: Path, folder: Path, *, today: dt.date, overrides: Overrides) -> Candidate:
    """Export the warehouse into the folder and compare the two; the warehouse is free again afterwards."""
    file = folder / LINK
    with open_warehouse(warehouse, read_only=True) as con:
        began = time.monotonic()
        build = export_site(con, file, today=today)
        seconds = time.monotonic() - began
        held = checks.read_published(file)
        lacking = []
        if isinstance(held, checks.Published):
            columns = {"symbols": held.symbols, "files": held.files, "sizes": held.sizes}
            lacking = find(con, _PUBLISHED_COUNTS, {"dataset": UM_KLINES_1M, "today": today, **columns})
    return Candidate(file, build, seconds, lacking, compared_with(site_dir), today, overrides)


def settle_in(candidate: Candidate, judged: list[Judged], site_dir: Path) -> Kept:
    """Give a build that has passed its place among the others, its downloads first; nothing leads to it yet."""
    name, made = candidate.build.build_id, candidate.file.parent / FOLDER
    write_downloads(read_kept(candidate.file), made, Told(judged, candidate.overrides))
    put_in_place(made, site_dir, name)
    place = build_file(site_dir, name)
    candidate.file.replace(place)
    sync_folder(site_dir)
    for refused in site_dir.glob(f"refused-{name}.*"):  # on an earlier day, or without the overrides
        refused.unlink()
    return read_kept(place)


def ensure_downloads(build: Kept, site_dir: Path, folder: Path) -> None:
    """Make the downloads of a build that has none, for it was exported and not published."""
    if not (site_dir / FOLDER / build.build_id / "SHA256SUMS").exists():
        write_downloads(build, folder / FOLDER, Told([], Overrides()))
        put_in_place(folder / FOLDER, site_dir, build.build_id)


def refuse(file: Path, build_id: str, site_dir: Path, judged: list[Judged], overrides: Overrides) -> Path:
    """Keep a refused build beside the site, under a name that nothing serves, and return its report."""
    report = site_dir / f"refused-{build_id}.json"
    told = {
        "build_id": build_id,
        "refused_at": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}",
        "gates": [each.as_plain() for each in judged],
        "overrides": overrides._asdict(),
    }
    write_whole(report, f"{json.dumps(told, indent=2, ensure_ascii=False)}\n")
    file.replace(report.with_suffix(".db"))
    if (downloads := site_dir / FOLDER / build_id).exists():
        shutil.rmtree(downloads)
    prune_refused(site_dir)
    return report
