"""A recorded session as frames that can be renumbered and sent."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import zstandard

CHANNEL_OF_FRAMES: Final = {"l2_data": "level2"}  # subscribed to as level2, its frames say l2_data
_SEQUENCE = re.compile(r'"sequence_num":(\d+)')
_ITEMS: Final = ("tickers", "trades", "candles")


class Frame(NamedTuple):
    """One frame of the recording; its text is ``before``, a sequence number, ``after``."""

    at: float  # seconds after the first frame
    channel: str  # as it is subscribed to
    products: frozenset[str]  # none where it is about the connection
    snapshot: bool  # sent once, as the answer to a subscription
    before: bytes
    after: bytes


class Recording(NamedTuple):
    """A whole session: what each subscription is answered with, and what followed."""

    snapshots: list[Frame]
    updates: list[Frame]
    seconds: float

    @property
    def products(self) -> frozenset[str]:
        """All products that it has frames of."""
        return frozenset[str]().union(*(frame.products for frame in [*self.snapshots, *self.updates]))


def read_recording(path: Path) -> Recording:
    """Read a ``.jsonl`` or ``.jsonl.zst`` file: lines with ``"t":"recv"`` hold a frame in ``data``, seconds in ``ts``.

    The recorded acknowledgements of subscriptions are left out: the server gives its own. ValueError where it is no
    recording.
    """
    frames = list(_frames(path))
    if not frames:
        raise ValueError(f'{path} holds no frame: a recording has lines with "t":"recv".')
    updates = [frame for frame in frames if not frame.snapshot]
    return Recording([frame for frame in frames if frame.snapshot], updates, frames[-1].at)


def _frames(path: Path) -> Iterator[Frame]:
    began: float | None = None
    for number, line in enumerate(_lines(path), 1):
        try:
            record = json.loads(line)
            if record["t"] != "recv":
                continue
            message = json.loads(record["data"])
            began = record["ts"] if began is None else began
            if message["channel"] != "subscriptions":
                yield _frame(record["ts"] - began, record["data"], message)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number}, is none of a recording: {error!r}") from error


def _lines(path: Path) -> Iterator[str]:
    if path.suffix == ".zst":
        with zstandard.open(path, "rt", encoding="utf-8") as file:
            yield from file
    else:
        with path.open(encoding="utf-8") as file:
            yield from file


def _frame(at: float, text: str, message: dict[str, Any]) -> Frame:
    found = _SEQUENCE.search(text)
    if found is None:
        raise ValueError("a frame without sequence_num")
    channel, events = message["channel"], message["events"]
    products = {event["product_id"] for event in events if "product_id" in event}
    products |= {item["product_id"] for event in events for name in _ITEMS for item in event.get(name, ())}
    snapshot = any(event.get("type") == "snapshot" for event in events)
    before, after = text[: found.start(1)].encode(), text[found.end(1) :].encode()
    return Frame(at, CHANNEL_OF_FRAMES.get(channel, channel), frozenset(products), snapshot, before, after)
