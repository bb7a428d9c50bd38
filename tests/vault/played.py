"""What the tests of capture share: a replay to capture from, and the lines that lie in the vault afterwards."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import zstandard

from etl.replay.server import Replay
from etl.vault import capture
from etl.vault.errors import StorageError
from etl.vault.feed import Feed, Pace
from etl.vault.segments import PATTERN, READY
from etl.vault.storage import Storage, list_files, read
from etl.vault.tally import Tally

SESSION = Path(__file__).parent / "data" / "session.jsonl"
PRODUCTS = ("BTC-USD", "ETH-USD")
CHANNELS = ("ticker", "level2", "market_trades")
SUBSCRIPTIONS = 1 + len(CHANNELS)  # heartbeats come first
QUICK = Pace(first=0.01, longest=0.1, good=60, silence=20)
PATIENCE = 120.0  # seconds after which what should have happened has not


class Running:
    """A capture in a thread of this process."""

    def __init__(self, feed: Feed, storage: Storage, spooling: capture.Spooling) -> None:
        self.tally: Tally | None = None
        self.error: Exception | None = None
        self.stop = Event()
        self._thread = Thread(target=self._run, args=(feed, storage, spooling), daemon=True)
        self._thread.start()

    def _run(self, *settings: Any) -> None:
        try:
            self.tally = capture.run(*settings, self.stop)
        except (capture.AvailabilityError, OSError) as error:
            self.error = error

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> Tally:
        self.stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        if self.error:
            raise self.error
        assert self.tally
        return self.tally


@contextmanager
def running(
    url: str,
    storage: Storage,
    spool: Path,
    *,
    channels: tuple[str, ...] = CHANNELS,
    products: tuple[str, ...] = PRODUCTS,
    pace: Pace = QUICK,
    segment_bytes: int = 10**8,
    most_bytes: int = 10**9,
) -> Iterator[Running]:
    """Run a capture for as long as the block lasts."""
    feed = Feed(url, products, channels, pace=pace)
    run = Running(feed, storage, capture.Spooling(spool, segment_bytes, most_bytes))
    try:
        yield run
    finally:
        run.stop.set()


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.01)


def sent_whole(replay: Replay, *, updates: int, connection: int = -1) -> bool:
    """Tell whether all was played: as many frames as the session has for the channels asked for."""
    return len(replay.sent) > 0 and len(replay.sent[connection]) >= updates


def ready(storage: Storage) -> list[str]:
    return [each.path for each in list_files(storage, READY, PATTERN)]


def lines(storage: Storage) -> list[bytes]:
    """Return all lines of all ready segments, in order."""
    return [line for path in ready(storage) for line in unpacked(read(storage, path)).splitlines(keepends=True)]


def unpacked(packed: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True) as stream:
        return stream.read()


def records(storage: Storage) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(storage)]


def frames(storage: Storage) -> list[bytes]:
    """Return the text of every frame kept, byte for byte, as the line holds it."""
    return [line.partition(b',"data":')[2].removesuffix(b"}\n") for line in lines(storage) if b',"data":' in line]


def events(storage: Storage, *names: str) -> list[dict[str, Any]]:
    return [each for each in records(storage) if each.get("event") in names]


def listing_fails(storage: Storage) -> bool:
    try:
        list_files(storage, READY)
    except StorageError:
        return True
    return False


def packed(text: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(text)
