"""kill -9 at any moment: afterwards every record is there exactly once."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from etl.vault.config import Config
from etl.vault.storage import Storage
from tests.vault import lines as told
from tests.vault.found import command, paths, records

KILLS = int(os.environ.get("AVAILABILITY_TEST_KILLS", "5"))
FRAMES = 300


def frames(number: int) -> list[bytes]:
    """Return the frames of a segment: trades of two products, books, tickers, and a few odd ones."""
    products = ("BTC-USD", "ETH-USD")
    every = []
    for each in range(FRAMES):
        product = products[each % 2]
        every.append(told.trades({"product_id": product, "trade_id": str(number * FRAMES + each)}, {}))
        every.append(told.levels({}, {"side": "offer"}, product=product))
        every.append(told.ticker(product_id=product))
        every.append(told.HEARTBEAT if each % 50 else b"odd")
    return every


@pytest.mark.long
def test_killed_at_any_moment_every_record_is_there_exactly_once(
    config: Config, storage: Storage, tmp_path: Path
) -> None:
    chance, hits, number, takes = random.Random(6), 0, 0, 1.0
    while hits < KILLS and number < 5 * KILLS:
        number += 1
        told.make_ready(storage, told.caught(frames(number)), number=number)
        process = command(config, "refine", folder=tmp_path)
        while process.poll() is None and not paths(storage, "raw/processing"):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.2) * takes)
        process.kill()
        _, log = process.communicate()
        hits += process.returncode == -signal.SIGKILL and bool(paths(storage, "raw/processing"))
        seconds = [json.loads(line).get("seconds") for line in log.splitlines() if "segment refined" in line]
        takes = seconds[0] if seconds else takes
    assert hits == KILLS
    last = command(config, "refine", folder=tmp_path)
    _, errors = last.communicate()
    assert last.returncode == 0, errors
    assert paths(storage, "raw/ready") == paths(storage, "raw/processing") == []
    found = records(storage, "market_trades", "l2_data", "ticker")
    assert set(found.values()) == {1}
    segments = {segment for segment, _, _ in found}
    assert len(segments) == number
    assert set(found) == {
        (segment, 4 * frame + line, position)
        for segment in segments
        for frame in range(FRAMES)
        for line, position in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 0))
    }
    assert len(paths(storage, "raw/rejected")) == number
