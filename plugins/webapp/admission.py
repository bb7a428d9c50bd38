"""Which addresses there are, and which questions are let through to them."""

import re
import sqlite3
from typing import Any
from urllib.parse import unquote

from datasette.utils.asgi import Request

from webapp import tables
from webapp.build import DATABASE
from webapp.declared import declared
from webapp.directory import ALL_PAGES
from webapp.questions import question
from webapp.refusals import Refusal, Said

READING = ("GET", "HEAD")
_SYSTEM = re.compile(r"/-/(healthz|metrics|(versions|plugins|settings|metadata)(\.json)?)")
_MOVED = 301
_PLAIN = ("/", "/.json", "/favicon.ico", *(f"/{DATABASE}{suffix}" for suffix in ("", ".json", ".csv", ".db")))
_FILES = re.compile(r"/static/[\w.-]+|/-/static/[\w.-]+|/-/static-plugins/[\w-]+/[\w.-]+", re.ASCII)


async def check(datasette: Any, request: Request, method: str) -> None:
    """Raise a Refusal where the question is none; pages and the API check their own parameters."""
    if method not in READING:
        raise Refusal(405, "method_not_allowed", f"{method} is not answered here, GET, HEAD and OPTIONS are.")
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


async def without_slash(datasette: Any, request: Request) -> Said | None:
    """Return the way to an address written with a slash at its end; None where there is none without it either."""
    path = request.path.rstrip("/")
    if not path or path == request.path:
        return None
    try:
        await check(datasette, Request(dict(request.scope, raw_path=path.encode()), request.receive), READING[0])
    except Refusal:
        return None
    asked = f"?{request.query_string}" if request.query_string else ""
    return Said(b"", "text/plain; charset=utf-8", _MOVED, (("Location", f"{path}{asked}"),))


def _ours(path: str) -> bool:
    return any(re.match(route.pattern, path) for route in ALL_PAGES) or bool(is_api(path))


def is_api(path: str) -> re.Match[str] | None:
    """Match the address of a canned query's data, in any of its formats; None where it is none."""
    found = re.fullmatch(rf"/{DATABASE}/(?P<name>[a-z_]+)\.(json|ndjson|csv|txt|aria2)", path)
    return found if found and question(found["name"]) else None


def _check_data(datasette: Any, request: Request, con: sqlite3.Connection) -> None:
    name = request.path.removeprefix(f"/{DATABASE}/")
    if question(name) is None:  # a question reads its parameters itself
        tables.check(request.path, request.query_string, con, declared(datasette).get("tables", {}))
