"""A segment in S3 before it is ready: a folder of parts below raw/active/, in the end with the whole text beside them.

The whole is named after what it will be in raw/ready/. It is put, then the parts go, then the spool's own file, and
only then it moves: parts alone are never the rest of a segment that is ready or refined, and whoever goes on after a
crash gives the same name.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Final

from etl.vault import storage as store
from etl.vault.ready import BEGINNING, Ready, name_in_ready
from etl.vault.segments import ACTIVE, READY, SUFFIX, is_segment
from etl.vault.storage import Storage, StorageError, Stored

JOINED: Final = "raw/joined/coinbase"  # files that say how much of a segment was taken over from a lost machine
_WHOLE: Final = "whole_"
_PART: Final = "part_"


def put_part(storage: Storage, name: str, number: int, pieces: Iterable[bytes]) -> None:
    """Put what was flushed to a segment since the part before."""
    store.write(storage, store.join(folder_of(name), f"{_PART}{number:05d}{SUFFIX}"), pieces)


def put_whole(storage: Storage, name: str, beginning: bytes, pieces: Iterable[bytes], size: int) -> None:
    """Put a whole segment beside its parts, unless it is there or ready already, and look that it is whole."""
    ready = Ready("", 0)
    for each in _files(storage, name, _WHOLE):
        if store.read_range(storage, each.path, 0, len(beginning)) == beginning[: each.size]:
            ready = Ready(each.path.rpartition(_WHOLE)[2], each.size)
        else:  # the beginning of the same segment, which another capture had taken over
            _move(storage, each)
    ready = ready if ready.name else name_in_ready(storage, name, beginning)
    if ready.size >= size:
        return
    path = store.join(folder_of(name), f"{_WHOLE}{ready.name}")
    store.write(storage, path, pieces)
    found = [each.size for each in _files(storage, name, _WHOLE)]
    if found != [size]:
        raise StorageError("write", storage.place(path), f"it has {found} bytes there, {size} were written")


def delete_parts(storage: Storage, name: str) -> None:
    """Delete the parts of a segment."""
    for part in _files(storage, name, _PART):
        store.delete(storage, part.path)


def make_ready(storage: Storage, name: str) -> None:
    """Let refine have the whole; nothing is to be done where it is ready already."""
    for whole in _files(storage, name, _WHOLE):
        _move(storage, whole)


def parts_elsewhere(storage: Storage, own: Sequence[str]) -> list[str]:
    """Return the segments of which the store has something, but for our own: those of a lost machine."""
    names = (f"{folder}{SUFFIX}" for folder, _ in groupby(store.list_files(storage, ACTIVE), key=_segment_of))
    return [name for name in names if is_segment(name) and name not in own]


def join_parts(storage: Storage, name: str) -> None:
    """Make a ready segment of its parts, in order, and note how far it goes: its machine may come back."""
    parts = _files(storage, name, _PART)
    if parts:
        first = (_files(storage, name, _WHOLE) or parts)[0]  # of parts, a crash may have left the last ones only
        beginning = store.read_range(storage, first.path, 0, BEGINNING)
        if first is parts[0]:
            put_whole(storage, name, beginning, _joined(storage, parts), sum(each.size for each in parts))
        size = sum(each.size for each in _files(storage, name, _WHOLE) or parts)
        said = {"bytes": size, "sha256": sha256(beginning).hexdigest(), "hashed": len(beginning)}
        store.write(storage, store.join(JOINED, name), json.dumps(said).encode())
    delete_parts(storage, name)
    make_ready(storage, name)


def taken_over(storage: Storage, name: str, beginning: bytes) -> int:
    """Return how many bytes of a segment another capture has made ready while its machine was lost."""
    path = store.join(JOINED, name)
    if not store.exists(storage, path):
        return 0
    said = json.loads(store.read(storage, path))
    same = sha256(beginning[: said["hashed"]]).hexdigest() == said["sha256"]  # not another one of that name
    return int(said["bytes"]) if same else 0


def forget_joined(storage: Storage, name: str) -> None:
    """Forget what was noted of a segment: its machine is back, and has brought the rest."""
    store.delete(storage, store.join(JOINED, name))


def folder_of(name: str) -> str:
    """Return the folder of a segment's parts."""
    return store.join(ACTIVE, name.removesuffix(SUFFIX))


def _files(storage: Storage, name: str, kind: str) -> list[Stored]:
    return store.list_files(storage, folder_of(name), f"{kind}*")


def _move(storage: Storage, whole: Stored) -> None:
    store.move(storage, whole.path, store.join(READY, whole.path.rpartition(_WHOLE)[2]))


def _segment_of(part: Stored) -> str:
    return part.path.rpartition("/")[0].rpartition("/")[2]


def _joined(storage: Storage, parts: Sequence[Stored]) -> Iterator[bytes]:
    for part in parts:
        yield from store.stream(storage, part.path)
