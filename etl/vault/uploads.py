"""From the spool to the store: parts of what is flushed, then the whole segment; a failing store is asked again."""

import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Final

from etl.disk import sync_folder
from etl.errors import AvailabilityError
from etl.vault.alone import Claim
from etl.vault.in_store import (
    delete_parts,
    forget_joined,
    join_parts,
    make_ready,
    parts_elsewhere,
    put_part,
    put_whole,
    taken_over,
)
from etl.vault.ready import BEGINNING
from etl.vault.s3 import Bucket
from etl.vault.segments import Spool, orphans
from etl.vault.storage import StorageError
from etl.vault.tally import Tally

PARTS_SECONDS: Final = 5.0
FIRST_WAIT_SECONDS: Final = 1.0  # before a store that failed is asked again; doubles
_LONGEST_WAIT_SECONDS: Final = 60.0
_LAST_WAIT_SECONDS: Final = 0.5  # once nothing more comes and somebody waits for the end
_PASSING: Final = frozenset({"Unreachable", "InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"})
_log = logging.getLogger(__name__)


class Uploads:
    """What is still to be brought from a spool to a store."""

    def __init__(self, storage: Bucket, spool: Spool, tally: Tally) -> None:
        """Nothing is to be done yet."""
        self._storage, self._spool, self._tally = storage, spool, tally
        self._claim = Claim(storage, "capture")
        self._closed: SimpleQueue[str] = SimpleQueue()
        self._lock = Lock()  # held while a part is put, so that none comes after its segment is done
        self._part = ("", 0, 0)  # the segment of the last part, its number, where it ended
        self._looked = Event()  # set when it is known that nobody else writes there
        self.done = Event()  # set when nothing more is closed, to end once all is brought
        self.given_up = Event()  # set when nobody waits for the end any longer

    def add(self, name: str) -> None:
        """Take a closed segment; the caller does not wait."""
        self._tally.backlog.append(name)
        self._closed.put(name)

    def put_parts(self) -> None:
        """Every few seconds put what was flushed since, as an object of its own."""
        fails = 0
        while not self.done.wait(PARTS_SECONDS if not fails else _wait(fails)):
            if not self._looked.is_set():
                continue
            try:
                self._put_part()
                fails = 0
            except StorageError as error:
                fails += 1
                _log.warning("part not stored, trying again", extra={"error": str(error), "attempt": fails})

    def put_segments(self) -> None:
        """Join what a lost machine has left, then bring closed segments to ready, until nothing more comes.

        Raises AvailabilityError where another capture writes to the same place, or the store refuses us.
        """
        try:
            self._again(partial(_refused_at_once, self._claim.take), "the claim")
            self._again(partial(_refused_at_once, self._look), "those of a lost machine")
            self._bring_all()
        finally:
            self._claim.give_back()

    def _bring_all(self) -> None:
        while not self.given_up.is_set():
            last = self.done.is_set()  # looked at first: what is closed while we wait is not to be overlooked
            try:
                name = self._closed.get(timeout=0 if last else 0.2)
            except Empty:
                if last:
                    return
                continue
            if self._again(partial(self._bring, name), name):
                self._tally.backlog.remove(name)

    def _again(self, bring: Callable[[], None], segment: str) -> bool:
        """Bring one segment, again and again until the store takes it; False where that is given up."""
        fails = 0
        while not self.given_up.is_set():
            try:
                bring()
            except StorageError as error:
                fails += 1
                facts = {"segment": segment, "error": str(error), "attempt": fails}
                _log.warning("segment not stored, trying again", extra=facts)
                if self.done.wait(_wait(fails)):
                    self.given_up.wait(_LAST_WAIT_SECONDS)
            else:
                return True
        return False

    def _look(self) -> None:
        for name in parts_elsewhere(self._storage, orphans(self._spool.folder)):
            join_parts(self._storage, name)
            _log.warning("segment of a lost machine joined", extra={"segment": name})
        self._looked.set()

    def _put_part(self) -> None:
        with self._lock:
            written = self._spool.written
            if written is None:
                return
            name, number, start = self._part if self._part[0] == written.name else (written.name, 0, 0)
            if written.size == start:
                return
            self._claim.check()
            put_part(self._storage, name, number + 1, _read(self._spool.folder / name, start, written.size))
            self._part = (name, number + 1, written.size)
            self._tally.parts_until = f"{name} {written.size}"

    def _bring(self, name: str) -> None:
        """Bring one segment: whole beside its parts, then it goes from the spool, then it is made ready."""
        path = self._spool.folder / name
        if path.exists():  # else only the last step is left
            self._put_whole(path)
            with self._lock:
                delete_parts(self._storage, name)
            path.unlink()
            sync_folder(path.parent)
        make_ready(self._storage, name)
        forget_joined(self._storage, name)
        _log.info("segment stored", extra={"segment": name})

    def _put_whole(self, path: Path) -> None:
        """Put a segment, or the rest of what another capture took over while this machine was lost."""
        size = path.stat().st_size
        start = taken_over(self._storage, path.name, next(_read(path, 0, min(size, BEGINNING))))
        self._claim.check()
        if start < size:
            beginning = next(_read(path, start, min(size, start + BEGINNING)))
            put_whole(self._storage, path.name, beginning, _read(path, start, size), size - start)


def _refused_at_once(first: Callable[[], None]) -> None:
    """Do what comes first; a store that will not have us then is not asked again."""
    try:
        first()
    except StorageError as error:
        if error.code and error.code not in _PASSING:
            raise AvailabilityError(str(error)) from error
        raise


def _read(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a file from ``start`` to ``end``."""
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (chunk := file.read(min(BEGINNING, end - start))):
            start += len(chunk)
            yield chunk
        if start < end:
            raise OSError(f"{os.fspath(path)} has become shorter")


def _wait(fails: int) -> float:
    return min(FIRST_WAIT_SECONDS * 2.0 ** min(fails - 1, 30), _LONGEST_WAIT_SECONDS)
