"""Around everything: refuse what is no question, answer again from memory, compress, and label each answer."""

import asyncio
import gzip
import hashlib
import json
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

from cachetools import LRUCache
from datasette.utils.asgi import Request

from webapp import tables
from webapp.build import DATABASE, Build, today
from webapp.declared import declared
from webapp.questions import question
from webapp.refusals import Refusal, Said
from webapp.routing import POLICY, all_pages, refused
from webapp.swap import CHOSEN, Current

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_MEMORY = 48_000_000  # bytes of answers kept; one of them takes at most a tenth
_WORTH_COMPRESSING = 600  # bytes
_WORTH_KEEPING = 1000  # bytes of an address at most: what is longer is asked once, and would fill the memory unseen
_GZIP = re.compile(rb"(?:^|,)\s*gzip\s*(?!;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)
_READING = ("GET", "HEAD")
_SECONDS = 60  # that a reader may keep an answer before asking whether there is another build
_OK, _NO_CONTENT, _NOT_MODIFIED, _NOT_ALLOWED = 200, 204, 304, 405
_KEPT = (b"content-type", b"location", b"link", b"content-disposition", b"content-security-policy", b"allow")
_PASSED = (*_KEPT, b"content-length", b"etag")  # of a download; what it says of its transfer is the server's to say
_TEXTUAL = re.compile(rb"text/|application/(json|x-ndjson|xml|atom\+xml|javascript|openapi)|image/svg")
_SYSTEM = re.compile(r"/-/(healthz|(versions|plugins|settings|metadata|databases)(\.json)?)")
_PLAIN = ("/", "/.json", "/favicon.ico", *(f"/{DATABASE}{suffix}" for suffix in ("", ".json", ".csv", ".db")))
_FILES = re.compile(r"/static/[\w.-]+|/-/static/[\w.-]+|/-/static-plugins/[\w-]+/[\w.-]+", re.ASCII)
# The explorer (datasette-vega) compiles its charts and styles them in place.
_EXPLORER = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "script-src 'self'; img-src", "script-src 'self' 'unsafe-eval'; img-src blob:"
)
_EXPOSED = (
    b"Availability-Build",
    b"Availability-Built-At",
    b"Availability-Rows",
    b"Availability-Truncated",
    b"Availability-Total-Rows",
    b"Availability-Total-File-Size-Bytes",
    b"ETag",
    b"Link",
)
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b", ".join(_EXPOSED)),
]


class Kept:
    """An answer as it was given; it is compressed when the first reader asks for that."""

    def __init__(self, status: int, headers: Headers, etag: bytes, body: bytes, *, pays: bool) -> None:
        """Keep it; ``pays`` says that compression is worth its time."""
        self.status, self.headers, self.etag, self.body = status, headers, etag, body
        self.pays = pays
        self.packed = b""

    def size(self) -> int:
        """Bytes that it takes in memory at most, its compressed form included."""
        return len(self.body) * (2 if self.pays else 1) + 2000

    async def compressed(self) -> bytes:
        """Return the gzip form; zlib works beside the serving loop."""
        if not self.packed:
            pack = partial(gzip.compress, self.body, 5, mtime=0)
            self.packed = await asyncio.get_running_loop().run_in_executor(None, pack)
        return self.packed


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
        await _reply(_broken(str(error)), scope, send)
        return
    request = Request(scope, receive)
    key = (build.build_id, state.day, scope.get("raw_path"), scope["query_string"], request.host, request.scheme)
    kept = state.answers.get(key) if scope["method"] in _READING else None
    if kept is None and _bypassed(request):
        await _labelled(state, build, app, scope, receive, send)
        return
    if kept is None:
        kept = await _fresh(state, app, scope, receive, build)
        asked = len(scope.get("raw_path") or b"") + len(scope["query_string"]) + len(request.host)
        if kept.status == _OK and kept.size() < _MEMORY // 10 and asked < _WORTH_KEEPING:
            state.answers[key] = kept
    await _reply(kept, scope, send)


def _broken(cause: str) -> Kept:
    """Return what every address says while the published file cannot be read."""
    told = {"ok": False, "error": "The published file cannot be read.", "status": 503, "case": "broken", "cause": cause}
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store"), *_ALWAYS]
    return Kept(503, headers, b"", json.dumps(told).encode(), pays=False)


def _bypassed(request: Request) -> bool:
    """Tell whether an answer is too large to be held, a download or a stream, or of this moment only."""
    whole_table = request.path.endswith(".csv") and not _api(request.path) and "_next=" not in request.query_string
    return request.path.endswith(".db") or whole_table or request.path.startswith("/-/health")


def _question(scope: Scope, receive: Receive) -> Request:
    """Return a request that a page of ours can be rendered for: Datasette's templates look for a token of forms."""
    return Request(dict(scope, method="GET", csrftoken=str), receive)


async def _fresh(state: State, app: App, scope: Scope, receive: Receive, build: Build) -> Kept:
    request = _question(scope, receive)
    try:
        await _check(state.datasette, request, scope["method"])
    except Refusal as refusal:
        said = await _said(state.datasette, request, refusal)
        headers = [(b"content-type", said.content_type.encode()), *_pairs(said.headers)]
        return _keep(said.status, headers, said.body, build)
    status, headers, body = await _gathered(app, dict(scope, method="GET"), receive)
    return _keep(status, headers, body, build)


