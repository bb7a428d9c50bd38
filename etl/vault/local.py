"""The vault on a local disk: a file is there whole, and stays there through a power cut, or is not there at all."""

import datetime as dt
import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from etl.disk import sync_folder
from etl.vault.errors import StorageAbsent, StorageError
from etl.vault.stored import PIECE_BYTES, Stored

_UNDER_WAY = ".part~"  # the end of the name of a file that is still being written
_STALE_SECONDS = 3600.0
_NO_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class LocalFolder(NamedTuple):
    """A folder; paths are relative to it."""

    base: Path

    def place(self, path: str) -> str:
        """Name a path in full."""
        return str(self.base / path)

    def list_files(self, folder: str) -> Iterator[Stored]:
        """Yield every file below a folder, in no order; a folder that is not there holds nothing."""
        with self._told("list", folder):
            self._stands()
            yield from _walk(self.base, folder)

    def stream(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file in pieces."""
        with self._told("read", path), (self.base / path).open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on; a start behind the end is an error."""
        with self._told("read", path), (self.base / path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if start >= size:
                raise StorageError("read", self.place(path), f"byte {start} is behind its end, it has {size} bytes")
            file.seek(start)
            return file.read(length)

    def write(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write beside, bring it to the disk, then swap it in."""
        target = self.base / path
        with self._told("write", path):
            _make_folder(target.parent)
            _forget_stale(target)
            beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_UNDER_WAY}")
            try:
                with beside.open("xb") as file:
                    file.writelines(pieces)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(target)
            finally:
                beside.unlink(missing_ok=True)
            sync_folder(target.parent)

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is as good as deleted."""
        with self._told("delete", path):
            self._stands()
            try:
                (self.base / path).unlink()
                sync_folder((self.base / path).parent)
            except _NO_FILE:
                return

    def exists(self, path: str) -> bool:
        """Tell whether a file is there."""
        with self._told("look for", path):
            self._stands()
            return (self.base / path).is_file()

    def move(self, old: str, new: str) -> None:
        """Give a file another name, in one step."""
        source, target = self.base / old, self.base / new
        with self._told("move", old):
            if not source.is_file():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
            _make_folder(target.parent)
            source.replace(target)
            sync_folder(target.parent)
            sync_folder(source.parent)

    def _stands(self) -> None:
        """Without the base nobody can tell what is missing below it."""
        if not self.base.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.base))

    @contextmanager
    def _told(self, operation: str, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self.base.is_dir():
                raise StorageError(operation, self.place(path), f"{self.base} is not there", code="ENOENT") from error
            if isinstance(error, _NO_FILE) and operation in {"read", "move"}:
                raise StorageAbsent(operation, self.place(path), "it is not there") from error
            raise _refused(operation, self.place(path), error) from error


def open_folder(base: Path) -> LocalFolder:
    """Return the folder, made where there is none yet."""
    try:
        _make_folder(base)
    except OSError as error:
        raise _refused("open", str(base), error) from error
    return LocalFolder(base)


def _refused(operation: str, place: str, error: OSError) -> StorageError:
    code = errno.errorcode.get(error.errno or 0, "")
    return StorageError(operation, place, (error.strerror or str(error)).lower(), code=code)


def _walk(base: Path, folder: str) -> Iterator[Stored]:
    try:
        entries = list(os.scandir(base / folder))
    except (FileNotFoundError, NotADirectoryError):
        return  # also one that is removed while we walk
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_dir():
            yield from _walk(base, path)
        elif not entry.name.endswith(_UNDER_WAY):
            try:
                found = entry.stat()
            except FileNotFoundError:
                continue
            yield Stored(path, found.st_size, dt.datetime.fromtimestamp(found.st_mtime, dt.UTC))


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they outlast a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _forget_stale(target: Path) -> None:
    """Remove what a killed process left of its attempts at the same file."""
    for entry in os.scandir(target.parent):
        if entry.name.startswith(f".{target.name}.") and entry.name.endswith(_UNDER_WAY):
            file = Path(entry.path)
            try:
                if file.stat().st_mtime < time.time() - _STALE_SECONDS:
                    file.unlink()
            except FileNotFoundError:
                continue
