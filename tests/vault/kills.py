"""``python -m tests.vault.kills``: kill capture, refine and compact at random moments; then every record is there once.

In every round a capture, a refiner and a compaction work on one vault side by side, and each is killed with -9 at a
moment of its own. What lay flushed in the spool when capture was killed counts as acknowledged: in the end all of it,
and all that the same connection brought before, must be in Parquet exactly once, every row of every frame.
"""

import datetime as dt
import itertools
import json
import logging
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import duckdb
import urllib3
from moto.server import ThreadedMotoServer

from etl.replay.server import Replay
from etl.replay.server import running as replaying
from etl.vault.compact import COMPACTED
from etl.vault.config import S3, Config, Secret, Storage
from etl.vault.refine import PROCESSED
from etl.vault.segments import ACTIVE, PROCESSING, cut, orphans
from etl.vault.storage import Storage as Opened
from etl.vault.storage import open_storage, read
from etl.vault.tables import MARKET
from tests.vault.found import command, paths
from tests.vault.played import SESSION, unpacked

SECONDS = {"capture": 5.0, "refine": 4.5, "compact": 3.5}  # within which each is killed after its start
_LISTS = ("updates", "trades", "tickers", "candles")
_END = (  # the last commands, which nobody kills
    ("capture", "--products", "BTC-USD", "--channels", "ticker", "--seconds", "1"),
    ("refine",),
    ("compact",),
)
Place = tuple[str, int]  # a connection and a sequence number


class Outcome(NamedTuple):
    """What the kills did to one vault."""

    backend: str
    hits: Counter[str]  # by command: kills that met it at work
    connections: int
    acknowledged: int  # frames
    frames: int  # in Parquet, of all connections
    rows: int
    lacking: int  # frames of which rows are lacking, acknowledged or before one that is there
    double: int  # frames of which rows are there more than once
    seconds: float


def kill(config: Config, count: int, folder: Path) -> Outcome:
    """Kill each command until it was hit ``count`` times, let them end their work, and count what is there.

    A hit is: capture had flushed frames of its connection and not brought them on, refine had a segment in its hands.
    """
    began, dice, hits, flushed = time.monotonic(), random.Random(count), Counter[str](), set[Place]()
    vault = open_storage(config.storage)
    with replaying(SESSION, speed=60, repeat=0) as replay:
        while any(hits[name] < count for name in SECONDS):
            wanted = [name for name in SECONDS if hits[name] < count or name == "capture"]
            alive, before = _round(config, wanted, replay, folder, dice), {each[0] for each in flushed}
            flushed |= _flushed(config, folder)
            at_work = {
                "capture": before < {each[0] for each in flushed},
                "refine": bool(paths(vault, PROCESSING)),
                "compact": True,  # it leaves no trace of where it was
            }
            hits.update(name for name in alive if at_work[name])
        for words in _END:
            with _start(config, words, replay, folder) as process:
                _, log = process.communicate(timeout=300)
            if process.returncode:
                raise AssertionError(f"{words[0]} ended with {process.returncode}: {log[-2000:]}")
    if left := orphans(_spool(config, folder)) + paths(vault, "raw"):
        left = [path for path in left if not path.endswith(".capture.json")]
    if left:
        raise AssertionError(f"There is left: {left}")
    compacted, processed = _found(vault, COMPACTED, folder), _found(vault, PROCESSED, folder)
    lacking, double = _compared(compacted, flushed, replay)
    double += sum(1 for rows, different in processed.values() if rows != different)
    rows = sum(rows for rows, _ in compacted.values())
    connections = len({connection for connection, _ in compacted})
    seconds = time.monotonic() - began
    return Outcome(
        config.storage.backend, hits, connections, len(flushed), len(compacted), rows, lacking, double, seconds
    )


def _round(config: Config, names: Sequence[str], replay: Replay, folder: Path, dice: random.Random) -> list[str]:
    """Start the commands together and kill each at its moment; return those that were alive then."""
    moments = sorted((dice.uniform(0.5, SECONDS[name]), name) for name in names)
    running = {name: _start(config, (name,), replay, folder) for _, name in moments}
    began, hit = time.monotonic(), list[str]()
    for moment, name in moments:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        running[name].kill()
    for name, process in running.items():
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            hit.append(name)
    return hit


def _start(config: Config, words: Sequence[str], replay: Replay, folder: Path) -> subprocess.Popen[str]:
    name, *more = words
    if name == "capture":
        more += ["--url", replay.url]
    elif name == "refine":
        more += [] if words in _END else ["--watch", "0.1"]
    else:  # the day after tomorrow all is of finished days, and what was merged a round ago may go
        day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
        more += ["--today", str(day), "--keep-days", "0"]
    return command(config, name, *more, folder=folder)


