"""The site at full size: warm and cold answers, pages, memory, beside plain Datasette on the same file."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import urllib3

from etl.serve import free_port
from tests.bench import pipeline
from tests.bench.load import load
from tests.bench.measure import TODAY, Ground, apart
from tests.bench.table import Row, at_least, at_most, exactly, known
from tests.serving import Site, serving

_SECONDS = 5
_SNAPSHOT = "/availability/snapshot.json?date=2026-08-19&_shape=array"
_MIXED = 50_000
_PAGES = ("/", "/coverage", "/changes", "/status", "/about", "/api", "/day/2026-08-19", "/symbol/BCHUSDT")


def site(ground: Ground) -> Iterator[Row]:
    """Serve the published file and ask it, warm, cold and long."""
    file = pipeline.published(ground)
    with serving(file, AVAILABILITY_TODAY=TODAY) as ours:
        yield from _cold(ours)
        yield from _pages(ours)
        ours.get(_SNAPSHOT)
        warm = apart(load, [ours.url + _SNAPSHOT], _SECONDS)
    with _plain(file) as url:
        plain = apart(load, [url + _SNAPSHOT], _SECONDS)
    ratio = (warm.requests / warm.seconds) / (plain.requests / plain.seconds)
    what = "warm snapshot as JSON, 8 connections: requests a second"
    yield known(what, warm.requests / warm.seconds, "")
    yield known("the same by plain Datasette with its defaults", plain.requests / plain.seconds, "")
    yield at_least("times as many as plain Datasette", ratio, 25)
    yield at_most("its p99", warm.p99_ms, 10, "ms")
    yield exactly("answers of both that were no 200", warm.failures + plain.failures, 0)
    with serving(file, AVAILABILITY_TODAY=TODAY) as ours:
        yield from _long(ours)


def _cold(ours: Site) -> Iterator[Row]:
    """Ask what was not asked before: every question once."""
    days = [day for (day,) in ours.stored("SELECT date FROM daily_counts ORDER BY files DESC LIMIT 200")]
    snapshots = [f"/availability/snapshot.json?date={day}&_shape=array" for day in days]
    yield at_most("snapshot as JSON, never asked before, median of 200", _median(ours, snapshots), 5, "ms")
    oldest = "SELECT symbol FROM extents ORDER BY days_held DESC LIMIT 50"
    timelines = [f"/availability/timeline.json?symbol={name}&_shape=array" for (name,) in ours.stored(oldest)]
    yield at_most("whole timeline as JSON, never asked before, median of 50", _median(ours, timelines), 8, "ms")
    pages = [f"/symbol/{name}" for (name,) in ours.stored(oldest)]
    yield at_most("page of a symbol, never asked before, median of 50", _median(ours, pages), 50, "ms")


def _pages(ours: Site) -> Iterator[Row]:
    for path in _PAGES:
        took, packed = _ask(ours, f"{path}?" if path == "/" else path)
        yield at_most(f"page {path}, first answer", took, 50, "ms")
        bound = 300 if path == "/coverage" else 150
        yield at_most("its compressed size", packed / 1e3, bound, "kB")


def _long(ours: Site) -> Iterator[Row]:
    """Ask fifty thousand mixed questions and look at the memory of the server."""
    names = [name for (name,) in ours.stored("SELECT symbol FROM symbols WHERE symbol NOT GLOB '*[^A-Z0-9_]*'")]
    days = [day for (day,) in ours.stored("SELECT date FROM daily_counts ORDER BY date DESC")]
    often = [f"/availability/gaps.json?symbol={name}" for name in names[:100]]
    often += [f"/availability/snapshot.json?date={day}" for day in days[:20]] + list(_PAGES[1:])
    seldom = [f"/availability/timeline.json?symbol={name}" for name in names] + [f"/symbol/{name}" for name in names]
    seldom += [f"/availability/snapshot.json?date={day}" for day in days]
    mixed = [ours.url + (seldom[n // 12] if n % 12 == 0 else often[n % len(often)]) for n in range(12 * len(seldom))]
    asked = 0
    while asked < _MIXED:
        asked += apart(load, mixed[asked % len(mixed) :] + mixed, _SECONDS).requests
    yield known("mixed questions asked", asked, "")
    yield at_most("memory of the server after them", _memory(ours) / 1e6, 200, "MB")


def _median(ours: Site, paths: Sequence[str]) -> float:
    return median(_ask(ours, path, packed=False)[0] for path in paths)


def _ask(ours: Site, path: str, *, packed: bool = True) -> tuple[float, int]:
    """Return milliseconds and bytes of one answer."""
    headers = {"Accept-Encoding": "gzip"} if packed else {}
    began = perf_counter()
    answer = ours.http.request("GET", ours.url + path, headers=headers, decode_content=False)
    took = (perf_counter() - began) * 1000
    if answer.status != 200:
        raise ValueError(f"{path} answered {answer.status}")
    return took, len(answer.data)


def _memory(ours: Site) -> int:
    """Return the resident bytes of the server."""
    pages = Path(f"/proc/{ours.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


@contextmanager
def _plain(file: Path) -> Iterator[str]:
    """Serve the same file and the same canned queries by Datasette with its defaults."""
    port = free_port("127.0.0.1", 0)
    metadata = Path(__file__).parents[2] / "metadata.yml"
    command = [sys.executable, "-m", "datasette", "serve", "-i", str(file), "-m", str(metadata), "--port", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server, urllib3.PoolManager() as http:
        try:
            for _ in range(200):
                try:
                    http.request("GET", f"http://127.0.0.1:{port}/-/versions.json", retries=False)
                    break
                except urllib3.exceptions.HTTPError:
                    sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
