"""The WebSocket of Coinbase: subscribe, take every frame as it comes, notice what is lost, connect again for ever."""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Final, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException
from websockets.uri import parse_uri

from etl.errors import UsageError
from etl.vault.envelope import connection_id, note, parsed, subscriptions, wrap
from etl.vault.intake import Intake
from etl.vault.tally import Tally

MOST_FRAME_BYTES: Final = 16 * 1024 * 1024
_WAITING_FRAMES: Final = 4  # in the library, each as large as that; more are no faster
HEARTBEATS: Final = "heartbeats"  # one a second: without them a quiet market and a dead line look the same
_CLOSE_SECONDS: Final = 2.0
_PING_SECONDS: Final = 20.0
ACKNOWLEDGED_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.1
_ABOUT_US: Final = re.compile(r"product|channel|auth|jwt|token|permission|subscri", re.IGNORECASE)
_SHOWN: Final = 200
_log = logging.getLogger(__name__)


class Pace(NamedTuple):
    """How long to wait for what, in seconds."""

    first: float = 1.0  # before connecting again; doubles with every attempt
    longest: float = 60.0
    good: float = 60.0  # a connection that held so long starts the waits anew
    silence: float = 20.0  # without any frame a connection counts as dead


class Feed(NamedTuple):
    """What is captured, and from where."""

    url: str
    products: tuple[str, ...]
    channels: tuple[str, ...]
    token: str = ""  # a JWT for the subscriptions; "" = none, as the public channels need none
    pace: Pace = Pace()


