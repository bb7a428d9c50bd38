"""A client that costs little: the same request over kept connections, as fast as the answers come."""

import asyncio
import re
from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import uvloop


class Load(NamedTuple):
    """What some connections got in some seconds."""

    requests: int
    seconds: float
    p99_ms: float
    failures: int  # answers that were no 200


class Reader(asyncio.Protocol):
    """One connection: counts the bytes of each answer by its Content-Length, then asks for the next address."""

    def __init__(self, questions: Sequence[bytes], until: float, took: list[float]) -> None:
        """Ask the questions in turn until the time is over; answers' seconds go to ``took``."""
        self.questions, self.until, self.took = questions, until, took
        self.asked = self.failures = 0
        self.left, self.head, self.began = 0, b"", 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._ask()

    def _ask(self) -> None:
        self.began = perf_counter()
        if self.began > self.until:
            self.transport.close()
            return
        self.transport.write(self.questions[self.asked % len(self.questions)])
        self.asked += 1

    def data_received(self, data: bytes) -> None:
        """Read an answer, however it is cut."""
        if self.left:
            self.left -= len(data)
        else:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = re.search(rb"\r\ncontent-length: (\d+)", self.head[:end], re.IGNORECASE)
            if length is None:  # Datasette's own answers come in chunks
                if not self.head.endswith(b"\r\n0\r\n\r\n"):
                    return
                length = re.match(rb"(\d+)", str(len(self.head) - end - 4).encode())
                assert length
            self.failures += not self.head.startswith(b"HTTP/1.1 200")
            self.left = int(length[1]) - (len(self.head) - end - 4)
            self.head = b""
        if not self.left:
            self.took.append(perf_counter() - self.began)
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is over; a connection that breaks is a failure."""
        self.failures += exc is not None
        self.done.set_result(None)


def load(urls: Sequence[str], seconds: float, connections: int = 8) -> Load:
    """Ask for addresses in turn over some connections; meant for a process of its own."""
    took: list[float] = []

    async def all_of_them() -> list[Reader]:
        place = urlsplit(urls[0])
        head = f" HTTP/1.1\r\nHost: {place.netloc}\r\nAccept-Encoding: gzip\r\n\r\n"
        questions = [f"GET {url.removeprefix(f'{place.scheme}://{place.netloc}')}{head}".encode() for url in urls]
        until, loop = perf_counter() + seconds, asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Reader(questions, until, took), place.hostname, place.port)
            for _ in range(connections)
        ]
        await asyncio.wait_for(asyncio.gather(*(reader.done for _, reader in made)), seconds + 60)
        return [reader for _, reader in made]

    began = perf_counter()
    readers = uvloop.run(all_of_them())
    worst = sorted(took)[int(len(took) * 0.99)] * 1000
    return Load(len(took), perf_counter() - began, worst, sum(reader.failures for reader in readers))
