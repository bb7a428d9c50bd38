"""kill -9 at random moments of capture, refine and compact together; `python -m tests.vault.kills` does more of it."""

from pathlib import Path

import pytest

from etl.vault.config import Config
from tests.vault.kills import kill, table

KILLS = 1


@pytest.mark.long
def test_killed_at_any_moment_nothing_that_was_acknowledged_is_lacking_or_double(
    config: Config, tmp_path: Path
) -> None:
    done = kill(config, KILLS, tmp_path)
    assert (done.lacking, done.double) == (0, 0)
    assert min(done.hits.values()) >= KILLS
    assert done.frames >= done.acknowledged > 0
    assert f"| {config.storage.backend} | " in table([done])
