"""One client's connection: hand-read HTTP/1.1 with keep-alive, every answer written in one go."""

import asyncio
import socket
import struct
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from etl.replica.control import State, control
from etl.replica.replies import Reply, Responder, read_target

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

    def __init__(self, state: State, responder: Responder, connections: "set[Connection]") -> None:
        """Answer from the server's state; stand in `connections` while open."""
        self._state, self._responder, self._connections = state, responder, connections
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Prepare the socket for large answers without delay."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"not a stream transport: {transport!r}")
        self._transport = transport
        self._connections.add(self)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; a delayed answer to it is dropped."""
        del exc
        self._transport = None
        self._connections.discard(self)

    def drop(self) -> None:
        """Close without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

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
