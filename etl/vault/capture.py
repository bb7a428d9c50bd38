"""Capture: receive, write and bring on, side by side, from the first connection to the last segment."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Final, NamedTuple

from etl import locks
from etl.errors import AvailabilityError, UsageError
from etl.vault import storage as store
from etl.vault.envelope import note, timestamp
from etl.vault.feed import Feed, Receiver
from etl.vault.intake import Intake
from etl.vault.local import LocalFolder
from etl.vault.ready import BEGINNING, name_in_ready
from etl.vault.s3 import Bucket
from etl.vault.segments import ACTIVE, READY, Spool, cut, orphans
from etl.vault.storage import Storage
from etl.vault.tally import Tally
from etl.vault.uploads import Uploads
from etl.vault.writer import Writer

FLUSH_RECORDS: Final = 100
FLUSH_SECONDS: Final = 5.0
INTAKE_BYTES: Final = 32_000_000  # of lines that wait to be written
DRAIN_SECONDS: Final = 25.0  # of the 30 that a stop may take
LOCK: Final = ".capture.lock"  # in the spool
_log = logging.getLogger(__name__)


class NotBroughtError(AvailabilityError):
    """The store has not taken all in time; it lies in the spool, whole."""


class Spooling(NamedTuple):
    """Where segments are written, and how much."""

    folder: Path  # on S3 only: the active segments of a local vault are written where they lie
    segment_bytes: int = 100_000_000  # of lines, before compression
    most_bytes: int = 1_000_000_000  # of segments that the store has not taken; then receiving stops


class Worker(Thread):
    """A thread that keeps the error it ends with."""

    def __init__(self, work: Callable[[], None]) -> None:
        """Start at once; a process that is told to end now does not wait for it."""
        super().__init__(daemon=True)
        self._work = work
        self._well = False
        self._error: AvailabilityError | OSError | None = None
        self.start()

    def run(self) -> None:
        """Work until done."""
        try:
            self._work()
            self._well = True
        except (AvailabilityError, OSError) as error:
            self._error = error

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return not self.is_alive() and not self._well

    def check(self) -> None:
        """Raise what it has ended with, if anything."""
        if self._error:
            raise self._error
        if self.failed:
            raise AvailabilityError("A part of capture has broken off; its error stands above.")


def run(feed: Feed, storage: Storage, spooling: Spooling, stop: Event, seconds: float | None = None) -> Tally:
    """Capture until ``stop`` is set, or for so many seconds; what an earlier capture left is brought on first.

    UsageError where the feed refuses what was asked for, NotBroughtError where the store has not taken all in the end.
    """
    folder = storage.base / ACTIVE if isinstance(storage, LocalFolder) else spooling.folder
    folder.mkdir(parents=True, exist_ok=True)
    with locks.held(folder / LOCK, "vault capture", f"{folder} is being captured to"):
        tally = Tally(timestamp(time.time_ns()))
        intake = Intake(FLUSH_RECORDS, FLUSH_SECONDS, INTAKE_BYTES)
        spool = Spool(folder, spooling.segment_bytes)
        if isinstance(storage, LocalFolder):
            workers = _to_folder(storage, intake, spool, tally)
        else:
            workers = _to_store(storage, intake, spool, tally, spooling.most_bytes)
        _receive(feed, intake, tally, workers, stop, seconds)
        return tally


class _Workers(NamedTuple):
    """Who writes and who brings on."""

    writer: Writer
    writing: Worker
    uploads: Uploads | None = None
    uploading: tuple[Worker, ...] = ()

    @property
    def failed(self) -> bool:
        return any(each.failed for each in (self.writing, *self.uploading))


def _to_folder(storage: LocalFolder, intake: Intake, spool: Spool, tally: Tally) -> _Workers:
    """Let segments be closed by giving them another name."""
    hand_on = partial(_make_ready, storage)
    for name in _whole_orphans(spool):
        hand_on(name)
    writer = Writer(intake, spool, tally, hand_on, None)
    return _Workers(writer, Worker(writer.run))


def _to_store(storage: Bucket, intake: Intake, spool: Spool, tally: Tally, most_bytes: int) -> _Workers:
    """Let what is written be brought to the store by threads of its own."""
    uploads = Uploads(storage, spool, tally)
    for name in _whole_orphans(spool):
        uploads.add(name)
    writer = Writer(intake, spool, tally, uploads.add, most_bytes)
    uploading = (Worker(uploads.put_parts), Worker(uploads.put_segments))
    return _Workers(writer, Worker(writer.run), uploads, uploading)


def _whole_orphans(spool: Spool) -> list[str]:
    """Cut what an earlier capture left open, and return what there is to bring on."""
    for name in orphans(spool.folder):
        gone = cut(spool.folder / name)
        _log.warning("segment recovered", extra={"segment": name, "bytes_cut": gone})
    return orphans(spool.folder)


def _make_ready(storage: LocalFolder, name: str) -> None:
    path = store.join(ACTIVE, name)
    ready = name_in_ready(storage, name, store.read_range(storage, path, 0, BEGINNING))
    store.move(storage, path, store.join(READY, ready.name))


def _receive(feed: Feed, intake: Intake, tally: Tally, workers: _Workers, stop: Event, seconds: float | None) -> None:
    """Receive to the end, then let everything that came be written and brought on."""
    until = time.monotonic() + seconds if seconds else None

    def ended() -> bool:
        return stop.is_set() or workers.failed or (until is not None and time.monotonic() >= until)

    asked = {"url": feed.url, "products": feed.products, "channels": feed.channels}
    _note(intake, "started", **asked)
    refused = None
    try:
        asyncio.run(Receiver(feed, intake, tally, ended).run())
    except UsageError as error:
        refused = error
    why = str(refused) if refused else "it cannot go on" if workers.failed else "told to"
    _note(intake, "stopped", reason=why)
    intake.close()
    _drain(workers, time.monotonic() + DRAIN_SECONDS)
    if refused:
        raise refused
    if tally.backlog:
        raise NotBroughtError(
            f"{len(tally.backlog)} segments wait in the spool, whole: the store did not take them in"
            f" {DRAIN_SECONDS:g} s. The next capture brings them."
        )


def _drain(workers: _Workers, until: float) -> None:
    workers.writer.drain()
    workers.writing.join(until - time.monotonic())
    workers.writer.give_up.set()
    workers.writing.join(1)
    if workers.uploads:
        workers.uploads.done.set()
    for each in workers.uploading:
        each.join(max(0.0, until - time.monotonic()))
    if workers.uploads:
        workers.uploads.given_up.set()
    for each in (workers.writing, *workers.uploading):
        each.check()


def _note(intake: Intake, event: str, **facts: object) -> None:
    moment = time.time_ns()
    intake.put(moment, note(event, moment, None, **facts))
