"""The same listing by other tools: they only list, and each is asked for every symbol's prefix.

None is asked for the whole ``klines/`` at once: obstore refuses the real ``BTCUSDT//`` in it.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import click

from etl.keys import UM_KLINES_1M, series_prefix
from etl.replica.pages import BUCKET_NAME
from tests.bench import listers
from tests.bench.listers import THREADS
from tests.bench.measure import Ground, apart, run
from tests.bench.table import Row, absent, beside, known

_RUNS = 3
_PROCESSES = 10
_ARROW = "Arrow" if find_spec("arro3") else "rows, as arro3 for Arrow is not installed"
_AWS = {"AWS_REGION": listers.REGION, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}


class Tool(NamedTuple):
    """How another tool lists symbols."""

    name: str
    manner: str
    version: Callable[[], str]  # "" where it is not installed
    seconds: Callable[[Ground, Sequence[str]], float]
    runs: int = 1
    sample: int | None = None  # so many symbols; None: all of them


def rivals(ground: Ground) -> Iterator[Row]:
    """List with each tool, in turns with our own listing where both are fast."""
    ours, theirs = list[listers.Reference](), dict[str, list[float]]()
    for number in range(_RUNS):
        ours.append(apart(listers.list_ours, ground.replica.listing_url))
        for tool in TOOLS:
            if number < tool.runs and tool.version():
                theirs.setdefault(tool.name, []).append(_whole(ground, tool, ours[0].pages))
    reference = median(each.seconds for each in ours)
    yield known(f"only listing, ours: {THREADS} threads, median of {_RUNS}", reference, "s")
    for tool in TOOLS:
        name = f"{tool.name} {tool.version()}".strip()
        what = f"only listing, {name}: {tool.manner}"
        what += f", median of {tool.runs}" if tool.runs > 1 else ""
        what += f", extrapolated from {tool.sample} symbols" if tool.sample else ""
        yield beside(what, median(theirs[tool.name]), reference) if tool.name in theirs else absent(what)


def _whole(ground: Ground, tool: Tool, pages: dict[str, int]) -> float:
    """Return the seconds a tool takes for all symbols; from a sample as many times longer as there are more pages."""
    symbols = _spread(pages, tool.sample or len(pages))
    wanted = sum(pages[symbol] for symbol in symbols)
    ground.replica.reset_stats()
    seconds = tool.seconds(ground, symbols)
    asked = ground.replica.stats()["list_pages"]
    if asked != wanted:
        raise click.ClickException(f"{tool.name} asked for {asked} pages where {wanted} hold what we list.")
    return seconds * sum(pages.values()) / wanted


def _spread(pages: dict[str, int], count: int) -> list[str]:
    """Take ``count`` symbols at even steps from those with few pages to those with many."""
    ordered = sorted(pages, key=lambda symbol: (pages[symbol], symbol))
    return [ordered[(2 * place + 1) * len(ordered) // (2 * count)] for place in range(count)]


def _obstore(ground: Ground, symbols: Sequence[str]) -> float:
    return apart(listers.list_obstore, ground.replica.url, symbols)


def _boto3(ground: Ground, symbols: Sequence[str]) -> float:
    return apart(listers.list_boto3, ground.replica.url, symbols)


def _s5cmd(ground: Ground, symbols: Sequence[str]) -> float:
    script = ground.folder / "s5cmd.txt"
    script.write_text("".join(f"ls {_address(symbol)}\n" for symbol in symbols), encoding="utf-8")
    options = ("--no-sign-request", "--endpoint-url", ground.replica.url, "--numworkers", str(THREADS))
    return run([_program("s5cmd"), *options, "run", str(script)], _AWS, keep=False).seconds


def _aws(ground: Ground, symbols: Sequence[str]) -> float:
    command = (_program("aws"), "s3", "ls", "--no-sign-request", "--endpoint-url", ground.replica.url)
    began = perf_counter()
    with ThreadPoolExecutor(_PROCESSES) as pool:
        list(pool.map(lambda symbol: run([*command, _address(symbol)], _AWS, keep=False), symbols))
    return perf_counter() - began


def _address(symbol: str) -> str:
    return f"s3://{BUCKET_NAME}/{series_prefix(UM_KLINES_1M, symbol)}"


def _program(name: str) -> str:
    """Return where a program is, our own environment first; "" where it is nowhere."""
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or ""


def _says(name: str, *arguments: str) -> str:
    """Return the version a program prints."""
    path = _program(name)
    return run([path, *arguments]).output.split()[0].removeprefix("aws-cli/").removeprefix("v") if path else ""


def _package(name: str) -> str:
    return version(name) if find_spec(name) else ""


TOOLS = (
    Tool("obstore", f"{THREADS} threads, {_ARROW}", lambda: _package("obstore"), _obstore, runs=_RUNS),
    Tool("s5cmd", f"`run` with one `ls` a symbol, {THREADS} workers", lambda: _says("s5cmd", "version"), _s5cmd),
    Tool("boto3", f"paginator in {THREADS} threads", lambda: _package("boto3"), _boto3, sample=150),
    Tool("AWS CLI", f"`aws s3 ls`, {_PROCESSES} processes", lambda: _says("aws", "--version"), _aws, sample=20),
)
