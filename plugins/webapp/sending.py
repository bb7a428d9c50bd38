"""How an answer goes to its reader: piece by piece, and only as long as somebody reads."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]

PIECE = 65_536  # bytes, as many as the server itself holds for a slow reader before it waits
AT_ONCE = 262_144  # bytes; so small a body goes in one piece, most are
_PACKED = 4096  # bytes that are unpacked at a time, to some ten times as many
_PATIENCE = 15  # seconds that a piece waits for its reader: 4 kB/s is slow enough


def sliced(body: bytes) -> Iterator[bytes]:
    """Return a body in pieces."""
    return (body[start : start + PIECE] for start in range(0, len(body), PIECE))


def unpacked(packed: bytes) -> Iterator[bytes]:
    """Return what was compressed by gzip in pieces; the whole is never held."""
    unpack = zlib.decompressobj(wbits=31)
    for start in range(0, len(packed), _PACKED):
        yield unpack.decompress(packed[start : start + _PACKED])


async def deliver(pieces: Iterable[bytes], send: Send) -> None:
    """Send a body, to its end or until its reader stops reading."""
    for piece in pieces:
        if not await patiently({"type": "http.response.body", "body": piece, "more_body": True}, send):
            return
    await patiently({"type": "http.response.body", "body": b""}, send)


async def patiently(message: dict[str, Any], send: Send) -> bool:
    """Send a message, and hang up on a reader who leaves no room for it: what waits for him lies in memory."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await send(message)
    except TimeoutError:
        server: Any = send
        server.__self__.transport.abort()  # of uvicorn; close() would wait for the reader, too
        await asyncio.sleep(0)  # now it knows
        return False
    return True
