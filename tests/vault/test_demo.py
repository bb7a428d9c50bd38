"""`make demo-vault`, without the serving: the way from a feed to the site, as a user would go it."""

import subprocess
import sys
from pathlib import Path

import pytest

from etl import queries


@pytest.mark.long
def test_the_demo_shows_what_was_captured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "etl.replay.demo", "--no-serve"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with queries.open_published(tmp_path / "build" / "demo-vault" / "site" / "availability.db") as site:
        names = [row.dataset for row in queries.datasets(site)]
        days = queries.vault_days(site, "BTC-USD")
    assert names == ["um/klines/1m", "coinbase/l2_data", "coinbase/market_trades", "coinbase/ticker"]
    assert [row.dataset for row in days] == names[1:]
    assert all(row.rows > 0 and (row.losses, row.lost_messages, row.breaks) == (1, 4, 1) for row in days)
