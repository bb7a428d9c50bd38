"""Around everything: refuse what is no question, compute each answer once, and answer again from memory."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from time import perf_counter
from typing import Any

from cachetools import LRUCache
from datasette.utils.asgi import Request

from webapp import address, admission, tables
from webapp.build import DATABASE, Build, today
from webapp.directory import DATA, family
from webapp.kept import OK, App, Headers, Kept, Receive, Scope, broken, keep, preflight, reply, said
from webapp.passing import Passing, is_error_of_datasette
from webapp.refusals import Refusal, Said, as_text, for_program, instead_of
from webapp.routing import refused
from webapp.sending import Send
from webapp.swap import CHOSEN, Current
from webapp.tally import Tally

_MEMORY = 48_000_000  # bytes of answers kept; one of them takes at most a tenth
_WORTH_KEEPING = 1000  # bytes of an address at most: what is longer is asked once, and would fill the memory unseen
_INTERNAL_ERROR = 500
_AT_ONCE = 40  # answers under way: whoever comes after them would wait longer than anybody does
_DATA_AT_ONCE = 32  # of them JSON and CSV, which may be long: the pages go past them
_DATA_MADE = 2  # at a time, for each may take 50 MB until it is compressed
_STREAMS = 2  # at a time, for each holds a page of 50,000 rows
_WHOLE = ("_stream=on", "_size=max", "_dl=on")
_BUSY = Refusal(503, "busy", "Too many questions are being answered at this moment: ask again in a second.")
Key = tuple[Any, ...]


class State:
    """What the server remembers: the build it serves, the answers it gave of it, and what it did."""

    def __init__(self, datasette: Any) -> None:
        """Start with nothing known."""
        self.datasette = datasette
        self.answers: LRUCache[Key, Kept] = LRUCache(_MEMORY, getsizeof=Kept.size)
        self.under_way: dict[Key, asyncio.Task[Kept]] = {}
        self.room = asyncio.Semaphore(_DATA_MADE)
        self.streams = 0
        self.current = Current(datasette)
        self.public = address.public()
        self.tally = Tally()
        self.day = today()
        datasette.availability = self  # for /-/healthz and /-/metrics

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
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})  # before it is accepted: 403
                return
            if scope["type"] != "http":
                # A line for each request costs a third of the speed and keeps addresses of readers: none is written.
                logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
                await app(scope, receive, send)
                return
            began, kind, status = perf_counter(), "other", _INTERNAL_ERROR
            try:
                kind, status = await _serve(state, app, scope, receive, send)
            finally:
                state.tally.add(kind, status, perf_counter() - began)

        return site

    return wrap


async def _serve(state: State, app: App, scope: Scope, receive: Receive, send: Send) -> tuple[str, int]:
    """Answer, and return of what family the address was and the status."""
    try:
        build = state.begin()
    except (OSError, ValueError, sqlite3.Error) as error:  # gone, no database, or none of ours
        return "other", await reply(broken(getattr(error, "strerror", None) or str(error)), scope, send)
    if scope["method"] == "OPTIONS":
        return "preflight", await reply(preflight(build), scope, send)
    origin, path = state.public or address.told_by(scope), address.path_of(scope)
    key = (build.build_id, state.day, path, scope["query_string"], origin)
    kept = state.answers.get(key) if scope["method"] in admission.READING else None
    if kept is not None:
        state.tally.remembered += 1
        return kept.family, await reply(kept, scope, send)
    scope = address.placed(scope, origin, path)
    request = _question(scope)
    kind = family(request.path)
    if not address.is_host(origin.host):
        wrong = Refusal(400, "bad_parameter", "The Host header names no host.")
        nowhere = _question(address.placed(scope, origin._replace(host=b"localhost"), path))
        return kind, await reply(await _refused(state, nowhere, wrong, build), scope, send)
    if await _is_bypassed(state, request):
        return kind, await _passed_on(state, build, app, scope, receive, send)
    kept = await _shared(state, app, scope, build, key)
    return kind, await reply(kept, scope, send)


def _is_whole_table(request: Request) -> bool:
    """Tell a table as CSV, all of it, from an answer and from one page of a table."""
    path, query = request.path, request.query_string
    return path.endswith(".csv") and not admission.is_api(path) and "_next=" not in query


async def _is_bypassed(state: State, request: Request) -> bool:
    """Tell whether an answer is too large to be held, a download or a stream, or of this moment only."""
    if not _is_whole_table(request):
        return bool(request.path.endswith(".db") or request.path.startswith(("/-/health", "/-/metrics")))
    served = state.datasette.get_database(DATABASE)
    return bool(await served.execute_fn(lambda con: tables.is_long(request.path, con)))


async def _passed_on(state: State, build: Build, app: App, scope: Scope, receive: Receive, send: Send) -> int:
    """Pass an answer through as it comes; of streams only so many."""
    if not _question(scope).path.endswith(".csv"):
        return await _labelled(state, build, app, scope, receive, send)
    if state.streams >= _STREAMS:
        return await reply(said(as_text(_BUSY), build), scope, send)
    state.streams += 1
    try:
        return await _labelled(state, build, app, scope, receive, send)
    finally:
        state.streams -= 1


async def _shared(state: State, app: App, scope: Scope, build: Build, key: Key) -> Kept:
    """Compute an answer once for all who ask for it meanwhile; it is finished even if they leave."""
    if scope["method"] not in admission.READING:
        return await _fresh(state, app, scope, build)
    task = state.under_way.get(key)
    kind = family(scope["raw_path"].decode("latin-1"))
    if task is None and len(state.under_way) >= (_DATA_AT_ONCE if kind == DATA else _AT_ONCE):
        return said(for_program(_question(scope).path, _BUSY) or as_text(_BUSY), build)
    if task is None:
        state.tally.computed += 1
        task = asyncio.create_task(_remembered(state, app, scope, build, key))
        state.under_way[key] = task
        task.add_done_callback(lambda _: state.under_way.pop(key, None))
    else:
        state.tally.shared += 1
    return await asyncio.shield(task)


async def _remembered(state: State, app: App, scope: Scope, build: Build, key: Key) -> Kept:
    kind = family(scope["raw_path"].decode("latin-1"))
    async with state.room if kind == DATA else nullcontext():
        kept = await _fresh(state, app, scope, build)
        await kept.shrink()
    kept.family = kind
    length = len(scope["raw_path"]) + len(scope["query_string"]) + len(key[-1].host)
    is_newest = state.current.file is not None and state.current.file.build == build
    if kept.status == OK and kept.size() < _MEMORY // 10 and length < _WORTH_KEEPING and is_newest:
        state.answers[key] = kept
    return kept


async def _nothing() -> dict[str, Any]:
    """Return the body of a question: there is none."""
    return {"type": "http.request", "body": b"", "more_body": False}


def _question(scope: Scope) -> Request:
    """Return a request that a page of ours can be rendered for: Datasette's templates look for a token of forms."""
    return Request(dict(scope, method="GET", csrftoken=str), _nothing)


