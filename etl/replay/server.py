"""Start and stop the replay: in an event loop, or in a thread of the caller's process with a handle on it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from websockets.asyncio.server import ServerConnection, serve

from etl.replay.faults import Fault
from etl.replay.recording import read_recording
from etl.replay.session import Play, Session

HOST: Final = "127.0.0.1"


class Replay(NamedTuple):
    """Handle of a running replay: its address, and the texts that each connection was sent."""

    url: str
    sent: list[list[bytes]]


@asynccontextmanager
async def serving(play: Play, port: int) -> AsyncIterator[str]:
    """Listen on a port of 127.0.0.1 (0 = any free one) and give the address; OSError when it is taken."""

    async def handle(connection: ServerConnection) -> None:
        await Session(connection, play).run()

    async with serve(handle, HOST, port, compression=None, ping_interval=None, close_timeout=1) as server:
        yield f"ws://{HOST}:{next(iter(server.sockets)).getsockname()[1]}"


@contextmanager
def running(
    recording: Path,
    *,
    speed: float = 0,
    repeat: int = 1,
    faults: Iterable[Fault] = (),
    port: int = 0,
    channels: int = 1,
) -> Iterator[Replay]:
    """A replay on a free port, in a thread of this process, for as long as the block lasts.

    On each connection the updates begin when ``channels`` are subscribed to.
    """
    sent: list[list[bytes]] = []
    play = Play(read_recording(recording), speed, repeat, list(faults), sent, channels)
    loop, stop, url, up = asyncio.new_event_loop(), asyncio.Event(), list[str](), threading.Event()

    async def body() -> None:
        async with serving(play, port) as address:
            url.append(address)
            up.set()
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(body())
        finally:
            up.set()

    thread = threading.Thread(target=run, name="replay", daemon=True)
    thread.start()
    up.wait()
    if not url:
        raise OSError(f"the replay cannot listen on {HOST}:{port}; its thread printed why")
    try:
        yield Replay(url[0], sent)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
