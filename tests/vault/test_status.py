"""`vault status`: what a monitor asks, with an exit code by health."""

import datetime as dt
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from etl.errors import AvailabilityError
from etl.replay.faults import Fault
from etl.replay.recording import read_recording
from etl.replay.server import running as replaying
from etl.vault.alone import alone
from etl.vault.config import Config
from etl.vault.config import Storage as ConfiguredStorage
from etl.vault.segments import ACTIVE, PROCESSING, READY
from etl.vault.status import Status, ailments, status
from etl.vault.storage import Storage, StorageError, list_files, move, write
from tests.vault import lines as told
from tests.vault import played
from tests.vault.conftest import Vault
from tests.vault.played import SESSION, Running, running

ENOUGH = len(read_recording(SESSION).updates) - 20
NOW = dt.datetime(2026, 8, 9, 12, tzinfo=dt.UTC)
WELL = Status(
    "process 1 on here", None, None, "", 1, 20.0, 100, 0, 0, 0, None, None, 0, ready=1, ready_bytes=9,
    ready_since=NOW - dt.timedelta(minutes=2), processing=1, processing_since=NOW, rejected=0,
)  # fmt: skip
LATE = NOW - dt.timedelta(minutes=16)


@pytest.fixture
def configured(config: Config, tmp_path: Path) -> Config:
    return config._replace(capture=config.capture._replace(spool_dir=tmp_path / "spool"))


@pytest.fixture
def capturing(storage: Storage, configured: Config) -> Iterator[Running]:
    """A capture that has lost 7 frames and goes on."""
    with (
        replaying(SESSION, faults=[Fault("skip", 50, 7)], channels=played.SUBSCRIPTIONS) as replay,
        running(replay.url, storage, configured.capture.spool_dir) as run,
    ):
        played.wait_for(lambda: replay.sent and len(replay.sent[0]) >= ENOUGH)
        yield run


def test_who_only_looks_makes_no_folder_that_would_then_be_his(config: Config, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(StorageError, match="nowhere is not there"):
        status(config._replace(storage=config.storage._replace(backend="local", base_dir=nowhere)), NOW)
    assert not nowhere.exists()


@pytest.mark.long
@pytest.mark.usefixtures("no_new_hour", "capturing")
def test_a_vault_at_work_tells_who_is_what_came_and_what_was_lost(configured: Config, storage: Storage) -> None:
    told.make_ready(storage, told.caught([told.trades()]))

    def look() -> Status:
        return status(configured, dt.datetime.now(dt.UTC))

    played.wait_for(lambda: look().received and look().capturing)
    with alone(storage, "refine"):
        found = look()
    assert (found.lost, found.losses, found.breaks, found.stalled) == (7, 1, 0, None)
    assert found.messages_per_second is not None
    assert found.seconds_since_last_frame is not None
    assert found.seconds_since_last_frame < 10
    assert found.capturing
    assert found.capturing.startswith("process ")
    assert (found.refining is None, found.compacting) == (False, None)
    assert (found.ready, found.processing, found.orphans, found.rejected) == (1, 0, 0, 0)
    assert found.ready_bytes == list_files(storage, READY)[0].size
    assert list(ailments(found, dt.datetime.now(dt.UTC))) == []


def test_a_vault_without_capture_is_not_well_and_what_was_left_open_is_counted(
    configured: Config, storage: Storage
) -> None:
    name = "segment_20260105T12_00007"
    write(storage, f"{ACTIVE}/{name}/part_00001.ndjson.zst", b"1")
    configured.capture.spool_dir.mkdir()
    (configured.capture.spool_dir / f"{name.replace('7', '8')}.ndjson.zst").write_bytes(b"2")
    found = status(configured, NOW)
    assert found.orphans == (1 if configured.storage.backend == "local" else 2)
    assert (found.capturing, found.last_frame_at, found.received) == (None, None, None)
    (why,) = ailments(found, NOW)
    assert why.startswith("Nothing is captured: start `availability vault capture`.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"capturing": None}, "Nothing is captured"),
        ({"stalled": "No space left on device in x"}, "Nothing is written: No space left on device in x."),
        ({"seconds_since_last_frame": 61}, "No frame has come for 61 s."),
        ({"seconds_since_last_frame": -3_600}, "The last frame came 3,600 s from now, and none since this clock"),
        ({"ready_since": LATE}, "1 segments wait in raw/ready"),
        ({"processing_since": LATE}, "1 segments are stuck in raw/processing"),
        ({"lost": 7, "losses": 1, "breaks": 2, "rejected": 3}, None),
    ],
)
def test_each_thing_that_is_wrong_is_a_sentence(changes: dict[str, Any], said: str | None) -> None:
    why = list(ailments(WELL._replace(**changes), NOW))
    assert (why == []) if said is None else (len(why) == 1 and why[0].startswith(said))


@pytest.fixture
def said(local_storage: Storage, tmp_path: Path) -> Callable[[str], Status]:
    """What is known an hour after noon, where this is the status file of a capture on a disk."""

    def look(text: str) -> Status:
        write(local_storage, f"{ACTIVE}/.capture.json", text.encode())
        return status(Config(ConfiguredStorage("local", tmp_path / "vault")), NOW + dt.timedelta(hours=1))

    return look


def told_at_noon(pid: int) -> str:
    start = {"started_at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "last_frame_at": None, "received": 0}
    return json.dumps({"pid": pid, "host": socket.gethostname(), **start})


def test_a_feed_that_never_sent_a_frame_is_not_well(said: Callable[[str], Status], local_storage: Storage) -> None:
    with alone(local_storage, "capture"):
        found = said(told_at_noon(os.getpid()))
    assert list(ailments(found, NOW)) == ["No frame has come for 3,600 s."]


def test_what_an_earlier_capture_said_is_not_taken_for_that_of_the_one_at_work(
    said: Callable[[str], Status], local_storage: Storage
) -> None:
    assert said(told_at_noon(1)).received == 0
    with alone(local_storage, "capture"):
        found = said(told_at_noon(1))
    assert (found.received, list(ailments(found, NOW))) == (None, [])


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"last_frame_at": 5}'])
def test_a_status_file_that_is_none_is_named(said: Callable[[str], Status], text: str) -> None:
    with pytest.raises(AvailabilityError, match=r"\.capture\.json is no status of a capture: remove it"):
        said(text)


def test_the_command_says_it_for_people_and_for_machines_with_exit_code_1_where_it_is_not_well(
    vault_command: Vault, config: Config, storage: Storage
) -> None:
    name = told.make_ready(storage, told.caught([told.trades()]))
    move(storage, f"{READY}/{name}", f"{PROCESSING}/{name}")
    shown = vault_command(config.storage, "status", code=1).stdout
    assert "healthy                    no\n" in shown
    assert "processing                 1\n" in shown
    answer = json.loads(vault_command(config.storage, "status", "--json", code=1).stdout)
    assert answer["why"] == ["Nothing is captured: start `availability vault capture`."]
    assert (answer["processing"], answer["ready"], answer["ready_since"]) == (1, 0, None)
    assert list(answer) == ["healthy", "why", *Status._fields]
