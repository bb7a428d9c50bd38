"""The HTTP server: one event loop, hand-read HTTP/1.1 with keep-alive, every answer written in one go."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import formatdate
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from etl.replica.bucket import Bucket
from etl.replica.control import Settings, State, control
from etl.replica.faults import Fault, FaultScript
from etl.replica.pages import BUCKET_NAME
from etl.replica.replies import Reply, Responder, read_target
from etl.replica.universe import StrayKey, SymbolFacts, read_universe

HOST: Final = "127.0.0.1"
HEAD_END: Final = b"\r\n\r\n"
LONGEST_HEAD: Final = 1 << 16
SEND_BUFFER: Final = 1 << 20  # a page is 300 kB: with room for it the kernel takes it in one call
RESET: Final = struct.pack("ii", 1, 0)  # linger on, zero seconds: closing sends RST
CONTROL: Final = b"/-/"


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    value = rest.split(b"\r\n", 1)[0].strip()
    return int(value) if found and value.isdigit() else 0


def _wants_close(head: bytes) -> bool:
    return b"\r\nconnection: close" in head.lower() or head.split(b"\r\n", 1)[0].endswith(b"HTTP/1.0")


class Connection(asyncio.Protocol):
    """One client's connection: requests are answered one after another, in order."""

    def __init__(self, state: State, responder: Responder) -> None:
        """Answer from the server's state."""
        self._state, self._responder = state, responder
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Prepare the socket for large answers without delay."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"not a stream transport: {transport!r}")
        self._transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; a delayed answer to it is dropped."""
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take in bytes and answer every whole request among them."""
        self._buffer += data
        self._work()

    def _work(self) -> None:
        while not self._busy and self._transport is not None:
            head, found, rest = self._buffer.partition(HEAD_END)
            if not found:
                if len(head) > LONGEST_HEAD:
                    self._transport.abort()
                return
            length = _length(head) if not head.startswith((b"GET ", b"HEAD ")) else 0
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # noqa: PLR2004 - method, target, version
            self._send(self._responder.bad("BadRequest", "This is not HTTP/1.1")._replace(close=True), with_body=True)
            return
        method, target, settings = words[0].decode("latin-1"), words[1], self._state.settings
        if target.startswith(CONTROL):
            self._send(control(self._state, method, target.decode("latin-1"), body), with_body=True)
            return
        reply = self._counted(method, target)
        if _wants_close(head):
            reply = reply._replace(close=True)
        delay = settings.latency + reply.delay
        if delay:
            self._busy = True
            asyncio.get_running_loop().call_later(delay, self._send_late, reply, method)
        else:
            self._send(reply, with_body=method != "HEAD")

    def _counted(self, method: str, target: bytes) -> Reply:
        settings, kind, fault = self._state.settings, None, None
        if method in {"GET", "HEAD"}:
            request = read_target(method, target)
            if request is None:
                reply = self._responder.denied()
            else:
                kind, fault = request.method, settings.faults.strike(request.method, request.subject)
                reply = self._responder.reply(request, fault)
        else:
            reply = self._responder.bad(
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
                HTTPStatus.METHOD_NOT_ALLOWED,
            )
        settings.counts.add(kind, reply.status, faulty=fault is not None)
        return reply

    def _send_late(self, reply: Reply, method: str) -> None:
        self._busy = False
        self._send(reply, with_body=method != "HEAD")
        self._work()

    def _send(self, reply: Reply, *, with_body: bool) -> None:
        if self._transport is None:
            return
        if reply.reset:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort()
            return
        length = len(reply.body) if reply.announced is None else reply.announced
        head = (
            f"HTTP/1.1 {reply.status} {_phrase(reply.status)}\r\n"
            f"Server: AmazonS3\r\nDate: {formatdate(self._state.bucket.now(), usegmt=True)}\r\n{reply.headers}"
            f"Content-Type: {reply.content_type}\r\nContent-Length: {length}\r\n"
            f"{'Connection: close' if reply.close else 'Connection: keep-alive'}\r\n\r\n"
        ).encode("latin-1")
        body = reply.body if reply.sent is None else reply.body[: reply.sent]
        self._transport.write(head + body if with_body else head)
        if reply.close:
            self._transport.close()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


async def start(state: State, port: int) -> asyncio.Server:
    """Listen on a port of 127.0.0.1 (0 = any free one); OSError when it is taken."""
    responder = Responder(state.bucket)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(state, responder), HOST, port, backlog=1024)


def port_of(server: asyncio.Server) -> int:
    """The port a server listens on."""
    return int(server.sockets[0].getsockname()[1])


class ReplicaError(Exception):
    """A control request was refused; the message is the replica's sentence."""


class Replica:
    """Handle of a running replica: its addresses, and its control over HTTP."""

    def __init__(self, port: int) -> None:
        """Talk to the replica on this port of 127.0.0.1."""
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.listing_url = f"{self.url}/{BUCKET_NAME}"
        self.files_url = self.url

    def control(self, method: str, path: str, payload: object = None) -> dict[str, Any]:
        """Send a control request; its JSON answer, or ReplicaError."""
        connection = HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, path, None if method == "GET" else json.dumps(payload).encode())
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise ReplicaError(answer["error"])
        return answer

    def stats(self) -> dict[str, Any]:
        """Counts since the start or the last reset."""
        return self.control("GET", "/-/stats")

    def reset_stats(self) -> None:
        """Count from zero again."""
        self.control("POST", "/-/stats/reset")

    def edit(self, action: str, **fields: object) -> None:
        """Change the bucket: one action with its fields, as `POST /-/edit` takes them (days and instants as text)."""
        self.control("POST", "/-/edit", {"action": action, **fields})

    def edits(self, edits: Sequence[dict[str, object]]) -> None:
        """Change the bucket in several steps."""
        self.control("POST", "/-/edit", list(edits))

    def set_now(self, now: datetime | str | None) -> None:
        """Fix the instant (aware datetime or ISO text), or let the clock run (None)."""
        self.control("POST", "/-/now", {"now": now.isoformat() if isinstance(now, datetime) else now})

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Replace the fault script."""
        self.control("POST", "/-/faults", [fault._asdict() for fault in faults])

    def set_latency(self, milliseconds: float) -> None:
        """Delay every answer."""
        self.control("POST", "/-/latency", {"latency_ms": milliseconds})


def _serve(state: State, ready: "list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]]", up: threading.Event) -> None:
    """Run a server on this thread until its event is set."""

    async def run() -> None:
        server = await start(state, 0)
        stop = asyncio.Event()
        ready.append((asyncio.get_running_loop(), stop, port_of(server)))
        up.set()
        await stop.wait()
        server.close()

    asyncio.run(run())


@contextmanager
def running(
    universe: Iterable[SymbolFacts] | Path,
    *,
    strays: Iterable[StrayKey] = (),
    now: datetime | None = None,
    latency_ms: float = 0,
    faults: Iterable[Fault] = (),
) -> Iterator[Replica]:
    """A replica on a free port, in a thread of this process, for as long as the block lasts."""
    rows = read_universe(universe) if isinstance(universe, Path) else universe
    state = State(Bucket(rows, strays, now), Settings(latency_ms / 1000, FaultScript(list(faults))))
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    up = threading.Event()
    thread = threading.Thread(target=_serve, args=(state, ready, up), name="replica", daemon=True)
    thread.start()
    up.wait()
    loop, stop, port = ready[0]
    try:
        yield Replica(port)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
