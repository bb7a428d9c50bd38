"""How a vault stands: who is at work, what waits, what was last heard, and what is wrong with that."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from etl.errors import AvailabilityError
from etl.vault import storage
from etl.vault.alone import holder
from etl.vault.config import Config
from etl.vault.in_store import parts_elsewhere
from etl.vault.local import LocalFolder
from etl.vault.refine import REJECTED
from etl.vault.segments import ACTIVE, PATTERN, PROCESSING, READY, orphans
from etl.vault.storage import Storage, Stored
from etl.vault.tally import STATUS

_QUIET_SECONDS: Final = 60.0  # without a frame, of which a living feed sends one a second at least
_WAITING_SECONDS: Final = 900.0  # of a closed segment, before somebody should look; `refine --watch 60` takes a minute


class Status(NamedTuple):
    """What is known of a vault, in the order in which it is told; None = not known here."""

    capturing: str | None  # who
    refining: str | None
    compacting: str | None
    last_frame_at: str | None
    seconds_since_last_frame: int | None  # where none has come yet, since that capture started
    messages_per_second: float | None
    received: int | None  # frames since that capture started, as what follows
    lost: int | None  # frames
    losses: int | None  # jumps of sequence_num
    breaks: int | None
    stalled: str | None  # why nothing is written
    spooled: int | None  # closed segments that the store does not have yet
    orphans: int  # segments left open by a capture that is no more
    ready: int  # segments that wait for refine
    ready_bytes: int
    ready_since: dt.datetime | None  # of the oldest, UTC
    processing: int
    processing_since: dt.datetime | None
    rejected: int  # files of lines that no table takes


def status(settings: Config, now: dt.datetime) -> Status:
    """Look at the vault of a configuration; ``now`` is UTC."""
    vault = storage.open_as_it_stands(settings.storage)
    spool = vault.base / ACTIVE if isinstance(vault, LocalFolder) else settings.capture.spool_dir
    capturing = holder(vault, "capture")
    told, seconds = _told(spool / STATUS, now)
    if capturing and told and f"process {told['pid']} on {told['host']} " not in f"{capturing} ":
        told, seconds = {}, None  # of an earlier capture: the one at work runs elsewhere, or has only just begun
    ready, processing = (storage.list_files(vault, folder, PATTERN) for folder in (READY, PROCESSING))
    return Status(
        capturing=capturing,
        refining=holder(vault, "refine"),
        compacting=holder(vault, "compact"),
        last_frame_at=told.get("last_frame_at"),
        seconds_since_last_frame=seconds,
        messages_per_second=told.get("frames_per_second") if capturing else None,
        received=told.get("received"),
        lost=told.get("lost"),
        losses=told.get("jumps"),
        breaks=told.get("breaks"),
        stalled=told.get("stalled") if capturing else None,
        spooled=None if isinstance(vault, LocalFolder) or not told else len(told["backlog"]),
        orphans=0 if capturing else len(_open(vault, spool)),
        ready=len(ready),
        ready_bytes=sum(each.size for each in ready),
        ready_since=_oldest(ready),
        processing=len(processing),
        processing_since=_oldest(processing),
        rejected=len(storage.list_files(vault, REJECTED)),
    )


def ailments(found: Status, now: dt.datetime) -> Iterator[str]:
    """Yield a sentence for each thing that is not well; what was lost is told, and wakes nobody."""
    if not found.capturing:
        left = f" {found.orphans:,} segments were left open; its next start brings them on." if found.orphans else ""
        yield f"Nothing is captured: start `availability vault capture`.{left}"
    elif found.stalled:
        yield f"Nothing is written: {found.stalled}."
    elif (seconds := found.seconds_since_last_frame or 0) > _QUIET_SECONDS:
        yield f"No frame has come for {seconds:,} s."
    elif seconds < -_QUIET_SECONDS:  # a living feed would have told a newer time since
        yield f"The last frame came {-seconds:,} s from now, and none since this clock was set back."
    for since, number, what in (
        (found.ready_since, found.ready, "wait in raw/ready: does `availability vault refine --watch` run"),
        (found.processing_since, found.processing, "are stuck in raw/processing: what does `vault refine` say"),
    ):
        if since and (now - since).total_seconds() > _WAITING_SECONDS:
            yield f"{number:,} segments {what}? The oldest is of {since:%Y-%m-%dT%H:%M:%SZ}."


def _told(path: Path, now: dt.datetime) -> tuple[dict[str, Any], int | None]:
    """Return what capture last said of itself, and the seconds since a frame came; nothing where none has run here."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        heard = dt.datetime.fromisoformat(told["last_frame_at"] or told["started_at"])
        return told, int((now - heard).total_seconds())
    except FileNotFoundError:
        return {}, None
    except (ValueError, TypeError, KeyError) as error:
        raise AvailabilityError(f"{path} is no status of a capture: remove it.") from error


def _open(vault: Storage, spool: Path) -> set[str]:
    """Return the segments that lie open, in the spool and as parts in the store."""
    here = orphans(spool) if spool.is_dir() else []
    return {*here, *parts_elsewhere(vault, here)}


def _oldest(files: Sequence[Stored]) -> dt.datetime | None:
    return min((each.last_modified for each in files), default=None)
