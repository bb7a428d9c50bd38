"""`make next`: the same tree on Datasette's newest alpha. It says what breaks, and fails only where SQL is open."""

import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import urllib3

from etl.serve import ROOT, datasette_arguments, free_port
from tests import published

SQL_MAY_BE_OPEN = 3  # the exit code that .ci/run heeds
_RESULT = b"94011"
_SQL = "select+31337*3"
CLOSED = (
    *(f"/availability{suffix}?sql={_SQL}" for suffix in ("", ".json", ".csv", "/-/query", "/-/query.json")),
    "/availability/day_files.json?_where=1=1",
)
OPEN = (
    *("/", "/symbol/BTCUSDT", "/day/2024-01-15", "/coverage", "/status", "/api", "/openapi.json", "/availability"),
    *("/availability/snapshot.json", "/availability/snapshot", "/availability/day_files", "/availability/build.json"),
)


class Said(NamedTuple):
    """The answer to one path: its status, and what is wrong with it, if anything."""

    path: str
    status: int
    wrong: str


def main(python: str) -> int:
    """Serve a small file by the Datasette of another Python, print a report, and return 3 where SQL may be open."""
    with TemporaryDirectory() as folder:
        file, port = published.publish(Path(folder)), free_port("127.0.0.1", 0)
        command = [python, "-m", "datasette", "serve", *datasette_arguments(file), "--port", str(port)]
        command += ["--config", str(ROOT / "metadata.yml")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server, urllib3.PoolManager() as http:
            try:
                return report(*asked(http, f"http://127.0.0.1:{port}", server))
            finally:
                server.terminate()


def asked(http: urllib3.PoolManager, url: str, server: subprocess.Popen[bytes]) -> tuple[list[Said], list[Said]]:
    """Return what came of pages that should be there, and of SQL that should be refused."""
    deadline = time.monotonic() + 30
    while not get(http, f"{url}/-/versions.json")[0] and server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    pages = ((path, get(http, url + path)[0]) for path in OPEN)
    closed = ((path, *get(http, url + path)) for path in CLOSED)
    return (
        [Said(path, status, "" if status == HTTPStatus.OK else "it breaks") for path, status in pages],
        [Said(path, status, why_open(status, body)) for path, status, body in closed],
    )


def get(http: urllib3.PoolManager, url: str) -> tuple[int, bytes]:
    """Return the status and the body at the end of all redirects; 0 where nobody answers."""
    try:
        answer = http.request("GET", url, retries=urllib3.Retry(3, connect=0, read=0), timeout=30)
    except urllib3.exceptions.HTTPError:
        return 0, b""
    return answer.status, answer.data


def why_open(status: int, body: bytes) -> str:
    """Tell why SQL is not known to be refused; empty where it is: by a 4xx that holds no result."""
    if _RESULT in body:
        return "SQL IS ANSWERED"
    if status == 0:
        return "nobody answers, so nobody knows"
    return "" if 400 <= status < 500 else "it is not refused in so many words"


def report(pages: list[Said], closed: list[Said]) -> int:
    """Print what came, and return the exit code: broken pages are for later, open SQL is not."""
    for said in (*pages, *closed):
        print(f"{said.status or '---'} {said.path}  {said.wrong}".rstrip())
    broken, unsure = [each for each in pages if each.wrong], [each for each in closed if each.wrong]
    print(f"{len(broken)} of {len(pages)} pages break on this Datasette.")
    print(f"SQL MAY BE OPEN at {len(unsure)} of {len(closed)} addresses." if unsure else "SQL is refused everywhere.")
    return SQL_MAY_BE_OPEN if unsure else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
