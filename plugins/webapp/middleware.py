"""Around everything: refuse what is no question, and answer again from memory."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache
from datasette.utils.asgi import Request

from webapp import admission
from webapp.build import Build, today
from webapp.kept import OK, PASSED, App, Headers, Kept, Receive, Scope, Send, broken, keep, labels, reply, said
from webapp.refusals import Refusal, Said
from webapp.routing import refused
from webapp.swap import CHOSEN, Current

_MEMORY = 48_000_000  # bytes of answers kept; one of them takes at most a tenth
_WORTH_KEEPING = 1000  # bytes of an address at most: what is longer is asked once, and would fill the memory unseen


class State:
    """What the server remembers: the build it serves and the answers it gave of it."""

    def __init__(self, datasette: Any) -> None:
        """Start with nothing known."""
        self.datasette = datasette
        self.answers: LRUCache[tuple[Any, ...], Kept] = LRUCache(_MEMORY, getsizeof=Kept.size)
        self.current = Current(datasette)
        self.day = today()
        datasette.availability = self.current  # for /-/healthz

    def begin(self) -> Build:
        """Choose the file for a request, to its end, and return its build; OSError or sqlite3.Error where none is."""
        file, is_new = self.current.look()
        if is_new or self.day != today():  # some pages tell how old things are
            self.answers.clear()
            self.day = today()
        CHOSEN.set(file)
        return file.build


def around(datasette: Any) -> Callable[[App], App]:
    """Return what Datasette wraps around its application."""
    state = State(datasette)

    def wrap(app: App) -> App:
        async def site(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                # A line for each request costs a third of the speed and keeps addresses of readers: none is written.
                logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
                await app(scope, receive, send)
            else:
                await _serve(state, app, scope, receive, send)

        return site

    return wrap


async def _serve(state: State, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        build = state.begin()
    except (OSError, ValueError, sqlite3.Error) as error:  # gone, no database, or none of ours
        await reply(broken(str(error)), scope, send)
        return
    request = Request(scope, receive)
    key = (build.build_id, state.day, scope.get("raw_path"), scope["query_string"], request.host, request.scheme)
    kept = state.answers.get(key) if scope["method"] in admission.READING else None
    if kept is None and _bypassed(request):
        await _labelled(state, build, app, scope, receive, send)
        return
    if kept is None:
        kept = await _fresh(state, app, scope, receive, build)
        asked = len(scope.get("raw_path") or b"") + len(scope["query_string"]) + len(request.host)
        if kept.status == OK and kept.size() < _MEMORY // 10 and asked < _WORTH_KEEPING:
            state.answers[key] = kept
    await reply(kept, scope, send)


def _bypassed(request: Request) -> bool:
    """Tell whether an answer is too large to be held, a download or a stream, or of this moment only."""
    whole_table = (
        request.path.endswith(".csv") and not admission.is_api(request.path) and "_next=" not in request.query_string
    )
    return request.path.endswith(".db") or whole_table or request.path.startswith("/-/health")


def _question(scope: Scope, receive: Receive) -> Request:
    """Return a request that a page of ours can be rendered for: Datasette's templates look for a token of forms."""
    return Request(dict(scope, method="GET", csrftoken=str), receive)


async def _fresh(state: State, app: App, scope: Scope, receive: Receive, build: Build) -> Kept:
    try:
        await admission.check(state.datasette, _question(scope, receive), scope["method"])
    except Refusal as refusal:
        return await _refused(state, _question(scope, receive), refusal, build)
    status, headers, body = await _gathered(app, dict(scope, method="GET"), receive)
    return keep(status, headers, body, build)


async def _refused(state: State, request: Request, refusal: Refusal, build: Build) -> Kept:
    """Say a refusal in the form that the address asks for."""
    response = await refused(state.datasette, request, refusal)
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    headers = tuple((str(name), str(value)) for name, value in response.headers.items())
    return said(Said(body, response.content_type, response.status, headers), build)


async def _gathered(app: App, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
    """Let the application answer, and hold the answer."""
    parts: list[bytes] = []
    started: dict[str, Any] = {}

    async def hold(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, hold)
    return started["status"], list(started["headers"]), b"".join(parts)


async def _labelled(state: State, build: Build, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a download or a stream through as it comes, with the labels of every answer."""
    request = _question(scope, receive)
    try:
        await admission.check(state.datasette, request, scope["method"])
        if request.path.endswith(".db"):
            state.current.insist()
    except Refusal as refusal:
        await reply(await _refused(state, request, refusal, build), scope, send)
        return

    async def label(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [pair for pair in message["headers"] if pair[0].lower() in PASSED]
            message = dict(message, headers=[*own, *labels(build, b"no-cache")])
        await send(message)

    scope = dict(scope, query_string=_whole(request).encode())
    answering = asyncio.ensure_future(app(scope, receive, label))
    leaving = asyncio.ensure_future(_gone(receive))
    try:  # Datasette would go on with a stream that nobody reads
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            await answering
    finally:
        answering.cancel()
        leaving.cancel()


def _whole(request: Request) -> str:
    """Return the question for a table's CSV as a stream of all rows: without that Datasette gives the first hundred."""
    if not request.path.endswith(".csv"):
        return str(request.query_string)
    pairs = [pair for pair in request.query_string.split("&") if pair and not pair.startswith(("_stream=", "_size="))]
    return "&".join([*pairs, "_stream=on", "_size=max"])


async def _gone(receive: Receive) -> None:
    """Wait until the reader has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
