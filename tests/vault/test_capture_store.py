"""A store in S3 may be slow, refuse, or lose its writer: what was flushed gets there all the same, once."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from etl.errors import AvailabilityError
from etl.replay.recording import read_recording
from etl.replay.server import Replay
from etl.replay.server import running as replaying
from etl.vault import capture, feed, uploads, writer
from etl.vault.alone import holder
from etl.vault.config import S3
from etl.vault.config import Storage as Settings
from etl.vault.in_store import join_parts, parts_elsewhere
from etl.vault.s3 import Bucket
from etl.vault.segments import ACTIVE, PATTERN, PROCESSING, READY, Spool, orphans
from etl.vault.storage import Storage, delete, list_files, move, open_storage, read, write
from etl.vault.tally import Tally
from tests.vault import played
from tests.vault.faulty import Fault, Faulty
from tests.vault.played import SESSION, Running, frames, running, unpacked

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_new_hour")]

NEWLINE = b"\n"
SECONDS = 0.05
ENOUGH = len(read_recording(SESSION).updates) - 20  # frames of the channels asked for


@pytest.fixture(autouse=True)
def everything_comes_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FIRST_WAIT_SECONDS", SECONDS)
    monkeypatch.setattr(writer, "RETRY_SECONDS", SECONDS)
    monkeypatch.setattr(uploads, "PARTS_SECONDS", SECONDS)
    monkeypatch.setattr(capture, "FLUSH_SECONDS", SECONDS)
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0.01)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def behind_faults(faulty: Faulty, s3_settings: S3) -> Storage:
    """The vault in the bucket, by way of the server that fails as told."""
    return open_storage(Settings("s3", s3=s3_settings._replace(endpoint_url=faulty.url)))


@contextmanager
def capturing(storage: Storage, spool: Path, **settings: Any) -> Iterator[tuple[Replay, Running]]:
    playing = replaying(SESSION, channels=played.SUBSCRIPTIONS)
    with playing as replay, running(replay.url, storage, spool, **settings) as run:
        played.wait_for(lambda: replay.sent and len(replay.sent[0]) >= ENOUGH)
        yield replay, run


def parts(storage: Storage) -> list[str]:
    return [each.path for each in list_files(storage, ACTIVE, "part_*")]


def joined(storage: Storage) -> bytes:
    return b"".join(read(storage, path) for path in parts(storage))


def written(spool: Path) -> bytes:
    return b"".join((spool / name).read_bytes() for name in orphans(spool))


def test_what_is_flushed_is_in_the_store_soon_as_parts_and_later_as_one_segment(
    s3_storage: Storage, spool: Path
) -> None:
    with capturing(s3_storage, spool) as (replay, run):
        played.wait_for(lambda: len(unpacked(joined(s3_storage))) > 50_000)
        played.wait_for(lambda: joined(s3_storage) == written(spool))
        assert played.ready(s3_storage) == []
        run.end()
    assert parts(s3_storage) == []
    assert frames(s3_storage)[:ENOUGH] == replay.sent[0][:ENOUGH]


def test_a_segment_closed_at_the_last_moment_is_brought_as_well(
    s3_storage: Storage, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(SimpleQueue[str]):
        """Tells that nothing is closed, and while that is being looked at, the last segment is."""

        def get(self, *words: Any, **more: Any) -> str:
            if not bringing.done.is_set():
                bringing.add(name)
                bringing.done.set()
                raise Empty
            return super().get(*words, **more)

    monkeypatch.setattr(uploads, "SimpleQueue", Late)
    assert isinstance(s3_storage, Bucket)
    spool.mkdir()
    name = "segment_20260105T12_00007.ndjson.zst"
    (spool / name).write_bytes(played.packed(b"1\n"))
    bringing = uploads.Uploads(s3_storage, Spool(spool, 10**8), Tally(""))
    bringing.put_segments()
    assert played.lines(s3_storage) == [b"1\n"]
    assert orphans(spool) == []


def test_a_machine_that_is_lost_leaves_its_parts_to_the_next_one(s3_storage: Storage) -> None:
    names = [f"{ACTIVE}/segment_20260105T12_00007/part_{number:05d}.ndjson.zst" for number in range(1, 12)]
    for number, name in enumerate(names):
        write(s3_storage, name, played.packed(b"%d\n" % number))
    (name,) = parts_elsewhere(s3_storage, [])
    join_parts(s3_storage, name)
    assert parts(s3_storage) == []
    assert played.ready(s3_storage) == [f"{READY}/segment_20260105T12_00007.ndjson.zst"]
    assert b"".join(played.lines(s3_storage)) == b"".join(b"%d\n" % number for number in range(11))


@pytest.mark.parametrize("eager", [False, True], ids=["refine later", "refine at once"])
@pytest.mark.parametrize("first", range(8))
def test_a_lost_machine_and_who_joins_its_parts_may_die_anywhere_and_every_line_is_refined_once(
    s3_storage: Storage, spool: Path, first: int, *, eager: bool
) -> None:
    """Of a segment of five flushes three are in parts; another machine joins them, then the lost one comes back."""
    assert isinstance(s3_storage, Bucket)
    spool.mkdir()
    flushes = [played.packed(b"%d\n" % number) for number in range(5)]
    for second in range(first % 2, 10, 2):
        name, refined = f"segment_20260105T12_{second:05d}.ndjson.zst", dict[str, bytes]()
        for number, flush in enumerate(flushes[:3], 1):
            write(s3_storage, f"{ACTIVE}/{name.partition('.')[0]}/part_{number:05d}.ndjson.zst", flush)
        for steps in (first, 99):  # killed, and the next one
            killed_after(s3_storage, steps, lambda: join_all(s3_storage))
            refine(s3_storage, refined, eager=eager)
        (spool / name).write_bytes(b"".join(flushes))
        for steps in (second, 99):
            killed_after(s3_storage, steps, lambda: bring(s3_storage, spool))
            refine(s3_storage, refined, eager=eager)
        refine(s3_storage, refined, eager=True)
        assert sorted(b"".join(refined.values())) == sorted(b"".join(b"%d\n" % number for number in range(5)))
        assert orphans(spool) == [] == list_files(s3_storage, ACTIVE)


def join_all(storage: Storage) -> None:
    for name in parts_elsewhere(storage, []):
        join_parts(storage, name)


def bring(storage: Bucket, spool: Path) -> None:
    """Do at the start of a capture what it does with what an earlier one has left."""
    left = uploads.Uploads(storage, Spool(spool, 1000), Tally(""))
    for name in orphans(spool):
        left.add(name)
    left.done.set()
    left.put_segments()


def refine(storage: Storage, refined: dict[str, bytes], *, eager: bool) -> None:
    """Take ready segments away; what they become has the name of the segment and of its first line.

    One name stands for the same lines for ever: what `vault compact` has merged it does not merge again.
    """
    for path in played.ready(storage) if eager else []:
        text = unpacked(read(storage, path))
        assert refined.setdefault(f"{path} {text.partition(NEWLINE)[0]!r}", text) == text
        delete(storage, path)


def killed_after(storage: Bucket, steps: int, work: Callable[[], object]) -> None:
    """Do a work up to so many changes of the store, as one that is killed then."""
    left = iter(range(steps))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("put_object", "delete_object", "copy_object"):
            patch.setattr(storage.client, name, dies_after(left, getattr(storage.client, name)))
        with suppress(KeyboardInterrupt):
            work()
    delete(storage, f"{ACTIVE}/.capture.lock")


def dies_after(left: Iterator[int], call: Callable[..., Any]) -> Callable[..., Any]:
    """Let so many calls be done, then end as a kill would."""

    def called(**words: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return call(**words)

    return called


@pytest.mark.long
def test_a_capture_to_the_same_place_by_another_machine_is_refused(s3_storage: Storage, spool: Path) -> None:
    with capturing(s3_storage, spool) as (replay, run):
        played.wait_for(lambda: parts(s3_storage))
        with running(replay.url, s3_storage, spool.with_name("other")) as other:
            played.wait_for(lambda: not other.alive)
            with pytest.raises(AvailabilityError, match="is held for `vault capture` by process"):
                other.end()
        run.end()
    (mine,) = [path for path in played.ready(s3_storage) if path]
    assert unpacked(read(s3_storage, mine)).count(b"\n") > ENOUGH


@pytest.mark.long
def test_a_segment_stored_before_a_crash_is_not_stored_again(s3_storage: Storage, spool: Path) -> None:
    with capturing(s3_storage, spool) as (_, run):
        run.end()
    (path,) = played.ready(s3_storage)
    name = path.rpartition("/")[2]
    (spool / name).write_bytes(read(s3_storage, path))  # as if the crash came before it was removed
    move(s3_storage, path, f"{PROCESSING}/{name}")
    with capturing(s3_storage, spool) as (_, run):
        run.end()
    assert path not in played.ready(s3_storage)
    assert orphans(spool) == []


@pytest.mark.long
def test_a_store_that_fails_for_a_while_loses_nothing(behind_faults: Storage, faulty: Faulty, spool: Path) -> None:
    faulty.faults = [Fault("status", "PUT", count=10), Fault("reset", "GET", "list-type", count=8)]
    with capturing(behind_faults, spool) as (replay, run):
        played.wait_for(lambda: not faulty.faults[0].count)
        run.end()
    assert frames(behind_faults)[:ENOUGH] == replay.sent[0][:ENOUGH]
    assert parts(behind_faults) == []


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_store_that_refuses_us_ends_capture_at_once(
    behind_faults: Storage, faulty: Faulty, spool: Path, method: str
) -> None:
    faulty.faults = [Fault("status", method, count=10**9, status=403, code="AccessDenied")]
    with running("ws://127.0.0.1:9", behind_faults, spool) as run:
        played.wait_for(lambda: not run.alive)
        with pytest.raises(AvailabilityError, match=r"Cannot \w+ .* 403 AccessDenied"):
            run.end()


@pytest.mark.long
def test_a_store_that_takes_nothing_stops_the_receiving_at_the_limit_of_the_spool_and_loses_nothing(
    behind_faults: Storage, faulty: Faulty, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "INTAKE_BYTES", 50_000)
    refuse = Fault("status", "PUT", "segment_", count=10**9, status=403, code="AccessDenied")
    faulty.faults = [refuse]
    with (
        replaying(SESSION, repeat=20, channels=played.SUBSCRIPTIONS) as replay,
        running(replay.url, behind_faults, spool, segment_bytes=100_000, most_bytes=50_000) as run,
    ):
        played.wait_for(lambda: _status(spool).get("stalled") and _status(spool)["waiting"])
        received = _renewed(spool)["received"]
        again = _renewed(spool)
        assert "the spool holds" in again["stalled"]
        assert again["received"] == received < len(replay.sent[0])
        assert len(written(spool)) < 200_000
        refuse.count = 0
        played.wait_for(lambda: _status(spool)["received"] >= ENOUGH * 20)
        run.end()
    assert frames(behind_faults)[: ENOUGH * 20] == replay.sent[0][: ENOUGH * 20]


@pytest.mark.long
def test_what_the_store_does_not_take_in_the_end_stays_in_the_spool_for_the_next_capture(
    behind_faults: Storage, faulty: Faulty, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "DRAIN_SECONDS", 3)
    faulty.faults = [Fault("status", "PUT", "segment_", count=10**9, status=403, code="AccessDenied")]
    with (
        capturing(behind_faults, spool) as (replay, run),
        pytest.raises(capture.NotBroughtError, match="1 segments wait in the spool"),
    ):
        run.end()
    first = replay.sent[0]
    assert played.ready(behind_faults) == []
    faulty.faults = []
    monkeypatch.undo()
    played.wait_for(lambda: holder(behind_faults, "capture") is None)  # its thread ends by itself
    with capturing(behind_faults, spool) as (_, run):
        run.end()
    assert frames(behind_faults)[:ENOUGH] == first[:ENOUGH]
    assert [path for path in spool.iterdir() if path.match(PATTERN)] == []


@pytest.mark.long
def test_a_spool_that_is_lost_as_well_costs_only_what_was_not_in_a_part(s3_storage: Storage, spool: Path) -> None:
    with capturing(s3_storage, spool) as (replay, run):
        played.wait_for(lambda: unpacked(joined(s3_storage)).count(b"\n") > ENOUGH)
        played.wait_for(lambda: joined(s3_storage) == written(spool))
        kept = spool.with_name("kept")
        kept.mkdir()
        for name in orphans(spool):
            shutil.copy(spool / name, kept)
        run.end()
    (path,) = played.ready(s3_storage)
    whole = read(s3_storage, path)
    beginning = len(written(kept))
    assert whole[:beginning] == written(kept)
    assert unpacked(whole[:beginning]).count(b"\n") > ENOUGH
    assert replay.sent


def _renewed(spool: Path) -> dict[str, Any]:
    """Return the next status: it is renewed every second."""
    before = _status(spool)["updated_at"]
    played.wait_for(lambda: _status(spool)["updated_at"] != before)
    return _status(spool)


def _status(spool: Path) -> dict[str, Any]:
    path = spool / ".capture.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found