def _spool(config: Config, folder: Path) -> Path:
    return config.storage.base_dir / ACTIVE if config.storage.backend == "local" else folder / "spool"


def _flushed(config: Config, folder: Path) -> set[Place]:
    """Return the frames of the market that lie flushed in the spool; it is looked at in a copy."""
    spool, copy = _spool(config, folder), folder / "copy"
    if not spool.exists():
        return set()
    shutil.copytree(spool, copy)
    found = set[Place]()
    for name in orphans(copy):
        cut(copy / name)
        text = unpacked((copy / name).read_bytes()) if (copy / name).exists() else b""
        for line in map(json.loads, text.splitlines()):
            if "data" in line and line["channel"] in MARKET:
                found.add((line["connection"], line["sequence_num"]))
    shutil.rmtree(copy)
    return found


def _found(vault: Opened, tree: str, folder: Path) -> dict[Place, tuple[int, int]]:
    """Return of each frame in a tree how many rows it has, and how many of them differ in their place."""
    files = []
    for number, path in enumerate(path for name in MARKET for path in paths(vault, f"{tree}/{name}")):
        files.append(str(folder / f"{number}.parquet"))
        Path(files[-1]).write_bytes(read(vault, path))
    if not files:
        return {}
    with duckdb.connect() as con:
        con.execute("SET threads = 1")
        rows = con.execute(
            "SELECT connection, sequence_num, count(*), count(DISTINCT position)"
            " FROM read_parquet(?, union_by_name = true) GROUP BY ALL",
            [files],
        ).fetchall()
    return {(connection, number): (count, places) for connection, number, count, places in rows}


def _compared(found: dict[Place, tuple[int, int]], flushed: set[Place], replay: Replay) -> tuple[int, int]:
    """Return of how many frames rows are lacking, and of how many some are there twice."""
    sent = [dict(_rows(text) for text in texts if b'"sequence_num"' in text) for texts in replay.sent]
    lacking = double = 0
    by_connection = {connection: dict[int, int]() for connection, _ in found | dict.fromkeys(flushed, (0, 0))}
    for (connection, number), (rows, _) in found.items():
        by_connection[connection][number] = rows
    for connection, rows in by_connection.items():
        last = max([*rows, *(number for name, number in flushed if name == connection)])
        wrong = min((_wrong(rows, each, last) for each in sent), key=sum)  # which of the connections it was
        lacking, double = lacking + wrong[0], double + wrong[1]
    return lacking, double


def _wrong(rows: dict[int, int], sent: dict[int, int], last: int) -> tuple[int, int]:
    """Return the frames up to the last one of which there are too few rows, and too many."""
    differences = [rows.get(number, 0) - sent.get(number, 0) for number in range(last + 1)]
    return sum(each < 0 for each in differences), sum(each > 0 for each in differences)


def _rows(text: bytes) -> tuple[int, int]:
    """Return the number of a frame, and how many rows it becomes."""
    told = json.loads(text)
    wanted = [each[name] for each in told["events"] for name in _LISTS if name in each]
    return told["sequence_num"], sum(map(len, wanted)) if told["channel"] in MARKET else 0


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of docs/vault.md."""
    heads = ("vault", "killed: capture, refine, compact", "connections", "frames acknowledged", "frames in Parquet")
    lines = [(*heads, "rows", "lacking", "double", "minutes"), ("---",) * 9]
    for each in outcomes:
        killed = ", ".join(str(each.hits[name]) for name in SECONDS)
        counts = (f"{number:,}" for number in each[2:8])
        lines.append((each.backend, killed, *counts, f"{each.seconds / 60:.1f}"))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@click.command()
@click.option("--kills", default=50, show_default=True, help="Of each command, on each backend.")
@click.option("--only", type=click.Choice(["local", "s3"]), multiple=True, help="This backend alone.")
def main(kills: int, only: Sequence[str]) -> None:
    """Kill, count, and print a table; ends with 1 where a record is lacking or there twice."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url, outcomes = f"http://{host}:{port}", list[Outcome]()
    urllib3.request("PUT", f"{url}/vault")
    for backend in only or ("local", "s3"):
        with TemporaryDirectory(prefix="kills-") as name:
            s3 = S3("vault", "base", "us-east-1", url, access_key_id="key", secret_access_key=Secret("hush"))
            storage = Storage("s3", Path(name), s3) if backend == "s3" else Storage("local", Path(name) / "vault")
            outcomes.append(kill(Config(storage), kills, Path(name)))
        click.echo(outcomes[-1], err=True)
    server.stop()
    click.echo(table(outcomes))
    sys.exit(any(itertools.chain.from_iterable((each.lacking, each.double) for each in outcomes)))


if __name__ == "__main__":
    main()
