"""From the spool to the store: parts of what is flushed, then the whole segment; a failing store is asked again."""

import datetime as dt
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Final

from etl.errors import AvailabilityError
from etl.vault import storage as store
from etl.vault.segments import ACTIVE, PROCESSING, READY, Spool, is_segment, orphans
from etl.vault.storage import Storage, StorageError, Stored
from etl.vault.tally import Tally

PARTS_SECONDS: Final = 5.0
_YOUNG: Final = dt.timedelta(seconds=60)  # parts that are younger belong to somebody who is still writing
FIRST_WAIT_SECONDS: Final = 1.0  # before a store that failed is asked again; doubles
_LONGEST_WAIT_SECONDS: Final = 60.0
_LAST_WAIT_SECONDS: Final = 0.5  # once nothing more comes and somebody waits for the end
_CHUNK: Final = 1_000_000
_PASSING: Final = frozenset({"Unreachable", "InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"})
_log = logging.getLogger(__name__)


class Uploads:
    """What is still to be brought from a spool to a store."""

    def __init__(self, storage: Storage, spool: Spool, tally: Tally) -> None:
        """Nothing is to be done yet."""
        self._storage, self._spool, self._tally = storage, spool, tally
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
        self._again(self._look, "those of a lost machine")
        while not self.given_up.is_set():
            try:
                name = self._closed.get(timeout=0.2)
            except Empty:
                if self.done.is_set():
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
        try:
            for folder in parts_elsewhere(self._storage, self._spool.folder, dt.datetime.now(dt.UTC)):
                join_parts(self._storage, folder)
        except StorageError as error:
            if error.code and error.code not in _PASSING:
                raise AvailabilityError(str(error)) from error
            raise
        self._looked.set()

    def _put_part(self) -> None:
        with self._lock:
            written = self._spool.written
            if written is None:
                return
            name, number, start = self._part if self._part[0] == written.name else (written.name, 0, 0)
            if written.size == start:
                return
            path = store.join(ACTIVE, name.partition(".")[0], f"part_{number + 1:05d}.ndjson.zst")
            store.write(self._storage, path, _read(self._spool.folder / name, start, written.size))
            self._part = (name, number + 1, written.size)
            self._tally.parts_until = f"{name} {written.size}"

    def _bring(self, name: str) -> None:
        """Bring one segment: whole to ready, then its parts go, then it goes itself."""
        path = self._spool.folder / name
        size = path.stat().st_size
        if not any(_size(self._storage, folder, name) == size for folder in (READY, PROCESSING)):
            _make_ready(self._storage, name, _read(path, 0, size), size)
        with self._lock:
            delete_parts(self._storage, name)
        path.unlink()
        _log.info("segment stored", extra={"segment": name, "bytes": size})


def parts_elsewhere(storage: Storage, spool: Path, now: dt.datetime) -> list[str]:
    """Return the segments of which the store has parts and the spool has nothing: those of a lost machine.

    Raises AvailabilityError where somebody seems to be writing them still.
    """
    own = {name.partition(".")[0] for name in orphans(spool)}
    names = list[str]()
    for folder, parts in groupby(_parts(storage), key=_segment_of):
        newest = max(each.last_modified for each in parts)
        if folder in own:
            continue
        if now - newest < _YOUNG:
            raise AvailabilityError(
                f"Another capture writes to {storage.place(ACTIVE)}: the newest part of {folder} is of"
                f" {newest:%Y-%m-%dT%H:%M:%SZ}. Stop it, or wait a minute if it is lost."
            )
        names.append(folder)
    return names


def join_parts(storage: Storage, folder: str) -> None:
    """Make a ready segment of its parts, in order, then delete them; one that is ready or taken already stays."""
    name = f"{folder}.ndjson.zst"
    parts = [each for each in _parts(storage) if _segment_of(each) == folder]
    size = sum(each.size for each in parts)
    known = [found for place in (READY, PROCESSING) if (found := _size(storage, place, name)) is not None]
    if not any(found >= size for found in known):  # more than the parts: it was stored from the spool
        _make_ready(storage, name, _joined(storage, parts), size)
    delete_parts(storage, name)
    _log.warning("segment joined from parts", extra={"segment": name, "parts": len(parts), "bytes": size})


def delete_parts(storage: Storage, name: str) -> None:
    """Delete the parts of a segment, the last one first: what is left of them is always a beginning."""
    folder = store.join(ACTIVE, name.partition(".")[0])
    for part in reversed(store.list_files(storage, folder, "part_*")):
        store.delete(storage, part.path)


def _make_ready(storage: Storage, name: str, pieces: Iterable[bytes], size: int) -> None:
    path = store.join(READY, name)
    store.write(storage, path, pieces)
    if (stored := _size(storage, READY, name)) != size:
        raise StorageError("write", path, f"it has {stored} bytes there, {size} were written")


def _parts(storage: Storage) -> Iterator[Stored]:
    for each in store.list_files(storage, ACTIVE, "part_*"):
        if is_segment(f"{_segment_of(each)}.ndjson.zst"):
            yield each


def _segment_of(part: Stored) -> str:
    return part.path.rpartition("/")[0].rpartition("/")[2]


def _joined(storage: Storage, parts: Sequence[Stored]) -> Iterator[bytes]:
    for part in parts:
        yield from store.stream(storage, part.path)


def _size(storage: Storage, folder: str, name: str) -> int | None:
    found = store.list_files(storage, folder, name)
    return found[0].size if found else None


def _read(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a file from ``start`` to ``end``."""
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (chunk := file.read(min(_CHUNK, end - start))):
            start += len(chunk)
            yield chunk
        if start < end:
            raise OSError(f"{os.fspath(path)} has become shorter")


def _wait(fails: int) -> float:
    return min(FIRST_WAIT_SECONDS * 2.0 ** min(fails - 1, 30), _LONGEST_WAIT_SECONDS)
