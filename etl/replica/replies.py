"""What is answered to a request: status, headers, body, and how the sending may go wrong."""

from email.utils import formatdate
from http import HTTPStatus
from itertools import count
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from etl.replica import model
from etl.replica.bucket import Bucket
from etl.replica.columns import Renderer
from etl.replica.faults import Fault
from etl.replica.folder import CHECKSUM, ZIP, Entry
from etl.replica.listing import Selection, select
from etl.replica.pages import (
    BUCKET_NAME,
    BadQuestionError,
    access_denied,
    asked,
    error_xml,
    list_page,
    no_such_key,
    page_xml,
    parse_query,
)

XML: Final = "application/xml"
REGION: Final = "x-amz-bucket-region: ap-northeast-1\r\n"
HTML_BODY: Final = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Back soon.</body></html>\n"
ROOT: Final = b"/" + BUCKET_NAME.encode()
FILE_ROOTS: Final = (b"/data/", b"/data2/", b"/data3/")
SUBRESOURCES: Final = frozenset({b"acl", b"location", b"policy", b"uploads", b"versioning", b"versions"})
SHORT_BY: Final = 16  # bytes by which a wrong Content-Length is too small
FAULT_CODES: Final = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


class Request(NamedTuple):
    """What was asked: `method` LIST, HEAD or GET, and the listing's prefix or the object's key as its subject."""

    method: str
    subject: bytes
    query: dict[bytes, bytes]


class Reply(NamedTuple):
    """An answer; `announced` overrides the true Content-Length, `sent` limits the bytes that go out."""

    status: int
    body: bytes
    content_type: str = XML
    headers: str = ""
    announced: int | None = None
    sent: int | None = None
    close: bool = False
    reset: bool = False
    delay: float = 0.0


class Responder:
    """Turns requests into replies, from a bucket as it is now."""

    def __init__(self, bucket: Bucket) -> None:
        """Answer from this bucket."""
        self.bucket = bucket
        self.renderer = Renderer()
        self._ids = count(1)

    def request_id(self) -> str:
        """A request id in S3's form, 16 characters, counting up."""
        return f"{next(self._ids):016X}"

    def reply(self, request: Request, fault: Fault | None) -> Reply:
        """The answer to one request, spoiled by a fault if one strikes."""
        if fault is None:
            return self.true_reply(request)
        return self._spoiled(request, fault)

    def true_reply(self, request: Request) -> Reply:
        """The answer the real archive would give."""
        if request.method == "LIST":
            return self._list(request)
        self.bucket.catch_up()
        if not request.subject:
            return Reply(HTTPStatus.OK, b"", XML, REGION)
        entry = self.bucket.entry(request.subject)
        if entry is None:
            return Reply(HTTPStatus.NOT_FOUND, no_such_key(request.subject, self.request_id()))
        return _object(entry, with_body=request.method == "GET")

    def denied(self) -> Reply:
        """403, for everything outside the bucket."""
        return Reply(HTTPStatus.FORBIDDEN, access_denied(self.request_id()))

    def bad(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> Reply:
        """An S3 error document."""
        return Reply(status, error_xml(code, message, self.request_id()))

    def _list(self, request: Request) -> Reply:
        try:
            ask = asked(request.query)
        except BadQuestionError as error:
            return self.bad(error.code, str(error))
        headers = f"{REGION}x-amz-request-id: {self.request_id()}\r\n"
        return Reply(HTTPStatus.OK, list_page(self.bucket, self.renderer, ask), XML, headers)

    def _spoiled(self, request: Request, fault: Fault) -> Reply:
        """An answer that is not the true one at all, or the true one bent."""
        match fault.kind:
            case "status":
                return self._error(fault.status)
            case "html":
                return Reply(HTTPStatus.OK, HTML_BODY, "text/html")
            case "reset":
                return Reply(0, b"", reset=True)
            case "empty":
                return self._empty(request)
            case "loop":
                return self._loop(request)
            case _:
                return _bent(self.true_reply(request), fault)

    def _error(self, status: int) -> Reply:
        if status == HTTPStatus.FORBIDDEN:
            return self.denied()
        code = FAULT_CODES.get(status, "InternalError")
        return self.bad(code, "Please reduce your request rate." if code == "SlowDown" else code, status)

    def _empty(self, request: Request) -> Reply:
        if request.method != "LIST":
            return Reply(HTTPStatus.OK, b"", "application/zip")
        nothing = Selection([], [], truncated=False, last=b"")
        return Reply(HTTPStatus.OK, page_xml(asked(request.query), nothing, self.renderer))

    def _loop(self, request: Request) -> Reply:
        """The first page again and again, always with the same way on and never the last."""
        if request.method != "LIST":
            return self.true_reply(request)
        ask = asked({name: request.query[name] for name in request.query.keys() - {b"marker", b"continuation-token"}})
        page = select(self.bucket, ask.question)
        return Reply(HTTPStatus.OK, page_xml(ask, page._replace(truncated=True), self.renderer))


def _bent(reply: Reply, fault: Fault) -> Reply:
    size = len(reply.body)
    match fault.kind:
        case "truncated":
            return reply._replace(sent=size // 2, close=True)
        case "cut":
            return reply._replace(body=reply.body[: size // 2], announced=None)
        case "wrong_length":
            whole = size if reply.announced is None else reply.announced
            return reply._replace(announced=max(whole - SHORT_BY, 0), close=True)
        case _:
            return reply._replace(delay=fault.seconds)


def _object(entry: Entry, *, with_body: bool) -> Reply:
    """HEAD or GET of an object, with the headers the real archive sends."""
    name = entry.key.rpartition(b"/")[2]
    is_checksum = name.endswith(CHECKSUM)
    headers = f'Last-Modified: {formatdate(entry.modified, usegmt=True)}\r\nETag: "{entry.etag}"\r\n'
    if not with_body:
        body = b""
    elif is_checksum:
        body = model.checksum_body(name.removesuffix(b".CHECKSUM"), entry.etag)[: entry.size].ljust(entry.size)
    else:
        body = model.zip_body(entry.etag, entry.size)
    kind = "application/zip" if name.endswith(ZIP) else "binary/octet-stream"
    return Reply(HTTPStatus.OK, body, kind, headers, announced=entry.size)


def read_target(method: str, target: bytes) -> Request | None:
    """What a request line asks for; None for everything outside the bucket.

    The bucket is `/data.binance.vision[/KEY]` as on S3's own host, and `/data.../KEY` as on the file host.
    """
    path, _, query = target.partition(b"?")
    if path.rstrip(b"/") == ROOT:
        values = parse_query(query)
        if method == "GET":
            return None if values.keys() & SUBRESOURCES else Request("LIST", values.get(b"prefix", b""), values)
        return Request(method, b"", values)
    if path.startswith(ROOT + b"/"):
        return Request(method, unquote_to_bytes(path[len(ROOT) + 1 :]), {})
    if path.startswith(FILE_ROOTS):
        return Request(method, unquote_to_bytes(path[1:]), {})
    return None
