"""Backup and restore: one file that holds all that the warehouse holds, proved before it counts."""

import datetime as dt
import os
import time
from pathlib import Path
from typing import NamedTuple

from etl.errors import UsageError, WarehouseError
from etl.upkeep.copying import Proof, cleared, copy_whole, swap_in
from etl.warehouse import alone, beside, log_of, open_any_version, settle

_LEFT_BEHIND = 3600  # seconds; no backup takes that long


class Backup(NamedTuple):
    """One that was written, or put back."""

    path: Path
    size_bytes: int
    rows: int  # of all tables together
    replaced: Path | None = None  # where the warehouse lies that was there before


def back_up(path: Path, target: Path | None, *, at: dt.datetime) -> Backup:
    """Write a verified copy of the warehouse; while another process writes, of what was there before it began.

    ``target`` is a file or a folder, None the warehouse's own; nothing is ever overwritten.
    """
    name = f"{path.stem}-{at:%Y%m%dT%H%M%SZ}.backup.duckdb"
    if target is None or target.is_dir():
        target = (target or path.parent) / name
    if target.exists():
        raise UsageError(f"{target} is there already: a backup overwrites nothing, give it another name.")
    if target.suffix != ".duckdb":  # a folder that is not mounted would become a file
        raise UsageError(f"There is no folder {target}: make it, or name a file that ends in .duckdb.")
    for left in target.parent.glob(".*.backup-part"):  # by a backup that was killed
        if time.time() - left.stat().st_mtime > _LEFT_BEHIND:
            left.unlink(missing_ok=True)
    part = beside(target, "backup-part")
    with open_any_version(path) as (con, _):
        proved = copy_whole(con, part)
    swap_in(part, target)
    return Backup(target, target.stat().st_size, _rows(proved))


def restore(backup: Path, path: Path, *, at: dt.datetime) -> Backup:
    """Put a backup in the place of the warehouse, which stays beside; whoever reads it now reads on to the end."""
    if not backup.exists():
        raise UsageError(f"There is no backup at {backup}.")
    if path.exists() and backup.samefile(path):
        raise UsageError(f"{backup} is the warehouse itself.")
    real = path.resolve()
    part, replaced = beside(path, "restored.part"), real.with_name(f"{real.name}.replaced-{at:%Y%m%dT%H%M%SZ}")
    with alone(path, "restore"):
        with open_any_version(backup) as (con, _):
            proved = copy_whole(con, cleared(part))
        try:
            kept = _kept(real, replaced)
            swap_in(part, real)
        finally:
            part.unlink(missing_ok=True)
    return Backup(path, real.stat().st_size, _rows(proved), kept)


def _kept(path: Path, replaced: Path) -> Path | None:
    """Give the warehouse a second name, so that at no moment there is none; one that is spoiled is kept as it is."""
    if not path.exists():
        return None
    try:
        settle(path)
    except WarehouseError as error:
        if "in use" in str(error):
            raise
    os.link(path, replaced)
    if log_of(path).exists():  # it belongs to the old file, and would be read into the new one
        log_of(path).replace(log_of(replaced))
    return replaced


def _rows(proved: Proof) -> int:
    return sum(rows for rows, _ in proved.values())