class Receiver:
    """One capture's connections, one after the other."""

    def __init__(self, feed: Feed, intake: Intake, tally: Tally, ended: Callable[[], bool]) -> None:
        """Put lines into ``intake`` until ``ended`` says so."""
        self._feed, self._intake, self._tally, self._ended = feed, intake, tally, ended
        self._connection = ""
        self._expected = 0
        self._acknowledged: dict[str, list[str]] = {}
        self._heard = 0.0  # when, by the loop's clock, the last frame came
        self._reason = ""  # why we ended a connection ourselves

    async def run(self) -> None:
        """Receive until told to end; UsageError where Coinbase refuses what was asked for."""
        _check_address(self._feed.url)
        attempts = 0
        while not self._ended():
            began = time.monotonic()
            try:
                connected = True
                async with await self._connected() as socket:
                    reason = await self._receive(socket)
            except (OSError, WebSocketException) as error:
                connected = False
                reason = f"{type(error).__name__}: {error}"
            if self._ended():
                return
            attempts = 1 if connected and time.monotonic() - began >= self._feed.pace.good else attempts + 1
            await self._pause(attempts, reason)

    async def _connected(self) -> ClientConnection:
        """Connect, for as long as it is wanted."""
        connecting = asyncio.ensure_future(self._connecting())
        while not connecting.done():
            await asyncio.wait({connecting}, timeout=LOOK_SECONDS)
            if self._ended():
                connecting.cancel()
        if connecting.cancelled():
            raise TimeoutError("told to end")
        return connecting.result()

    def _connecting(self) -> connect:
        return connect(
            self._feed.url,
            max_size=MOST_FRAME_BYTES,
            max_queue=_WAITING_FRAMES,
            compression=None,
            ping_interval=_PING_SECONDS,
            ping_timeout=None,  # what waits unread because the disk is slow also holds back the answers to pings
            close_timeout=_CLOSE_SECONDS,
            user_agent_header=f"market-data-availability/{version('market-data-availability')}",
        )

    async def _receive(self, socket: ClientConnection) -> str:
        """Take frames until the connection ends, and return why it did."""
        self._begin()
        watching = asyncio.create_task(self._watch(socket))
        try:
            for channel in dict.fromkeys((HEARTBEATS, *self._feed.channels)):
                await socket.send(self._subscription(channel))
            while True:
                self.take(await socket.recv(decode=False))
                if self._intake.full:
                    await self._room()
        except ConnectionClosed as error:
            reason = self._reason or str(error)
        finally:
            watching.cancel()
        if not self._ended():
            self._tally.breaks += 1
            self._note("break", reason=reason)
        return reason

    def _begin(self) -> None:
        self._connection = connection_id(time.time_ns())
        self._tally.connection = self._connection
        self._expected, self._acknowledged, self._reason = 0, {}, ""
        self._heard = time.monotonic()
        self._note("connected", url=self._feed.url)
        _log.info("connected", extra={"url": self._feed.url, "connection": self._connection})

    def _subscription(self, channel: str) -> str:
        message: dict[str, object] = {"type": "subscribe", "channel": channel}
        if channel != HEARTBEATS:
            message["product_ids"] = list(self._feed.products)
        if self._feed.token:
            message["jwt"] = self._feed.token
        return json.dumps(message)

    def take(self, frame: bytes) -> None:
        """Keep one frame; what it shows of losses goes before it, what it says to us after it."""
        moment = time.time_ns()
        line, head = wrap(frame, moment, self._connection)
        if head.sequence_num is not None:
            if head.sequence_num != self._expected:
                self._jump(head.sequence_num, moment)
            self._expected = max(self._expected, head.sequence_num + 1)
        self._intake.put(moment, line)
        self._heard = time.monotonic()
        self._tally.received += 1
        self._tally.received_bytes += len(frame)
        self._tally.last_frame = moment
        if head.channel == "subscriptions":
            self._acknowledge(frame)
        elif head.type == "error":
            self._error(frame)

    def _jump(self, got: int, moment: int) -> None:
        """Record that sequence numbers are missing; one that comes late or again is an error of the feed."""
        facts = {"expected": self._expected, "got": got}
        if got < self._expected:
            message = f"sequence_num {got} came where {self._expected} was expected"
            self._intake.put(moment, note("error", moment, self._connection, message=message))
            return
        lost = got - self._expected
        self._tally.jumps += 1
        self._tally.lost += lost
        self._intake.put(moment, note("loss", moment, self._connection, **facts, lost=lost))
        _log.warning("frames lost", extra={**facts, "lost": lost, "connection": self._connection})

    def _acknowledge(self, frame: bytes) -> None:
        """Record each channel that is subscribed to now, and products that are not though we asked for them."""
        for channel, products in subscriptions(frame).items():
            if channel in self._acknowledged:
                continue
            self._acknowledged[channel] = products
            self._note("subscribed", channel=channel, products=products)
            lacking = sorted(set(self._feed.products) - set(products))
            if lacking and channel != HEARTBEATS:
                self._note("error", message=f"{channel} is not subscribed to for {', '.join(lacking)}")
                _log.warning("products not subscribed to", extra={"channel": channel, "products": lacking})

    def _lacking(self) -> bool:
        """Tell whether something that was asked for is not acknowledged."""
        wanted = set(self._feed.products)
        return any(not wanted <= set(self._acknowledged.get(name, ())) for name in self._feed.channels)

    def _error(self, frame: bytes) -> None:
        """Record an error frame; one about what we asked for ends the capture."""
        said = parsed(frame)
        message = ": ".join(str(said[name]) for name in ("message", "reason") if said.get(name)) or repr(frame)
        message = message[:_SHOWN]
        self._note("error", message=message)
        if self._lacking() and _ABOUT_US.search(message):  # what was acknowledged in full is no longer refused
            raise UsageError(
                f"{self._feed.url} refuses the subscription: {message!r}. Asked for were the products"
                f" {', '.join(self._feed.products)} on the channels {', '.join(self._feed.channels)},"
                f" {'with' if self._feed.token else 'without'} a token."
            )
        _log.warning("error frame", extra={"message_of_feed": message, "connection": self._connection})

    async def _watch(self, socket: ClientConnection) -> None:
        """End a connection that is silent, or that is no longer wanted; say what is not acknowledged."""
        began, told = time.monotonic(), False
        while not self._ended():
            await asyncio.sleep(LOOK_SECONDS)
            silent = time.monotonic() - self._heard
            if silent >= self._feed.pace.silence and not self._tally.waiting:
                self._reason = f"no frame for {silent:.0f} s"
                break
            lacking = [name for name in self._feed.channels if name not in self._acknowledged]
            if lacking and not told and time.monotonic() - began > ACKNOWLEDGED_SECONDS:
                told = True
                self._note("error", message=f"not acknowledged: {', '.join(lacking)}")
                _log.warning("channels not acknowledged", extra={"channels": lacking})
        await socket.close()

    async def _room(self) -> None:
        """Receive nothing until what waits is written: the sender is held up, nothing is dropped."""
        began, told = time.monotonic(), False
        self._tally.waiting = True
        while self._intake.full and not self._ended():
            await asyncio.sleep(0.005)
            if not told and time.monotonic() - began > 1:
                told = True
                _log.warning("receiving waits", extra={"reason": self._tally.stalled or "the disk is slow"})
        self._tally.waiting = False
        self._heard = time.monotonic()

    async def _pause(self, attempts: int, reason: str) -> None:
        """Wait before the next attempt: twice as long each time, and not in step with other clients."""
        pace = self._feed.pace
        seconds = min(pace.first * 2.0 ** min(attempts - 1, 30), pace.longest) * random.uniform(0.5, 1)  # noqa: S311
        facts = {"reason": reason, "attempt": attempts, "seconds": round(seconds, 1)}
        _log.warning("not connected, trying again", extra=facts)
        for _ in range(int(seconds / LOOK_SECONDS) + 1):
            if not self._ended():
                await asyncio.sleep(min(LOOK_SECONDS, seconds))

    def _note(self, event: str, **facts: object) -> None:
        moment = time.time_ns()
        self._intake.put(moment, note(event, moment, self._connection, **facts))


def _check_address(url: str) -> None:
    try:
        parse_uri(url).host.encode("idna")
    except (InvalidURI, ValueError) as error:
        raise UsageError(
            f"{url} is no address of a WebSocket, such as wss://advanced-trade-ws.coinbase.com."
        ) from error
