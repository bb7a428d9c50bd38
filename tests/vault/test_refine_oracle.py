"""A whole session, refined, against what a slow and obvious reading of the same frames finds."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from etl.vault.config import Refine
from etl.vault.refine import refine_all
from etl.vault.storage import Storage
from tests.vault import lines as told
from tests.vault.found import rows_of
from tests.vault.played import SESSION

SHARED = Path(__file__).parents[3] / "shared" / "data" / "coinbase" / "session_2026-08-09_COINBASE.jsonl.zst"
LISTS = {"l2_data": "updates", "market_trades": "trades", "ticker": "tickers", "candles": "candles"}
RENAMED = {"time": "event_time"}
WORDS = {"product_id", "side"}
OWN = {"segment", "position", "date", "mid", "spread", "spread_bps", "connection", "capture_ts"}


def frames_of(text: bytes) -> list[bytes]:
    """Return the frames of a recording, as they came."""
    records = map(json.loads, text.splitlines())
    return [record["data"].encode() for record in records if record["t"] == "recv"]


def obvious(frames: list[bytes], channel: str) -> Iterator[dict[str, Any]]:
    """Read the rows of a channel, one by one."""
    for line, text in enumerate(frames, 1):
        frame = json.loads(text)
        if frame["channel"] != channel:
            continue
        head = {"line": line, "sequence_num": frame["sequence_num"], "frame_ts": moment(frame["timestamp"])}
        for event in frame["events"]:
            for each in event[LISTS[channel]]:
                row = {"product_id": event.get("product_id"), **each}
                row.pop("type", None)
                yield head | {"is_snapshot": event["type"] == "snapshot"} | dict(map(typed, row, row.values()))


def typed(name: str, value: str) -> tuple[str, Any]:
    if name in WORDS:
        return name, value
    if name in {"time", "event_time"}:
        return "event_time", moment(value)
    if name == "start":
        return name, datetime.fromtimestamp(int(value), UTC)
    return name, int(value) if name == "trade_id" else Decimal(value)


def moment(text: str) -> datetime:
    whole, _, part = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{part[:6]:0<6}+00:00")


def compare(vault: Storage, frames: list[bytes]) -> None:
    told.make_ready(vault, told.caught(frames))
    done = refine_all(vault, Refine())
    assert (done.stuck, done.refined[0].lines, done.refined[0].rejected) == ([], len(frames), 0)
    for channel in LISTS:
        rows = sorted(rows_of(vault, channel), key=lambda row: (row["line"], row["position"]))
        read = [{name: value for name, value in row.items() if name not in OWN} for row in rows]
        assert read == list(obvious(frames, channel)), channel


def test_a_recorded_session_is_refined_as_an_obvious_reading_finds_it(local_storage: Storage) -> None:
    compare(local_storage, frames_of(SESSION.read_bytes()))


@pytest.mark.long
@pytest.mark.skipif(not SHARED.exists(), reason="the recorded session is not part of the repository")
def test_so_is_the_real_one_with_its_frames_of_5_mb(local_storage: Storage) -> None:
    frames = frames_of(zstandard.ZstdDecompressor().stream_reader(SHARED.read_bytes()).read())
    assert max(map(len, frames)) > 5_000_000
    compare(local_storage, frames)
