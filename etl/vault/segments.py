"""Segments: files of lines, one zstd frame a flush, and on the disk before anyone says that they are kept."""

import io
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import zstandard

from etl.disk import sync_folder
from etl.vault.intake import Line

ACTIVE: Final = "raw/active/coinbase"
READY: Final = "raw/ready/coinbase"
PROCESSING: Final = "raw/processing/coinbase"
SUFFIX: Final = ".ndjson.zst"
PATTERN: Final = f"segment_*{SUFFIX}"
_NAME: Final = re.compile(r"segment_\d{8}T\d{2}_\d{5}\.ndjson\.zst", re.ASCII)
_HOUR: Final = 3_600_000_000_000  # nanoseconds
_TENTH: Final = 100_000_000
_CHUNK: Final = 65_536  # of a file that is looked through: what it unpacks to stays small as well


class Written(NamedTuple):
    """How far a segment is on the disk."""

    name: str
    size: int  # bytes of whole zstd frames


class Spool:
    """The folder that segments are written in, and the one that is open."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Write segments of at most about ``most_bytes`` of lines (before compression), each of one hour."""
        self.folder = folder
        self._most = most_bytes
        self._last = ""
        self._file: io.FileIO | None = None
        self._hour = self._lines_bytes = self._size = 0
        self._compressor = zstandard.ZstdCompressor(level=3, write_checksum=True, write_content_size=True)
        self.written: Written | None = None  # of the open segment; replaced as a whole, so any thread may look

    def append(self, lines: Sequence[Line]) -> None:
        """Bring lines of one hour to the disk; on OSError none of them is kept, and the same call may be made again."""
        file = self._file or self._open(lines[0].moment)
        text = b"".join(line.text for line in lines)
        packed = self._compressor.compress(text)
        file.truncate(self._size)  # what an attempt before this one may have left
        file.seek(self._size)
        _write_all(file, packed)
        os.fsync(file.fileno())
        self._size += len(packed)
        self._lines_bytes += len(text)
        self.written = Written(Path(str(file.name)).name, self._size)

    def due(self, moment: int) -> bool:
        """Tell whether the open segment, if any, is to be closed before a line of that moment."""
        on = (
            hour(moment) - self._hour
        )  # a clock that is set back a little does not bring back a name of the hour before
        return self.written is not None and (self._lines_bytes >= self._most or on not in {0, -1})

    def close(self) -> str | None:
        """Close the open segment and return its name; None where none was open."""
        written, self.written = self.written, None
        if self._file is not None:
            self._file.close()
            self._file = None
        return written.name if written else None

    def _open(self, moment: int) -> io.FileIO:
        self._hour, self._lines_bytes, self._size = hour(moment), 0, 0
        while True:
            path = self.folder / segment_name(moment, after=self._last)
            self._last = path.name
            if not path.exists():
                break
        self._file = path.open("xb", buffering=0)
        sync_folder(self.folder)
        return self._file


def hour(moment: int) -> int:
    """Return the UTC hour of a moment, counted since 1970."""
    return moment // _HOUR


def segment_name(moment: int, *, after: str = "") -> str:
    """Return the name of a segment whose first line is of that moment, behind another one's.

    The number is the tenth of a second within the hour: no list of earlier numbers has to outlast a lost disk.
    """
    day = f"segment_{datetime.fromtimestamp(moment // 1_000_000_000, UTC):%Y%m%dT%H}_"
    number = moment % _HOUR // _TENTH
    name = f"{day}{number:05d}{SUFFIX}"
    return max(name, name_after(after)) if after.startswith(day) else name


def name_after(name: str) -> str:
    """Return the name with the next number."""
    hour_, number = name.removesuffix(SUFFIX).rsplit("_", 1)
    return f"{hour_}_{int(number) + 1:05d}{SUFFIX}"


def is_segment(name: str) -> bool:
    """Tell whether a file or a folder of parts is named as a segment."""
    return _NAME.fullmatch(name) is not None


def orphans(folder: Path) -> list[str]:
    """Return the names of the segments that lie in a spool, oldest first."""
    return sorted(path.name for path in folder.iterdir() if is_segment(path.name))


def cut(path: Path) -> int:
    """Cut a segment behind its last whole zstd frame and return how many bytes went; an empty one is removed."""
    whole, size = _whole(path), path.stat().st_size
    if whole < size:
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
    if not whole:
        path.unlink()
        sync_folder(path.parent)
    return size - whole


def _whole(path: Path) -> int:
    """Return the size of all whole zstd frames at the beginning of a file whose lines are whole."""
    whole = read = 0
    with path.open("rb") as file:
        frame, last = _begin(), b""
        while chunk := file.read(_CHUNK):
            read += len(chunk)
            while chunk:
                try:
                    last = frame.decompress(chunk)[-1:] or last
                except zstandard.ZstdError:
                    return whole
                if not frame.eof:
                    break
                if last != b"\n":
                    return whole
                chunk = frame.unused_data
                whole = read - len(chunk)
                frame = _begin()
    return whole


def _begin() -> "zstandard.ZstdDecompressionObj":  # a name for types only
    return zstandard.ZstdDecompressor().decompressobj()


def _write_all(file: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]
