"""``python -m tests.bench``: measure, print one table, and write it to docs/benchmarks.md."""

import os
import platform
import sqlite3
import sys
import timeit
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import click

from tests.bench import facts, kills, listers, pipeline
from tests.bench.measure import NOW, Ground, apart, running_replica
from tests.bench.rivals import rivals
from tests.bench.site import site
from tests.bench.table import Row, lines
from tests.bench.vault import vault

SECTIONS: dict[str, Callable[[Ground], Iterator[Row]]] = {
    "backfill": pipeline.backfill,
    "again": pipeline.again,
    "update": pipeline.update,
    "export": pipeline.export,
    "judgements": pipeline.judgements,
    "site": site,
    "kills": kills.kills,
    "rivals": rivals,
    "vault": vault,
}
_PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_CPUINFO = Path("/proc/cpuinfo")
_HEAD = """\
# Benchmarks

Made by `make bench`, which renews this page; do not edit it. Machines are noisy: seconds of two runs are not
comparable, **ratios of one run are**. The ratio is result to target, or another tool's time to ours.
"""
_METHOD = """\
- A replica of the archive answers on loopback, in a process of its own that shares the cores with what is measured.
  It is warm: one listing of everything went before.
- Every command runs in a process of its own, and its seconds are those of the whole process, the start of Python
  included. Recording, queries and the listings by libraries (ours, obstore, boto3) are timed inside a process,
  without its start. MB are 10^6 bytes.
- In "only listing" every tool asks for the same pages, which the replica's count confirms; nothing is recorded.
  Samples are spread evenly from symbols with few pages to those with many, and extrapolated by pages.
- The vault's replay shares the cores too. Its messages are those of the recording that the tests have; the plain loop
  needs pyarrow, which is no dependency: `pip install pyarrow` before.
- s5cmd prints no object dated in the future, so it prints fewer than it lists while the replica's clock is ahead.
"""


@click.command()
@click.option("--only", type=click.Choice(list(SECTIONS)), multiple=True, help="Measure this alone; writes no page.")
def main(only: tuple[str, ...]) -> None:
    """Measure at full size; ends with 1 where a count is not exactly what it must be."""
    began, conditions, rows = perf_counter(), _machine(), list[Row]()
    with TemporaryDirectory(prefix="bench-") as folder, running_replica() as replica:
        ground = Ground(replica, Path(folder))
        cold = apart(listers.list_ours, replica.listing_url).seconds
        for name in only or SECTIONS:
            click.echo(f"{perf_counter() - began:5.0f} s  {name}", err=True)
            rows += SECTIONS[name](ground)
        conditions += _archive(apart(facts.size_of, pipeline.filled(ground)), cold)
    conditions.append(f"- All of it took {perf_counter() - began:.0f} s.")
    text = "\n".join([*lines(rows), "", "## Conditions", *conditions, _METHOD])
    click.echo(text)
    if not only:
        _write(f"{_HEAD}\n{text}")
    sys.exit(any(row.exact and not row.met for row in rows))


def _machine() -> list[str]:
    """Say what this runs on, before anything runs."""
    load = ", ".join(f"{number:.2f}" for number in os.getloadavg())
    versions = f"DuckDB {version('duckdb')}, SQLite {sqlite3.sqlite_version}, urllib3 {version('urllib3')}"
    return [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores, {_processor()}.",
        f"- Load average at the start: {load}. To add the numbers up to ten million took {_pace():.3f} s: the seconds",
        "  of two runs compare only as far as these do.",
        f"- Python {platform.python_version()}, {versions}; {platform.system()} {platform.release()}.",
    ]


def _pace() -> float:
    """Return the seconds that a piece of plain Python takes, the best of five."""
    return min(timeit.repeat("sum(range(10_000_000))", number=1, repeat=5))


def _processor() -> str:
    """Return the processor's model, as far as the system tells."""
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _archive(size: facts.Size, cold: float) -> list[str]:
    objects = f"{size.symbols:,} symbols, {size.day_files:,} day files, {size.objects:,} objects"
    return [
        f"- The archive: {objects} on {size.file_pages:,} pages, and {size.discovery_pages} pages of symbols.",
        f"  It is the replica's universe as of {NOW}; the same universe holds 771,000 day files on 2026-11-21.",
        f"- The first listing of all, by the replica still cold, took {cold:.2f} s.",
    ]


def _write(text: str) -> None:
    beside = _PAGE.with_name(f".{_PAGE.name}.building")
    beside.write_text(text, encoding="utf-8")
    beside.replace(_PAGE)


if __name__ == "__main__":
    main()