async def _fresh(state: State, app: App, scope: Scope, build: Build) -> Kept:
    request = _question(scope)
    try:
        await admission.check(state.datasette, request, scope["method"])
    except Refusal as refusal:
        moved = await admission.without_slash(state.datasette, request)
        return said(moved, build) if moved else await _refused(state, request, refusal, build)
    status, headers, body = await _gathered(app, dict(scope, method="GET", query_string=_whole(request).encode()))
    if _needs_words(request, status, headers):
        return await _refused(state, request, instead_of(status, request.path, body), build)
    return keep(status, headers, body, build)


def _needs_words(request: Request, status: int, headers: Headers) -> bool:
    """Tell an error of Datasette's own; its page of somebody's own SQL has the form to mend it, and stays."""
    return is_error_of_datasette(status, headers) and request.path != f"/{DATABASE}"


async def _refused(state: State, request: Request, refusal: Refusal, build: Build) -> Kept:
    """Say a refusal in the form that the address asks for."""
    response = await refused(state.datasette, request, refusal)
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    headers = tuple((str(name), str(value)) for name, value in response.headers.items())
    return said(Said(body, response.content_type, response.status, headers), build)


async def _gathered(app: App, scope: Scope) -> tuple[int, Headers, bytes]:
    """Let the application answer, and hold the answer."""
    parts: list[bytes] = []
    started: dict[str, Any] = {}

    async def hold(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, _nothing, hold)
    return started["status"], list(started["headers"]), b"".join(parts)


async def _labelled(state: State, build: Build, app: App, scope: Scope, receive: Receive, send: Send) -> int:
    """Pass a download or a stream through as it comes, with the labels of every answer; return the status."""
    request = _question(scope)
    try:
        await admission.check(state.datasette, request, scope["method"])
        if request.path.endswith(".db"):
            state.current.insist()
    except Refusal as refusal:
        return await reply(await _refused(state, request, refusal, build), scope, send)
    passing = Passing(build, send, is_head=scope["method"] == "HEAD")
    await passing.through(app, dict(scope, method="GET", query_string=_whole(request).encode()), receive)
    if passing.error is not None:
        wrong = instead_of(passing.status, request.path, passing.error)
        return await reply(await _refused(state, request, wrong, build), scope, send)
    return passing.status


def _whole(request: Request) -> str:
    """Return the question for a table's CSV as a stream of all rows, and as a file: else it is a hundred, as text."""
    pairs = [pair for pair in request.query_string.split("&") if pair]
    if not request.path.endswith(".csv") or admission.is_api(request.path):
        return str(request.query_string)
    if not _is_whole_table(request):
        return "&".join([*pairs, "_dl=on"])
    return "&".join([*(pair for pair in pairs if not pair.startswith(("_stream=", "_size="))), *_WHOLE])
