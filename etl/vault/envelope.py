"""The line that is kept of each frame: the frame's own text, byte for byte, and when, on which connection, it came."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

_NS: Final = 1_000_000_000


class Head(msgspec.Struct):
    """What capture itself reads of a frame."""

    channel: str | None = None
    sequence_num: int | None = None
    type: str | None = None


class Wrapped(NamedTuple):
    """A frame as a line, and its head; the head is empty where the frame is no JSON object."""

    line: bytes
    head: Head


_read_head = msgspec.json.Decoder(Head).decode  # reads all of the JSON, and builds nothing but the head: 0.5 us
_NOTHING: Final = Head()


def wrap(frame: bytes, moment: int, connection: str) -> Wrapped:
    """Return the line of a frame that came at ``moment`` (nanoseconds since 1970).

    A frame that is no JSON object, or that a line cannot hold as it is, is kept as a JSON string; bytes that are no
    UTF-8 stand in it as lone surrogates (Python's ``surrogateescape``).
    """
    head: Head | None
    try:
        head = _read_head(frame)
    except msgspec.ValidationError:
        head = _odd_head(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        head = None
    data = frame if head is not None and _fits(frame) else _as_string(frame)
    head = head or _NOTHING
    sequence = b"null" if head.sequence_num is None else b"%d" % head.sequence_num
    place = (timestamp(moment).encode(), connection.encode(), sequence, _quoted(head.channel), data)
    line = b'{"capture_ts":"%b","connection":"%b","sequence_num":%b,"channel":%b,"data":%b}\n' % place
    return Wrapped(line, head)


def note(event: str, moment: int, connection: str | None, **facts: object) -> bytes:
    """Return the line of something that capture itself has to say."""
    said = {"capture_ts": timestamp(moment), "connection": connection, "event": event, **facts}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def timestamp(moment: int) -> str:
    """Return nanoseconds since 1970 as ``2026-08-09T12:00:00.123456Z``, cut off to the microsecond."""
    return f"{_second(moment // _NS)}.{moment % _NS // 1000:06d}Z"


def connection_id(moment: int) -> str:
    """Return the name of a connection made at that moment, ``20260809T120000.123456Z``."""
    return timestamp(moment).replace("-", "").replace(":", "")


def subscriptions(frame: bytes) -> dict[str, list[str]]:
    """Return channels and products of an acknowledgement; nothing where it has another shape."""
    try:
        return {
            str(channel): [str(product) for product in products]
            for event in parsed(frame)["events"]
            for channel, products in event["subscriptions"].items()
        }
    except (KeyError, TypeError, AttributeError):
        return {}


def parsed(frame: bytes) -> dict[str, Any]:
    """Return a frame that is a JSON object; nothing of one that Python cannot hold."""
    try:
        found: dict[str, Any] = json.loads(frame.decode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return found


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


@lru_cache(maxsize=64)
def _quoted(channel: str | None) -> bytes:
    return json.dumps(channel).encode()


def _odd_head(frame: bytes) -> Head | None:
    """Return what can be read of JSON whose head has unexpected types; None where it is no object."""
    try:
        return _NOTHING if isinstance(msgspec.json.decode(frame), dict) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fits(frame: bytes) -> bool:
    """Tell whether a line can hold a frame as it is: without line breaks, and UTF-8."""
    if b"\n" in frame or b"\r" in frame:
        return False
    return frame.isascii() or _is_utf8(frame)


def _is_utf8(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_string(frame: bytes) -> bytes:
    return json.dumps(frame.decode(errors="surrogateescape")).encode()
