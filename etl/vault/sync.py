"""Copy a vault from one storage to another: what is lacking there, verified; nothing is ever replaced or deleted."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

from etl.vault import storage
from etl.vault.storage import Storage, StorageAbsent, StorageError, Stored

UNDER_WAY = "raw/active/"  # what capture is still writing; its next start makes ready segments of it
_AT_ONCE = 4  # files, each with up to four parts
COPIED, THERE, GONE, FAILED, STOPPED, EXTRA = "copied", "there", "gone", "failed", "stopped", "extra"


class Outcome(NamedTuple):
    """What became of one file."""

    path: str
    kind: (
        str  # COPIED, THERE, GONE (at the source, meanwhile), FAILED, STOPPED (not reached), EXTRA (only at the target)
    )
    size: int  # bytes
    reason: str = ""  # why it failed


def sync(source: Storage, target: Storage, stop: Event, *, verify: bool = False) -> Iterator[Outcome]:
    """Yield an outcome for every file of the source, in the order of their paths, then for those only at the target.

    What the target has in the same size counts as there; with ``verify`` it is read on both sides and compared.
    """
    wanted = [each for each in storage.list_files(source, "") if not each.path.startswith(UNDER_WAY)]
    held = {each.path: each.size for each in storage.list_files(target, "")}

    def brought(file: Stored) -> Outcome:
        if stop.is_set():
            return Outcome(file.path, STOPPED, file.size)
        return _told(file, lambda: _bring(source, target, file, held.get(file.path), verify=verify))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(brought, wanted)
    for path in sorted(held.keys() - {each.path for each in wanted}):
        yield Outcome(path, EXTRA, held[path])


def _told(file: Stored, bring: Callable[[], str]) -> Outcome:
    try:
        return Outcome(file.path, bring(), file.size)
    except StorageError as error:
        return Outcome(file.path, FAILED, file.size, str(error))


def _bring(source: Storage, target: Storage, file: Stored, held: int | None, *, verify: bool) -> str:
    if held is None:
        return _copy(source, target, file.path)
    there = target.place(file.path)
    if held != file.size:
        raise StorageError("copy", there, f"it is there already with {held:,} bytes instead of {file.size:,}")
    if verify and _hash_of(source, file.path) != _hash_of(target, file.path):
        raise StorageError("verify", there, "it has the right size and another content")
    return THERE


def _copy(source: Storage, target: Storage, path: str) -> str:
    """Copy a file and read it again; a copy that is not the same is taken away, for its size would vouch for it."""
    sent = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for piece in storage.stream(source, path):
            sent.update(piece)
            yield piece

    try:
        storage.write(target, path, pieces())
    except StorageAbsent:
        return GONE
    if _hash_of(target, path) != sent.digest():
        storage.delete(target, path)
        raise StorageError("copy", target.place(path), "what arrived is not what was sent")
    return COPIED


def _hash_of(place: Storage, path: str) -> bytes:
    found = hashlib.sha256()
    for piece in storage.stream(place, path):
        found.update(piece)
    return found.digest()
