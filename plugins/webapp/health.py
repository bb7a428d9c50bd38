"""/-/healthz: is the site whole and fresh? For load balancers and monitors."""

import asyncio
import datetime as dt
import json
import sqlite3
from contextlib import closing
from typing import Any

from datasette.utils.asgi import Request, Response

from webapp.build import read_build, today
from webapp.parameters import read
from webapp.refusals import Refusal, Said, as_json
from webapp.routing import respond
from webapp.vocabulary import sql

ADDRESS = r"/-/healthz$"
STALE_DAYS = 3  # the archive publishes a day in the course of the next one, and takes up to three
_OK, _UNAVAILABLE = 200, 503


async def healthz(datasette: Any, request: Request) -> Response:
    """Answer 200 or, where the newest complete day is too old, 503; a file that was refused to take over is named."""

    def look() -> dict[str, Any]:
        # by a connection and a thread of its own: whatever else the site is busy with, it is well
        address = f"{datasette.availability.file.path.as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as con:
            read(request.query_string, (), con)
            return health(con, today())

    try:
        told = await asyncio.to_thread(look)
    except Refusal as refusal:
        return respond(as_json(refusal))
    told["refused_file"] = datasette.availability.refused
    status = _OK if told["status"] == "ok" else _UNAVAILABLE
    return respond(Said(json.dumps(told).encode(), "application/json; charset=utf-8", status))


def health(con: sqlite3.Connection, day: dt.date) -> dict[str, Any]:
    """Return the newest complete day, its age in days, the build, and what the checks found."""
    build = read_build(con)
    newest, errors, warnings = con.execute(sql("health")).fetchone()
    age = (day - dt.date.fromisoformat(newest)).days if newest else None
    fresh = age is not None and age <= STALE_DAYS
    return {
        "status": "ok" if fresh else "stale",
        "newest_complete_day": newest,
        "age_days": age,
        "stale_after_days": STALE_DAYS,
        "build_id": build.build_id,
        "built_at": build.built_at,
        "newest_listing_at": build.newest_listing_at,
        "failed_symbols": build.failed_symbols,
        "findings": {"error": errors, "warning": warnings},
    }
