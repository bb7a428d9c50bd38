"""A segment as blocks of whole lines: streamed, unpacked and read once, whatever its size."""

from collections.abc import Iterable, Iterator
from typing import Final

import zstandard

from etl.errors import AvailabilityError

BLOCK_BYTES: Final = 32 * 1024 * 1024  # lines beyond this begin the next block
_SLICE: Final = 64 * 1024  # of packed bytes: what it unpacks to stays small as well


class SegmentError(AvailabilityError):
    """A segment cannot be read as a whole; the text is half a sentence that begins with "it"."""


def blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks of whole lines, about 32 MB each; a segment that ends within a line or a zstd frame is an error."""
    held, size = list[bytes](), 0
    for piece in _unpacked(pieces):
        end = piece.rfind(b"\n") + 1
        size += len(piece)
        if size < BLOCK_BYTES or not end:
            held.append(piece)
            continue
        yield b"".join([*held, piece[:end]])
        held, size = [piece[end:]], len(piece) - end
    last = b"".join(held)
    if last and not last.endswith(b"\n"):
        raise SegmentError("it ends within a line")
    if last:
        yield last


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of zstd frames that lie one after another."""
    decompressor = zstandard.ZstdDecompressor()
    frame = None
    try:
        for piece in pieces:
            for start in range(0, len(piece), _SLICE):
                rest = piece[start : start + _SLICE]
                while rest:
                    frame = frame or decompressor.decompressobj()
                    yield frame.decompress(rest)
                    rest, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    except zstandard.ZstdError as error:
        raise SegmentError(f"it is no zstd file: {error}") from error
    if frame:
        raise SegmentError("it ends within a zstd frame")
