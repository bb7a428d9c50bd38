"""Listing pages as S3 writes them, V1 and V2, and its error documents; byte for byte the shape of the real bucket."""

import binascii
from base64 import b64decode, urlsafe_b64encode
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from etl.replica.bucket import Bucket
from etl.replica.columns import Encode, Renderer, raw_key, url_key
from etl.replica.listing import PAGE_ENTRIES, Question, Selection, select

BUCKET_NAME: Final = "data.binance.vision"
DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
HOST_ID: Final = "replicaReplicaReplicaReplicaReplicaReplicaReplicaReplicaReplicaReplicaRepl="
LARGEST_MAX_KEYS: Final = 2**31 - 1


class BadQuestionError(ValueError):
    """The query cannot be answered; S3 says 400 with `code`."""

    def __init__(self, code: str, message: str) -> None:
        """Hold S3's error code and sentence."""
        super().__init__(message)
        self.code = code


class Asked(NamedTuple):
    """A listing request as it came: raw UTF-8 texts, because the page echoes them."""

    version: int
    question: Question
    marker: bytes
    token: bytes | None
    start_after: bytes
    max_keys: int
    encode: Encode


def parse_query(query: bytes) -> dict[bytes, bytes]:
    """Names and decoded values of a query string; the last one wins."""
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return {name: unquote_to_bytes(value.replace(b"+", b" ")) for name, _, value in pairs}


def token_of(key: bytes) -> bytes:
    """The opaque continuation token that goes on after `key`."""
    return urlsafe_b64encode(key)


def _after_token(token: bytes) -> bytes:
    try:
        return b64decode(token, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise BadQuestionError("InvalidArgument", "The continuation token provided is incorrect") from error


def _max_keys(text: bytes) -> int:
    if not text.isdigit() or int(text) > LARGEST_MAX_KEYS:
        raise BadQuestionError("InvalidArgument", "Provided max-keys not an integer or within integer range")
    return int(text)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def asked(values: dict[bytes, bytes]) -> Asked:
    """Read a listing request; BadQuestionError for what S3 refuses."""
    encoding = values.get(b"encoding-type", b"")
    if encoding not in {b"", b"url"}:
        raise BadQuestionError("InvalidArgument", "Invalid Encoding Method specified in Request")
    for value in values.values():
        if not _is_utf8(value):
            raise BadQuestionError("InvalidURI", "Couldn't parse the specified URI.")
    version = 2 if values.get(b"list-type") == b"2" else 1
    marker, token, start_after = b"", None, b""
    after = marker = values.get(b"marker", b"") if version == 1 else b""
    if version == 2:  # noqa: PLR2004 - the number of the list version
        start_after, token = values.get(b"start-after", b""), values.get(b"continuation-token")
        after = start_after if token is None else _after_token(token)
    max_keys = _max_keys(values.get(b"max-keys", b"") or str(PAGE_ENTRIES).encode())
    question = Question(values.get(b"prefix", b""), values.get(b"delimiter", b""), after, max_keys)
    return Asked(version, question, marker, token, start_after, max_keys, url_key if encoding else raw_key)


def _tag(name: bytes, value: bytes) -> bytes:
    return b"<%b>%b</%b>" % (name, value, name)


def _head(ask: Asked, page: Selection) -> bytes:
    """The elements before the first entry, in the order the real bucket sends them."""
    encode, delimiter = ask.encode, ask.question.delimiter
    parts = [_tag(b"Name", BUCKET_NAME.encode()), _tag(b"Prefix", encode(ask.question.prefix))]
    if ask.version == 1:
        parts.append(_tag(b"Marker", encode(ask.marker)))
        if page.truncated and delimiter:
            parts.append(_tag(b"NextMarker", encode(page.last)))
    else:
        parts += [_tag(b"StartAfter", encode(ask.start_after))] if ask.start_after else []
        parts += [_tag(b"ContinuationToken", raw_key(ask.token))] if ask.token is not None else []
        parts += [_tag(b"NextContinuationToken", token_of(page.last))] if page.truncated else []
        parts.append(_tag(b"KeyCount", b"%d" % page.entries()))
    parts.append(_tag(b"MaxKeys", b"%d" % ask.max_keys))
    parts += [_tag(b"Delimiter", encode(delimiter))] if delimiter else []
    parts += [_tag(b"EncodingType", b"url")] if encode is url_key else []
    parts.append(_tag(b"IsTruncated", b"true" if page.truncated else b"false"))
    return b"".join(parts)


def page_xml(ask: Asked, page: Selection, renderer: Renderer) -> bytes:
    """One listing document: declaration, then a single line; all keys, then all common prefixes."""
    parts = [DECLARATION, b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">', _head(ask, page)]
    parts += [renderer.slice_xml(part.run, part.start, part.stop, ask.encode) for part in page.slices]
    parts += [_tag(b"CommonPrefixes", _tag(b"Prefix", ask.encode(prefix))) for prefix in page.prefixes]
    parts.append(b"</ListBucketResult>")
    return b"".join(parts)


def list_page(bucket: Bucket, renderer: Renderer, ask: Asked) -> bytes:
    """The document that answers a listing request."""
    return page_xml(ask, select(bucket, ask.question), renderer)


def access_denied(request_id: str) -> bytes:
    """The 403 document, with line ends as it was found in 2024."""
    return (
        "<Error>\n<Code>AccessDenied</Code>\n<Message>Access Denied</Message>\n"
        f"<RequestId>{request_id}</RequestId>\n<HostId>{HOST_ID}</HostId>\n</Error>"
    ).encode()


def error_xml(code: str, message: str, request_id: str, extra: str = "") -> bytes:
    """Any other S3 error document; `extra` is ready XML such as the missing key."""
    return (
        DECLARATION
        + (
            f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{extra}"
            f"<RequestId>{request_id}</RequestId><HostId>{HOST_ID}</HostId></Error>"
        ).encode()
    )


def no_such_key(key: bytes, request_id: str) -> bytes:
    """The 404 document of a key that is not there."""
    name = f"<Key>{escape(key.decode(errors='replace'))}</Key>"
    return error_xml("NoSuchKey", "The specified key does not exist.", request_id, name)
