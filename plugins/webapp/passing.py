"""What passes through as it comes, too large to be held: downloads and streams."""

import asyncio
from typing import Any

from webapp.build import Build
from webapp.kept import OK, App, Headers, Receive, Scope, passed
from webapp.refusals import MARK
from webapp.sending import Send, patiently

_ERROR = 400
_MARK = (MARK[0].encode(), MARK[1].encode())


def is_error_of_datasette(status: int, headers: Headers) -> bool:
    """Tell an error for which we have no words yet."""
    return status >= _ERROR and _MARK not in headers


class Passing:
    """One answer on its way, labelled; an error of Datasette's own is held back, to be said in our words."""

    def __init__(self, build: Build, send: Send, *, is_head: bool) -> None:
        """Prepare to send; for a HEAD only what stands before the body."""
        self.build, self.is_head, self._send = build, is_head, send
        self.status = OK
        self.error: bytes | None = None
        self._is_enough = asyncio.Event()

    async def through(self, app: App, scope: Scope, receive: Receive) -> None:
        """Let the application answer while somebody reads: Datasette would go on with a stream that nobody does."""
        answering = asyncio.ensure_future(app(scope, receive, self._label))
        ends = [asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(self._is_enough.wait())]
        try:
            await asyncio.wait({answering, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                await answering
        finally:
            for each in (answering, *ends):
                each.cancel()

    async def _label(self, message: dict[str, Any]) -> None:
        if message["type"] != "http.response.start":
            await self._body(message)
            return
        self.status = message["status"]
        if is_error_of_datasette(self.status, message["headers"]):
            self.error = b""
            return
        await self._send(dict(message, headers=passed(message["headers"], self.build)))
        if self.is_head:
            await self._send({"type": "http.response.body", "body": b""})
            self._is_enough.set()

    async def _body(self, message: dict[str, Any]) -> None:
        if self.error is not None:
            self.error += message.get("body", b"")
        elif not self.is_head and not await patiently(message, self._send):
            self._is_enough.set()
            await asyncio.sleep(0)  # then it ends here


async def _gone(receive: Receive) -> None:
    """Wait until the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
