"""/-/healthz: is the site whole and fresh? For load balancers and monitors."""

import asyncio
import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple, TypeVar

from datasette.utils.asgi import Request, Response

from webapp.build import read_build, today
from webapp.parameters import read
from webapp.refusals import MARK, Refusal, Said, as_json
from webapp.routing import respond
from webapp.vocabulary import plural, sql

ADDRESS = r"/-/healthz$"
STALE_DAYS = 3  # the archive publishes a day in the course of the next one, and takes up to three
_OK, _UNAVAILABLE = 200, 503
Found = TypeVar("Found")


class Check(NamedTuple):
    """One thing that must be so for the site to be well, and what was seen."""

    name: str
    ok: bool
    said: str


async def healthz(datasette: Any, request: Request) -> Response:
    """Answer 200, or 503 where the file cannot be read, another was refused to take over, or the facts are old."""
    refused = datasette.availability.current.refused
    try:
        told = await apart(datasette, request, lambda con: health(con, today(), refused))
    except Refusal as refusal:
        return respond(as_json(refusal))
    status = _OK if told["status"] == "ok" else _UNAVAILABLE
    return respond(Said(json.dumps(told).encode(), "application/json; charset=utf-8", status, (MARK,)))


async def apart(datasette: Any, request: Request, ask: Callable[[sqlite3.Connection], Found]) -> Found:
    """Ask the file by a connection and a thread of its own: whatever else the site is busy with; raises Refusal."""
    address = f"{datasette.availability.current.file.path.as_uri()}?mode=ro&immutable=1"

    def look() -> Found:
        with closing(sqlite3.connect(address, uri=True)) as con:
            read(request.query_string, (), con)
            return ask(con)

    try:
        return await asyncio.to_thread(look)
    except sqlite3.Error as error:
        raise Refusal(_UNAVAILABLE, "broken", f"The published file cannot be read: {error}.") from error


def health(con: sqlite3.Connection, day: dt.date, refused: str | None) -> dict[str, Any]:
    """Return how things stand: ok, refused or stale, the checks behind that, and the facts behind those."""
    build = read_build(con)
    newest, errors, warnings = con.execute(sql("health")).fetchone()
    age = (day - dt.date.fromisoformat(newest)).days if newest else None
    checks = {
        "broken": Check("readable", ok=True, said="The published file is read."),
        "refused": _newest_file(refused),
        "stale": _fresh(newest, age),
    }
    return {
        "status": next((name for name, check in checks.items() if not check.ok), "ok"),
        "checks": [check._asdict() for check in checks.values()],
        "newest_complete_day": newest,
        "age_days": age,
        "stale_after_days": STALE_DAYS,
        "build_id": build.build_id,
        "built_at": build.built_at,
        "newest_listing_at": build.newest_listing_at,
        "failed_symbols": build.failed_symbols,
        "findings": {"error": errors, "warning": warnings},
        "refused_file": refused,
    }


def _newest_file(refused: str | None) -> Check:
    told = f"A newer file is refused, the old one still answers: {refused}." if refused else "No newer file is refused."
    return Check("newest_file_served", not refused, told)


def _fresh(newest: str | None, age: int | None) -> Check:
    if newest is None:
        return Check("fresh", ok=False, said="No day is complete.")
    told = f"The newest complete day is {newest}, {plural(age or 0, 'day')} ago; up to {STALE_DAYS} are well."
    return Check("fresh", age is not None and age <= STALE_DAYS, told)
