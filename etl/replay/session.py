"""One connection: what is subscribed to, and the frames that follow, numbered from 0."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from etl.replay.faults import ERROR, GARBAGE, Fault, big_frame
from etl.replay.recording import Frame, Recording

CHANNELS: Final = ("heartbeats", "candles", "status", "ticker", "ticker_batch", "level2", "market_trades")
_CHUNK: Final = 64_000  # bytes handed to the socket at once
_SETTLE: Final = 0.05  # seconds before the first update: time for more subscriptions
_FOR_EVER: Final = 10**9


class Play(NamedTuple):
    """What every connection is played."""

    recording: Recording
    speed: float  # times the original one; 0 = as fast as the client takes it
    repeat: int  # how often the updates are played; 0 = for ever
    faults: list[Fault]  # those still to come
    sent: list[list[bytes]] | None = None  # the texts sent on each connection, where somebody wants them
    channels: int = 1  # so many subscriptions the updates wait for


class RefusedError(Exception):
    """A subscription that cannot be; the text is what the error frame says."""


class Session:
    """The state of one connection."""

    def __init__(self, connection: ServerConnection, play: Play) -> None:
        """Nothing is subscribed to yet."""
        self._connection, self._play = connection, play
        self._subscribed: dict[str, list[str]] = {}
        self._sequence = self._frames = 0
        self._buffer = bytearray()
        self._sent: list[bytes] | None = None
        if play.sent is not None:
            self._sent = []
            play.sent.append(self._sent)

    async def run(self) -> None:
        """Answer subscriptions and play, until the client leaves."""
        player: asyncio.Task[None] | None = None
        try:
            async for text in self._connection:
                self._answer(text)
                await self._flush()
                if len(self._subscribed) >= self._play.channels and player is None:
                    player = asyncio.create_task(self._playing())
        except ConnectionClosed:
            pass
        finally:
            if player:
                player.cancel()

    def _answer(self, text: str | bytes) -> None:
        try:
            channel, products = self._understood(json.loads(text))
        except (ValueError, KeyError, TypeError):
            self._append(b'{"type":"error","message":"malformed message"}')
        except RefusedError as error:
            self._append(json.dumps({"type": "error", "message": str(error)}, separators=(",", ":")).encode())
        else:
            for frame in self._play.recording.snapshots:
                if frame.channel == channel and frame.products <= set(products):
                    self._number(frame.before, frame.after)
            self._subscribed[channel] = products
            self._number(*_framed("subscriptions", {"subscriptions": self._subscribed}))

    def _understood(self, message: dict[str, Any]) -> tuple[str, list[str]]:
        """Return channel and products of a subscription, or say what is wrong with it as Coinbase would."""
        if message["type"] != "subscribe":
            raise RefusedError("subscribe or unsubscribe required")
        channel, products = message["channel"], message.get("product_ids", [])
        if channel not in CHANNELS:
            raise RefusedError(f"channel {channel} is not supported")
        if message.get("jwt") == "wrong":
            raise RefusedError("authentication failure")
        for product in products:
            if product not in self._play.recording.products:
                raise RefusedError(f"{product} is not a valid product")
        return channel, ["heartbeats"] if channel == "heartbeats" else products

    async def _playing(self) -> None:
        await asyncio.sleep(_SETTLE)
        began, clock = 0.0, asyncio.get_running_loop().time
        start = clock()
        for _ in range(self._play.repeat or _FOR_EVER):
            for frame in self._play.recording.updates:
                if self._play.speed:
                    await self._until(start + (began + frame.at) / self._play.speed, clock)
                await self._send(frame)
            began += self._play.recording.seconds
        await self._flush()
        while "heartbeats" in self._subscribed:  # a client that stays hears that the connection lives
            self._number(*_heartbeat())
            await self._flush()
            await asyncio.sleep(1)

    async def _until(self, moment: float, clock: Callable[[], float]) -> None:
        wait = moment - clock()
        if wait > 0.001:  # noqa: PLR2004 - a millisecond, which is as fine as the loop's clock
            await self._flush()
            await asyncio.sleep(wait)

    async def _send(self, frame: Frame) -> None:
        for fault in [each for each in self._play.faults if self._frames >= each.after]:
            self._play.faults.remove(fault)
            await self._go_wrong(fault)
        wanted = self._subscribed.get(frame.channel)
        if wanted is not None and frame.products.issubset(wanted):
            self._number(frame.before, frame.after)
            if len(self._buffer) > _CHUNK:
                await self._flush()

    async def _go_wrong(self, fault: Fault) -> None:
        await self._flush()
        if fault.kind == "drop":
            self._connection.transport.abort()
        elif fault.kind == "silence":
            await asyncio.Event().wait()
        elif fault.kind == "skip":
            self._sequence += fault.number
        elif fault.kind == "big":
            self._number(*big_frame(fault.number))
        else:
            for text in GARBAGE if fault.kind == "garbage" else (ERROR,):
                self._append(text)

    def _number(self, before: bytes, after: bytes) -> None:
        self._append(b"%b%d%b" % (before, self._sequence, after))
        self._sequence += 1

    def _append(self, text: bytes) -> None:
        self._frames += 1
        self._buffer += _header(len(text))
        self._buffer += text
        if self._sent is not None:
            self._sent.append(text)

    async def _flush(self) -> None:
        """Hand what is ready to the socket as it is: frames made beforehand, several at once."""
        if self._buffer:
            self._connection.transport.write(bytes(self._buffer))
            self._buffer.clear()
        await self._connection.drain()
        await asyncio.sleep(0)


def _header(size: int) -> bytes:
    """Return the head of a WebSocket frame with a whole text, unmasked (RFC 6455, 5.2)."""
    if size < 126:  # noqa: PLR2004 - the RFC's own number
        return bytes((0x81, size))
    return b"\x81\x7e" + size.to_bytes(2) if size < 1 << 16 else b"\x81\x7f" + size.to_bytes(8)


def _framed(channel: str, event: dict[str, Any]) -> Iterator[bytes]:
    """Return the text of a frame of our own, before and after its sequence number."""
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"
    yield f'{{"channel":"{channel}","timestamp":"{moment}","sequence_num":'.encode()
    yield f',"events":[{json.dumps(event, separators=(",", ":"))}]}}'.encode()


def _heartbeat() -> Iterator[bytes]:
    moment = datetime.now(UTC)
    event = {
        "current_time": f"{moment:%Y-%m-%d %H:%M:%S.%f}000 +0000 UTC m=+1.0",
        "heartbeat_counter": int(moment.timestamp()),
    }
    return _framed("heartbeats", event)
