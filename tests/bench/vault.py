"""The vault: a replay is captured as fast as it comes, then refined, beside a plain loop over the same segment."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import click
import zstandard

from etl.replay.recording import read_recording
from etl.vault.segments import ACTIVE, READY
from etl.vault.tally import STATUS
from tests.bench.measure import Done, Ground, apart, run
from tests.bench.table import Row, absent, at_least, at_most, known

RECORDING = Path(__file__).parents[1] / "vault" / "data" / "session.jsonl"
_SHORT, _LONG = 10, 40  # seconds of a capture: twice as long must not take more memory
_MESSAGES = 20_000  # a second
_CORES = 2  # on which segments are refined side by side, unless configured otherwise
_STARTED = "replay listening on "
_LISTS = {"l2_data": "updates", "market_trades": "trades", "ticker": "tickers"}
_NUMBERS = ("price_level", "new_quantity", "price", "size", "best_bid", "best_ask")
_MOMENTS = ("event_time", "time")


class Vault(NamedTuple):
    """A folder, and how its commands are run."""

    folder: Path

    def run(self, *words: str) -> Done:
        """Run ``availability vault`` to its end, from a small process: its memory is never seen smaller."""
        config = self.folder.with_suffix(".yaml")
        config.write_text(json.dumps({"storage": {"base_dir": str(self.folder)}}), encoding="utf-8")
        return apart(run, [sys.executable, "-m", "etl", "vault", *words, "--config", str(config)])

    def ready(self) -> list[Path]:
        """Return the segments that wait for refine."""
        return sorted((self.folder / READY).glob("segment_*"))

    def captured(self) -> dict[str, Any]:
        """Return what the last capture said of itself."""
        told: dict[str, Any] = json.loads((self.folder / ACTIVE / STATUS).read_text(encoding="utf-8"))
        return told


def vault(ground: Ground) -> Iterator[Row]:
    """Capture for a while and longer, refine a segment and then all, and let a plain loop do the segment too."""
    short, long, one = (Vault(ground.folder / name) for name in ("short", "long", "one"))
    with _replaying() as url:
        peaks = [_capture(each, url, seconds) for each, seconds in ((short, _SHORT), (long, _LONG))]
    frames, lost = (long.captured()[name] for name in ("received", "lost"))
    rate = frames / _LONG
    yield at_least(f"vault: messages captured a second, {_LONG} s long, on a disk", rate, _MESSAGES)
    yield known("of it bytes of a message, on the average", long.captured()["received_bytes"] / frames, "")
    yield known("messages lost of them", lost, "")
    yield at_most(f"peak memory of a capture of {_LONG} s", peaks[1].peak_bytes / 1e6, 150, "MB")
    yield known(f"the same of {_SHORT} s", peaks[0].peak_bytes / 1e6, "MB")
    yield known("messages captured a second of the processor", frames / peaks[1].cpu_seconds, "")
    segment = max(long.ready(), key=lambda path: path.stat().st_size)
    (one.folder / READY).mkdir(parents=True)
    shutil.copy(segment, one.folder / READY)
    plain = apart(plain_loop, segment, one.folder / "plain") if find_spec("pyarrow") else None
    alone = one.run("refine").cpu_seconds
    yield known("`vault refine` of one segment of 100 MB of lines, seconds of the processor", alone, "s")
    what = "the same by a plain loop of json and pyarrow that checks nothing, in times ours"
    yield at_least(what, plain / alone, 1) if plain else absent(what)
    done = long.run("refine")
    lines = frames / done.seconds
    yield known("`vault refine` of all: messages a second", lines, "")
    yield known("messages refined a second of the processor", frames / done.cpu_seconds, "")
    yield at_most("peak memory of it", done.peak_bytes / 1e6, 1_200, "MB")
    yield at_least(f"times faster than a stream of {_MESSAGES:,} such messages a second", lines / _MESSAGES, 10)
    quiet = _CORES * frames / done.cpu_seconds / _MESSAGES
    yield at_least(f"the same on {_CORES} cores without other work, by the seconds of the processor", quiet, 10)
    recording = read_recording(RECORDING)
    own = (len(recording.updates) + len(recording.snapshots)) / recording.seconds
    yield at_least(f"times faster than the recorded session, of {own:.0f} messages a second", lines / own, 10)


@contextmanager
def _replaying() -> Iterator[str]:
    """Play the recording for ever, in a process of its own, as fast as it is taken."""
    words = ["-m", "etl.replay", "--recording", str(RECORDING), "--speed", "max", "--repeat", "0"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline().strip() if server.stdout else ""
            if _STARTED not in line:
                raise click.ClickException("The replay did not start.")
            yield line.partition(_STARTED)[2].split()[0]
        finally:
            server.terminate()


def _capture(place: Vault, url: str, seconds: int) -> Done:
    return place.run("capture", "--url", url, "--seconds", str(seconds))


def plain_loop(segment: Path, folder: Path) -> float:
    """Make Parquet of a segment as one would in an hour, nothing checked; return its seconds of the processor."""
    import pyarrow as pa  # noqa: PLC0415 - no dependency of ours
    import pyarrow.parquet as pq  # noqa: PLC0415

    began, rows = process_time(), dict[tuple[str, str], list[dict[str, Any]]]()
    with segment.open("rb") as file:
        for line in io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)):
            for channel, row in _rows(json.loads(line)):
                rows.setdefault((channel, row.get("product_id", "")), []).append(row)
    folder.mkdir()
    for (channel, product), found in rows.items():
        pq.write_table(pa.Table.from_pylist(found), folder / f"{channel}_{product}.parquet", compression="zstd")
    return process_time() - began


def _rows(line: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = _LISTS.get(line.get("channel", "")) if "data" in line else None
    for event in line["data"]["events"] if name else ():
        head = {"capture_ts": datetime.fromisoformat(line["capture_ts"]), "sequence_num": line["sequence_num"]}
        head |= {"product_id": event["product_id"]} if "product_id" in event else {}
        for each in event[name]:
            typed = {key: _typed(key, value) for key, value in each.items()}
            yield line["channel"], {**head, **typed}


def _typed(key: str, value: Any) -> Any:
    if key in _NUMBERS:
        return Decimal(value)
    return datetime.fromisoformat(value) if key in _MOMENTS else value
