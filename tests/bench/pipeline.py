"""The program's own commands and what they leave behind; every section can be measured alone."""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from etl.warehouse import VIEWS
from tests.bench import facts
from tests.bench.measure import NOW, TODAY, Ground, apart, etl, latency
from tests.bench.table import Row, at_most, exactly, known

_RUNS = 3
_LATENCY_MS = 80
_MB = 1_000_000
_CHANGED = 20_140  # 20 days of 1,007 symbols
_TOMORROW = "2027-05-01"


class Run(NamedTuple):
    """One or two commands: seconds of whole processes, and what the replica counted meanwhile."""

    seconds: float
    requests: int
    peak_bytes: int = 0
    discover_seconds: float = 0


def filled(ground: Ground) -> Path:
    """Return a warehouse that holds the whole archive."""
    path = ground.folder / "filled.duckdb"
    if not path.exists():
        _build(ground, path)
    return path


def backfill(ground: Ground) -> Iterator[Row]:
    """Build the warehouse from nothing, without and with latency."""
    path = ground.folder / "filled.duckdb"
    runs = [_build(ground, path) for _ in range(_RUNS)]
    size = apart(facts.size_of, path)
    yield at_most(f"`discover` and `backfill`, no latency, median of {_RUNS}", _middle(runs).seconds, 5, "s")
    yield known("of it `discover`", _middle(runs).discover_seconds, "s")
    yield exactly("requests of both", _farthest(runs, size.requests), size.requests)
    yield at_most(
        "peak memory of `backfill`, largest of all runs", max(each.peak_bytes for each in runs) / _MB, 600, "MB"
    )
    yield _weight("warehouse after `backfill`, etags included", path)
    with latency(ground.replica, _LATENCY_MS):
        late = _build(ground, ground.folder / "late.duckdb")
    bound = 1.25 * size.requests / 32 * _LATENCY_MS / 1000
    what = f"`discover` and `backfill`, {_LATENCY_MS} ms, 32 connections; target 1.25 x {size.requests:,} / 32 x 0.08 s"
    yield at_most(what, late.seconds, bound, "s")
    yield known("of it `discover`", late.discover_seconds, "s")
    yield exactly("requests of both", late.requests, size.requests)


def again(ground: Ground) -> Iterator[Row]:
    """List an archive that has not changed once more."""
    path = _copy(ground, "again")
    same, whole = _etl(ground, path, "backfill"), _etl(ground, path, "backfill", "--full")
    yield known("`backfill` asked again", same.seconds, "s")
    yield exactly("requests of it", same.requests, 0)
    yield known("`backfill --full` of the unchanged archive", whole.seconds, "s")
    yield exactly("days and revisions that differ after it", apart(facts.days_that_differ, path, filled(ground)), 0)
    yield _weight("warehouse after it", path)


def update(ground: Ground) -> Iterator[Row]:
    """Let a day pass and list the newest days again."""
    size = apart(facts.size_of, filled(ground))
    paths = [_copy(ground, f"update-{number}") for number in range(_RUNS)]
    arguments = ("update", "--lookback", "20", "--workers", "64")
    with _tomorrow(ground), latency(ground.replica, _LATENCY_MS):
        runs = [_etl(ground, path, *arguments, today=_TOMORROW) for path in paths]
    what = f"`update`, a day later, {_LATENCY_MS} ms, 64 connections, median of {_RUNS}"
    yield at_most(what, _middle(runs).seconds, 2.5, "s")
    wanted = size.symbols + size.discovery_pages
    yield exactly("requests of it: one a symbol, and the symbol level", _farthest(runs, wanted), wanted)
    yield _weight("warehouse after it", paths[0])
    paths = [_copy(ground, f"upsert-{number}") for number in range(_RUNS)]
    seconds = median(apart(facts.upsert_seconds, path, _CHANGED) for path in paths)
    yield at_most(f"recording {_CHANGED:,} days with another etag and size, median of {_RUNS}", seconds, 0.2, "s")
    yield known("warehouse after it, what is free for reuse included", _megabytes(paths[0]), "MB")


def published(ground: Ground) -> Path:
    """Return a published file of the whole archive."""
    file = ground.folder / "site" / "availability.db"
    if not file.exists():
        _etl(ground, filled(ground), "export")
    return file


def export(ground: Ground) -> Iterator[Row]:
    """Publish twice, and ask the published file."""
    site = ground.folder / "site" / "availability.db"
    done = _etl(ground, filled(ground), "export")
    first = _sum(site)
    _etl(ground, filled(ground), "export")
    yield at_most("`export`", done.seconds, 6, "s")
    yield known("peak memory of it", done.peak_bytes / _MB, "MB")
    yield at_most("published SQLite file", site.stat().st_size / _MB, 100, "MB")
    yield exactly("second `export` of the same facts: files that differ", int(_sum(site) != first), 0)
    for answer, bound in zip(apart(facts.query_times, site), (2, 3, 5), strict=True):
        yield at_most(f"{answer.name}, {answer.rows:,} rows, median of {facts.RUNS}", answer.milliseconds, bound, "ms")


def judgements(ground: Ground) -> Iterator[Row]:
    """Work out all views, and ask for a month of everything."""
    path = _copy(ground, "judged")
    seconds = median(apart(facts.judgement_seconds, path) for _ in range(_RUNS))
    yield at_most(f"all {len(VIEWS)} views together, median of {_RUNS}", seconds, 2, "s")
    _etl(ground, filled(ground), "export")
    month = apart(facts.month_of_all, ground.folder / "site" / "availability.db")
    yield at_most(
        f"`query {month.name}` from Python, {month.rows:,} rows, median of {facts.RUNS}", month.milliseconds, 50, "ms"
    )


def _build(ground: Ground, path: Path) -> Run:
    path.unlink(missing_ok=True)
    found, listed = _etl(ground, path, "discover"), _etl(ground, path, "backfill")
    return Run(found.seconds + listed.seconds, found.requests + listed.requests, listed.peak_bytes, found.seconds)


def _etl(ground: Ground, path: Path, *arguments: str, today: str = TODAY) -> Run:
    ground.replica.reset_stats()
    done = etl(ground, path, *arguments, today=today)
    return Run(done.seconds, int(ground.replica.stats()["requests"]), done.peak_bytes)


@contextmanager
def _tomorrow(ground: Ground) -> Iterator[None]:
    ground.replica.set_now(NOW.replace(TODAY, _TOMORROW))
    try:
        yield
    finally:
        ground.replica.set_now(NOW)


def _copy(ground: Ground, name: str) -> Path:
    return Path(shutil.copy(filled(ground), ground.folder / f"{name}.duckdb"))


def _weight(what: str, path: Path) -> Row:
    return at_most(what, _megabytes(path), 30, "MB")


def _megabytes(path: Path) -> float:
    """A warehouse with its log, should one be left."""
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*")) / _MB


def _middle(runs: Sequence[Run]) -> Run:
    return sorted(runs)[len(runs) // 2]


def _farthest(runs: Sequence[Run], wanted: int) -> int:
    return max((each.requests for each in runs), key=lambda number: abs(number - wanted))


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
