"""The short form of `make chaos`: some faults, and flips under load."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos.archive import ARCHIVE
from tests.chaos.flips import flip_under_load
from tests.chaos.ground import Ground, NotHereError, prepared
from tests.chaos.machine import MACHINE, kills
from tests.chaos.trial import Trial, survive

pytestmark = pytest.mark.long
_SHORT = (
    "503 for one symbol",
    "half a page with a matching length",
    "SIGTERM after 35 % of a run",
    "disk full",
    "folder read-only",
    "two runs at once",
    "warehouse spoiled",
    "site folder removed under the server",
    "old build deleted while a reader streams it",
)
_KILLS = 3
TRIALS = [each for each in [*ARCHIVE, *MACHINE] if each.name in _SHORT]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with prepared(tmp_path_factory.mktemp("chaos")) as ground:
        yield ground


def test_the_short_form_leaves_out_no_fault_that_it_names() -> None:
    assert {each.name for each in TRIALS} == set(_SHORT)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_fault_is_named_loses_nothing_is_never_seen_by_a_reader_and_heals(
    trial: Trial, ground: Ground, tmp_path: Path
) -> None:
    try:
        seen = survive(ground, trial, tmp_path / "place")
    except NotHereError as lack:
        pytest.skip(str(lack))
    assert seen.harms == []


def test_a_killed_run_loses_nothing_is_never_seen_by_a_reader_and_heals(ground: Ground, tmp_path: Path) -> None:
    for number, trial in enumerate(islice(kills(), _KILLS)):
        assert survive(ground, trial, tmp_path / str(number)).harms == []


def test_flips_under_load_fail_mix_and_delay_nothing(ground: Ground, tmp_path: Path) -> None:
    flipped = flip_under_load(ground, tmp_path / "flips", flips=4)
    assert (flipped.failed, flipped.mixed, flipped.stale) == ([], [], [])
    assert flipped.asked > 100
