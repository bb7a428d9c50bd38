"""A published file behind a real `availability serve`, and how tests ask it."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

import pytest
import urllib3


class Site(NamedTuple):
    """A running site and the file behind it."""

    url: str
    file: Path
    http: urllib3.PoolManager
    pid: int = 0

    def get(self, path: str, status: int = 200) -> urllib3.BaseHTTPResponse:
        """Fetch a path and insist on the status."""
        answer = self.http.request("GET", self.url + path, retries=False)
        assert answer.status == status, answer.data[:500]
        return answer

    def text(self, path: str) -> str:
        """Fetch a path as text."""
        return self.get(path).data.decode()

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Fetch the rows of a JSON array."""
        found: list[dict[str, Any]] = self.get(path).json()
        return found

    def stored(self, query: str, *values: str, **named: Any) -> list[tuple[Any, ...]]:
        """Ask the file itself."""
        with closing(sqlite3.connect(self.file)) as con:
            return con.execute(query, named or values).fetchall()

    def plan(self, query: str, values: dict[str, str]) -> str:
        """Tell how SQLite finds the answer."""
        with closing(sqlite3.connect(self.file)) as con:
            return "\n".join(row[3] for row in con.execute(f"EXPLAIN QUERY PLAN {query}", values))


@contextmanager
def serving(file: Path, **environment: str) -> Iterator[Site]:
    """Serve a published file on a free port, with the environment given on top of ours."""
    command = [sys.executable, "-m", "etl", "serve", "--site-dir", str(file.parent), "--port", "0"]
    with (
        NamedTemporaryFile(suffix=".log") as out,
        urllib3.PoolManager() as http,
        subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment}) as server,
    ):
        try:
            yield Site(address_when_up(server, Path(out.name)), file, http, server.pid)
        finally:
            server.terminate()


def address_when_up(server: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the server listens and return the address it printed."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        if printed := re.search(r"on (http://127\.0\.0\.1:(\d+)) ", log.read_text(encoding="utf-8")):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(printed[2]))) == 0:
                    return printed[1]
        time.sleep(0.02)
    pytest.fail(f"The site did not start:\n{log.read_text(encoding='utf-8')}")
