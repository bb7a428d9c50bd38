"""Start and stop the replica: in an event loop, or in a thread of the caller's process with a handle on it."""

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from etl.replica.bucket import Bucket
from etl.replica.connection import Connection
from etl.replica.control import Settings, State
from etl.replica.faults import Fault, FaultScript
from etl.replica.pages import BUCKET_NAME
from etl.replica.replies import Responder
from etl.replica.universe import StrayKey, SymbolFacts, read_universe

HOST: Final = "127.0.0.1"


class Listener:
    """A listening server and the connections it holds."""

    def __init__(self, server: asyncio.Server, connections: set[Connection]) -> None:
        """Hold a started server."""
        self._server, self._connections = server, connections
        self.port = int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self._server.close()
        for connection in list(self._connections):
            connection.drop()


async def start(state: State, port: int) -> Listener:
    """Listen on a port of 127.0.0.1 (0 = any free one); OSError when it is taken."""
    responder, connections = Responder(state.bucket), set[Connection]()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(state, responder, connections), HOST, port, backlog=1024
    )
    return Listener(server, connections)


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
        self.control("POST", "/-/faults", [asdict(fault) for fault in faults])

    def set_latency(self, milliseconds: float) -> None:
        """Delay every answer."""
        self.control("POST", "/-/latency", {"latency_ms": milliseconds})


class _Thread(threading.Thread):
    """Runs a server on its own event loop until told to stop."""

    def __init__(self, state: State) -> None:
        super().__init__(name="replica", daemon=True)
        self.up = threading.Event()
        self.port: int | None = None
        self._state = state
        self._loop = asyncio.new_event_loop()
        self._stop_now = asyncio.Event()

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            self.up.set()

    async def _serve(self) -> None:
        listener = await start(self._state, 0)
        self.port = listener.port
        self.up.set()
        await self._stop_now.wait()
        listener.close()
        await asyncio.sleep(0)  # the dropped connections close their sockets in the loop's next turn

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop_now.set)
        self.join()


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
    thread = _Thread(state)
    thread.start()
    thread.up.wait()
    if thread.port is None:
        raise ReplicaError("the replica did not start; its thread printed why")
    try:
        yield Replica(thread.port)
    finally:
        thread.stop()
