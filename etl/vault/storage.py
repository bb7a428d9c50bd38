"""The one seam to where the vault lies: a local folder or an S3 bucket, chosen by the configuration alone.

Paths are relative to the base and use "/". Every function raises StorageError, and StorageAbsent
where the one path to be read or moved is not there.
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from etl.vault import config
from etl.vault.errors import StorageAbsent, StorageError
from etl.vault.local import LocalFolder, open_folder
from etl.vault.s3 import Bucket, open_bucket
from etl.vault.stored import Stored

Storage = LocalFolder | Bucket

__all__ = ["Storage", "StorageAbsent", "StorageError", "Stored", "open_as_it_stands", "open_storage"]


def open_storage(settings: config.Storage, backend: str = "") -> Storage:
    """Return the storage of a configuration, or its other backend; S3 is not asked anything yet."""
    if (backend or settings.backend) == "local":
        return open_folder(settings.base_dir)
    return open_bucket(settings.s3)


def open_as_it_stands(settings: config.Storage) -> Storage:
    """Return the storage for looking only: nothing is made, by whichever user looks."""
    return LocalFolder(settings.base_dir) if settings.backend == "local" else open_bucket(settings.s3)


def list_files(storage: Storage, folder: str, pattern: str = "*") -> list[Stored]:
    """Return the files below a folder ("" = all) whose own name matches the pattern, by path."""
    found = storage.list_files(_clean(storage, "list", folder) if folder else "")
    return sorted(each for each in found if fnmatchcase(each.path.rpartition("/")[2], pattern))


def read(storage: Storage, path: str) -> bytes:
    """Return a file."""
    return b"".join(stream(storage, path))


def read_range(storage: Storage, path: str, start: int, length: int) -> bytes:
    """Return ``length`` bytes from ``start`` on, fewer where the file ends before."""
    if start < 0 or length < 1:
        raise StorageError("read", storage.place(path), f"{length} bytes from byte {start} on are no range")
    return storage.read_range(_clean(storage, "read", path), start, length)


def stream(storage: Storage, path: str) -> Iterator[bytes]:
    """Yield a file in pieces of a few MB; it is one version of it, or StorageError."""
    return storage.stream(_clean(storage, "read", path))


def write(storage: Storage, path: str, data: bytes | Iterable[bytes]) -> None:
    """Write a file, whole or not at all; one of that name is replaced."""
    storage.write(_clean(storage, "write", path), [data] if isinstance(data, bytes) else data)


def delete(storage: Storage, path: str) -> None:
    """Delete a file; one that is not there is as good as deleted, for S3 does not tell."""
    storage.delete(_clean(storage, "delete", path))


def exists(storage: Storage, path: str) -> bool:
    """Tell whether a file is there."""
    return storage.exists(_clean(storage, "look for", path))


def move(storage: Storage, old: str, new: str) -> None:
    """Give a file another name; one of that name is replaced. On S3 it is copied, then deleted: a crash leaves both."""
    storage.move(_clean(storage, "move", old), _clean(storage, "move to", new))


def join(*parts: str) -> str:
    """Put folders and a file name together."""
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def _clean(storage: Storage, operation: str, path: str) -> str:
    if not path or any(part in {"", ".", ".."} for part in path.split("/")) or "\0" in path:
        raise StorageError(operation, repr(path), f"it is no path below {storage.place('')}")
    return path
