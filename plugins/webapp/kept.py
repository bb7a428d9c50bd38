"""An answer as it is given: labelled, compressed, or told to be the one that the reader has."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from webapp.build import Build
from webapp.refusals import Refusal, Said, as_json
from webapp.routing import POLICY
from webapp.sending import AT_ONCE, Send, deliver, sliced, unpacked

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_WORTH_COMPRESSING = 600  # bytes
_LARGE = 700_000  # bytes; what is larger, as no timeline is, is held in its compressed form alone
_GZIP = re.compile(rb"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)", re.IGNORECASE)
_SECONDS = 60  # that a reader may keep an answer before asking whether there is another build
OK, _NO_CONTENT, _NOT_MODIFIED, _NOT_ALLOWED = 200, 204, 304, 405
_METHODS = b"GET, HEAD, OPTIONS"
_KEPT = frozenset((b"content-type", b"location", b"link", b"content-disposition", b"content-security-policy"))
_PASSED = _KEPT | {b"content-length", b"etag"}  # of a download; what it says of its transfer is the server's to say
_LINK = re.compile(rb"<?([^<>\s\"]+)>?((?:; *\w+=(?:\w+|\"[^\"<>]*\"))+)")
_TEXTUAL = re.compile(rb"text/|application/(json|x-ndjson|xml|atom\+xml|javascript|openapi)|image/svg")
# The explorer (datasette-vega) compiles its charts and styles them in place.
_EXPLORER = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "script-src 'self'; img-src", "script-src 'self' 'unsafe-eval'; img-src blob:"
)
_EXPOSED = (
    b"Availability-Build",
    b"Availability-Built-At",
    b"Availability-Rows",
    b"Availability-Note",
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
        self.length = len(body)
        self.packed = b""
        self.family = ""  # of its address, as it is counted

    def size(self) -> int:
        """Bytes that it takes in memory at most, its compressed form included."""
        return (len(self.body) * (2 if self.pays else 1) or len(self.packed)) + 2000

    async def compressed(self) -> bytes:
        """Return the gzip form; zlib works beside the serving loop."""
        if not self.packed:
            pack = partial(gzip.compress, self.body, 5, mtime=0)
            self.packed = await asyncio.get_running_loop().run_in_executor(None, pack)
        return self.packed

    async def shrink(self) -> None:
        """Let go of the body of a large answer: whoever cannot read gzip gets it unpacked on the way."""
        if self.pays and self.length > _LARGE:
            await self.compressed()
            self.body = b""


def said(told: Said, build: Build) -> Kept:
    """Return an answer of our own, labelled."""
    headers = [(b"content-type", told.content_type.encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in told.headers]
    return keep(told.status, headers, told.body, build)


def broken(cause: str) -> Kept:
    """Return what every address says while the published file cannot be read."""
    told = as_json(Refusal(503, "broken", f"The published file cannot be read: {cause}."))
    headers = [(b"content-type", told.content_type.encode()), (b"cache-control", b"no-store"), *_ALWAYS]
    return Kept(told.status, headers, b"", told.body, pays=False)


def preflight(build: Build) -> Kept:
    """Return what browsers ask before a script of another site may ask with headers of its own."""
    asked = [(b"access-control-allow-methods", _METHODS), (b"access-control-allow-headers", b"*")]
    lasts = [(b"access-control-max-age", b"86400"), (b"allow", _METHODS)]
    return Kept(_NO_CONTENT, [*labels(build, b"no-cache"), *asked, *lasts], b"", b"", pays=False)


def keep(status: int, headers: Headers, body: bytes, build: Build) -> Kept:
    """Return an answer with its labels; of its own headers those stay that say something about it."""
    content_type = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    kept = list(_own(headers, _KEPT))
    if content_type.startswith(b"text/html") and not any(name == b"content-security-policy" for name, _ in kept):
        policy = _EXPLORER if b"datasette_vega" in body else POLICY
        kept.append((b"content-security-policy", policy.encode()))
    lasting = b"public, max-age=%d" % _SECONDS if status == OK else b"no-cache"
    digest = hashlib.sha256(build.build_id.encode())  # processors have it built in: half the time of BLAKE2
    digest.update(body)
    etag = b'W/"%s"' % digest.hexdigest()[:24].encode()
    kept += [*labels(build, lasting), (b"vary", b"Accept-Encoding")]
    if status == _NOT_ALLOWED:
        kept.append((b"allow", _METHODS))
    pays = len(body) > _WORTH_COMPRESSING and _TEXTUAL.match(content_type)
    return Kept(status, kept, etag, body, pays=bool(pays))


def passed(headers: Headers, build: Build) -> Headers:
    """Return the headers of a download or a stream that passes through."""
    return [*_own(headers, _PASSED), *labels(build, b"no-cache")]


def _own(headers: Headers, wanted: frozenset[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """Return what an answer says about itself, well-formed: Datasette writes the address of a Link without < and >."""
    for written, value in headers:
        name = written.lower()
        if name == b"link":
            if (link := _LINK.fullmatch(value)) and b"preload" not in link[2]:
                yield name, b"<%s>%s" % link.groups()
        elif name in wanted or name.startswith(b"availability-"):
            yield name, value


async def reply(kept: Kept, scope: Scope, send: Send) -> int:
    """Send an answer, or 304 to those who have it, compressed to those who can read that; return the status."""
    accepts = asked_for = b""
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            accepts = value
        elif name == b"if-none-match":
            asked_for = value
    headers = kept.headers
    if kept.status == OK:
        headers = [*headers, (b"etag", kept.etag)]
        if asked_for and (asked_for == b"*" or kept.etag.removeprefix(b"W/") in asked_for):
            await send({"type": "http.response.start", "status": _NOT_MODIFIED, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return _NOT_MODIFIED
    body, length = kept.body, kept.length
    if kept.pays and _GZIP.search(accepts):
        body, headers = await kept.compressed(), [*headers, (b"content-encoding", b"gzip")]
        length = len(body)
    if kept.status != _NO_CONTENT:
        headers = [*headers, (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body", "body": b""})
    elif length <= AT_ONCE:
        await send({"type": "http.response.body", "body": body})
    else:
        await deliver(sliced(body) if body else unpacked(kept.packed), send)
    return kept.status


def labels(build: Build, lasting: bytes) -> Headers:
    """Return the headers of every answer."""
    return [
        *_ALWAYS,
        (b"availability-build", build.build_id.encode()),
        (b"availability-built-at", build.built_at.encode()),
        (b"cache-control", lasting),
    ]
