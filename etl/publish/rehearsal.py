"""The new file behind a real Datasette of its own: every canned query is asked before any reader can."""

import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import urllib3
from datasette.utils import parse_metadata

from etl import serve
from etl.publish.asking import Answer, ask, wrong, wrong_health
from etl.publish.kept import opened

_STARTS_WITHIN = 60.0  # seconds
_PAUSE = 0.05
_LAST_LINES = 3  # of the server's log, where it did not start
_EXPECTED = {
    "snapshot": "SELECT count(*) FROM build INNER JOIN day_files USING (dataset) WHERE date = last_day",
    "timeline": (
        "SELECT coalesce(sum(days_held), 0) FROM build INNER JOIN extents USING (dataset) WHERE symbol = :symbol"
    ),
    "coverage": "SELECT symbols FROM build",
}


class Question(NamedTuple):
    """One address to ask, and how many rows it must bring where that is known."""

    path: str
    rows: int | None = None


class Server(NamedTuple):
    """A server of a moment."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def metadata() -> dict[str, Any]:
    """Return what metadata.yml says of the published database."""
    text = (serve.ROOT / "metadata.yml").read_text(encoding="utf-8")
    about: dict[str, Any] = parse_metadata(text)["databases"]["availability"]
    return about


@contextmanager
def rehearsing(file: Path, today: dt.date) -> Iterator[Server]:
    """Serve a file named availability.db with the arguments of `availability serve`, on a free port."""
    port = serve.free_port("127.0.0.1", 0)
    command = [sys.executable, "-m", "etl.publish.child", "serve", *serve.datasette_arguments(file)]
    log = file.with_suffix(".log")
    with (
        log.open("wb") as out,
        subprocess.Popen(  # noqa: S603 - our own arguments
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env={**os.environ, "AVAILABILITY_TODAY": today.isoformat()},
        ) as process,
    ):
        try:
            yield Server(f"http://127.0.0.1:{port}", process, log)
        finally:
            process.kill()


def rehearse(file: Path, build_id: str, today: dt.date) -> list[str]:
    """Return what is wrong with the answers that the file gives behind a real server."""
    with closing(opened(file)) as con:
        questions = list(all_questions(con))
    with rehearsing(file, today) as server, urllib3.PoolManager() as http:
        if said := _up(server, http, build_id):
            return [said]
        answers = ((ask(http, server.url + each.path), each) for each in questions)
        found = [harm for answer, each in answers if (harm := _harm(answer, each, build_id))]
        return [harm.removeprefix(server.url) for harm in found]


def _up(server: Server, http: urllib3.PoolManager, build_id: str) -> str | None:
    """Wait until the server answers anything; why it does not, or not well."""
    deadline = time.monotonic() + _STARTS_WITHIN
    while (answer := ask(http, f"{server.url}/-/healthz")).status == 0:
        if server.process.poll() is not None or time.monotonic() > deadline:
            lines = server.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return f"The server did not come up: {' '.join(lines[-_LAST_LINES:])}"
        time.sleep(_PAUSE)
    return wrong_health(answer, build_id)


def example_symbol(con: sqlite3.Connection) -> str:
    """Return the symbol that holds most days."""
    default = "WHERE dataset = (SELECT dataset FROM build)"
    found = con.execute(f"SELECT symbol FROM extents {default} ORDER BY days_held DESC, symbol LIMIT 1").fetchone()
    return str((found or con.execute(f"SELECT min(symbol) FROM symbols {default}").fetchone())[0])


def all_questions(con: sqlite3.Connection) -> Iterator[Question]:
    """Yield the start page and each canned query twice: with as little as it needs, and with days and a symbol."""
    yield Question("/")
    symbol = example_symbol(con)
    day = con.execute("SELECT coalesce(last_day, today) FROM build").fetchone()[0]
    values = {"symbol": symbol, "symbols": symbol, "day": day}
    for name, query in metadata()["queries"].items():
        kinds = {each: told for each, told in query.get("parameters", {}).items() if told["kind"] in values}
        full = {each: values[told["kind"]] for each, told in kinds.items()}
        bare = {each: value for each, value in full.items() if kinds[each].get("required")}
        rows = con.execute(_EXPECTED[name], {"symbol": symbol}).fetchone()[0] if name in _EXPECTED else None
        yield Question(_path(name, bare), rows)
        if full != bare:
            yield Question(_path(name, full))


def _path(name: str, values: dict[str, str]) -> str:
    return f"/availability/{name}.json?{urlencode({**values, '_shape': 'array'})}"


def _harm(answer: Answer, asked: Question, build_id: str) -> str | None:
    if harm := wrong(answer, build_id):
        return harm
    if asked.rows is None:
        return None
    rows = len(json.loads(answer.body))
    return None if rows == asked.rows else f"{answer.url}: {rows:,} rows, the file holds {asked.rows:,}"
