"""Where the site is and what it was asked for, in one form however they were written."""

import os
import re
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

Scope = dict[str, Any]
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LONGEST = 255  # characters of a Host
_AS_THEY_ARE = "~,:@!$&'()*+;="  # what a path may hold beside letters, digits, - . and _


class Origin(NamedTuple):
    """How readers reach the site."""

    scheme: str
    host: bytes


def public() -> Origin | None:
    """Return the address that AVAILABILITY_PUBLIC_URL names; without one each request tells it by its Host."""
    told = os.environ.get("AVAILABILITY_PUBLIC_URL")
    if not told:
        return None
    parts = urlsplit(told)
    return Origin(parts.scheme, parts.netloc.encode())


def told_by(scope: Scope) -> Origin:
    """Return what a request says of the address that it reached; of several Hosts all, and no name is like that."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return Origin(scope["scheme"], b" ".join(hosts) or b"localhost")


def is_host(text: bytes) -> bool:
    """Tell whether this may stand in the links of a page."""
    return len(text) <= _LONGEST and bool(_HOST.fullmatch(text))


def path_of(scope: Scope) -> bytes:
    """Return the path as it is written by this site: /symbol/%42TCUSDT is /symbol/BTCUSDT."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    if raw.isascii() and b"%" not in raw:
        return raw
    try:
        parts = [unquote(part, errors="strict") for part in raw.decode().split("/")]
    except UnicodeDecodeError:  # refused later, in words
        return raw
    return "/".join(quote(part, safe=_AS_THEY_ARE) for part in parts).encode()


def placed(scope: Scope, origin: Origin, path: bytes) -> Scope:
    """Return a request as if it had been written so."""
    headers = [pair for pair in scope["headers"] if pair[0] != b"host"]
    return dict(scope, scheme=origin.scheme, raw_path=path, headers=[*headers, (b"host", origin.host)])