def _pairs(headers: tuple[tuple[str, str], ...]) -> Headers:
    return [(name.lower().encode(), value.encode()) for name, value in headers]


async def _check(datasette: Any, request: Request, method: str) -> None:
    """Raise a Refusal where the question is none; pages and the API check their own parameters."""
    if method not in _READING:
        raise Refusal(405, "method_not_allowed", f"{method} is not answered here, GET and HEAD are.")
    try:
        path = unquote(request.path, errors="strict")
    except UnicodeDecodeError as error:
        raise Refusal(400, "bad_parameter", "The address is not percent-encoded UTF-8.") from error
    if any(ord(letter) < ord(" ") for letter in path):
        raise Refusal(400, "bad_parameter", "The address holds a control character.")
    if _ours(request.path) or _FILES.fullmatch(request.path) or _SYSTEM.fullmatch(request.path):
        return
    if request.path in _PLAIN:
        if re.search(r"(^|&)sql=", request.query_string):
            if datasette.setting("default_allow_sql"):
                return
            raise Refusal(403, "sql_is_off", "Only the canned queries and the filters of tables are answered.")
        if request.query_string:
            raise Refusal(400, "unknown_parameter", "This address takes no parameters.")
        if request.path.endswith(".csv"):
            raise Refusal(404, "not_found", "The whole is one SQLite file, a CSV is of a question or a table.")
        return
    await datasette.get_database(DATABASE).execute_fn(lambda con: _check_data(datasette, request, con))


def _ours(path: str) -> bool:
    return any(re.match(route.pattern, path) for route in all_pages()) or bool(_api(path))


def _api(path: str) -> re.Match[str] | None:
    found = re.fullmatch(rf"/{DATABASE}/(?P<name>[a-z_]+)\.(json|ndjson|csv|txt|aria2)", path)
    return found if found and question(found["name"]) else None


def _check_data(datasette: Any, request: Request, con: sqlite3.Connection) -> None:
    name = request.path.removeprefix(f"/{DATABASE}/")
    if question(name) is None:  # a question reads its parameters itself
        tables.check(request.path, request.query_string, con, declared(datasette).get("tables", {}))


async def _said(datasette: Any, request: Request, refusal: Refusal) -> Said:
    """Say a refusal in the form that the address asks for."""
    response = await refused(datasette, request, refusal)
    headers = tuple((str(name), str(value)) for name, value in response.headers.items())
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    return Said(body, response.content_type, response.status, headers)


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


def _keep(status: int, headers: Headers, body: bytes, build: Build) -> Kept:
    content_type = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    kept = [(n.lower(), v) for n, v in headers if n.lower() in _KEPT or n.lower().startswith(b"availability-")]
    if content_type.startswith(b"text/html") and not any(name == b"content-security-policy" for name, _ in kept):
        policy = _EXPLORER if b"datasette_vega" in body else POLICY
        kept.append((b"content-security-policy", policy.encode()))
    lasting = b"public, max-age=%d" % _SECONDS if status == _OK else b"no-cache"
    etag = b'W/"%s"' % hashlib.blake2b(build.build_id.encode() + body, digest_size=12).hexdigest().encode()
    kept += [*_labels(build, lasting), (b"vary", b"Accept-Encoding")]
    if status == _NOT_ALLOWED:
        kept.append((b"allow", b"GET, HEAD"))
    pays = len(body) > _WORTH_COMPRESSING and _TEXTUAL.match(content_type)
    return Kept(status, kept, etag, body, pays=bool(pays))


async def _reply(kept: Kept, scope: Scope, send: Send) -> None:
    """Send an answer, or 304 to those who have it, compressed to those who can read that."""
    accepts = asked_for = b""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            accepts = value
        elif name == b"if-none-match":
            asked_for = value
    headers = kept.headers
    if kept.status == _OK:
        headers = [*headers, (b"etag", kept.etag)]
        if asked_for and (asked_for == b"*" or kept.etag.removeprefix(b"W/") in asked_for):
            await send({"type": "http.response.start", "status": _NOT_MODIFIED, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
    body = kept.body
    if kept.pays and _GZIP.search(accepts):
        body, headers = await kept.compressed(), [*headers, (b"content-encoding", b"gzip")]
    if kept.status != _NO_CONTENT:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _labelled(state: State, build: Build, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a download or a stream through as it comes, with the labels of every answer."""
    request = _question(scope, receive)
    try:
        await _check(state.datasette, request, scope["method"])
        if request.path.endswith(".db"):
            state.current.insist()
    except Refusal as refusal:
        said = await _said(state.datasette, request, refusal)
        headers = [(b"content-type", said.content_type.encode()), *_pairs(said.headers)]
        await _reply(_keep(said.status, headers, said.body, build), scope, send)
        return

    async def label(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [pair for pair in message["headers"] if pair[0].lower() in _PASSED]
            message = dict(message, headers=[*own, *_labels(build, b"no-cache")])
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


def _labels(build: Build, lasting: bytes) -> Headers:
    """Return the headers of every answer."""
    return [
        *_ALWAYS,
        (b"availability-build", build.build_id.encode()),
        (b"availability-built-at", build.built_at.encode()),
        (b"cache-control", lasting),
    ]
