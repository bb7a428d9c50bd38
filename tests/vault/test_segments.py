"""What is flushed is on the disk, whole; what a crash leaves is cut to what was flushed."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from etl.vault.intake import Intake, Line
from etl.vault.segments import Spool, cut, is_segment, orphans, segment_name
from etl.vault.tally import Tally
from etl.vault.writer import Writer
from tests.vault.played import PATIENCE, unpacked, wait_for

HOUR = 3_600 * 10**9
NOON = 1_786_276_800 * 10**9  # 2026-08-09T12:00:00Z
LIMIT = 1_000


def line(moment: int, text: bytes = b'{"x":1}\n') -> Line:
    return Line(moment, text)


def numbered(count: int, start: int = 0) -> list[Line]:
    return [line(NOON, b"%d\n" % number) for number in range(start, start + count)]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, LIMIT)


def kept(spool: Spool, name: str) -> bytes:
    return unpacked((spool.folder / name).read_bytes())


def test_every_flush_is_a_whole_zstd_frame_that_can_be_read_at_once(spool: Spool) -> None:
    sizes = []
    for start in (0, 3, 6):
        spool.append(numbered(3, start))
        assert spool.written
        sizes.append(spool.written.size)
        assert (spool.folder / spool.written.name).stat().st_size == sizes[-1]
    packed = (spool.folder / spool.written.name).read_bytes()
    texts = [b"".join(each.text for each in numbered(count)) for count in (3, 6, 9)]
    assert [unpacked(packed[:size]) for size in sizes] == texts


def test_a_segment_is_named_by_the_hour_and_the_tenth_of_a_second_of_its_first_line() -> None:
    assert segment_name(NOON) == "segment_20260809T12_00000.ndjson.zst"
    assert segment_name(NOON + 61 * 10**9 + 250_000_000) == "segment_20260809T12_00612.ndjson.zst"
    assert segment_name(NOON + HOUR - 1) == "segment_20260809T12_35999.ndjson.zst"
    assert is_segment(segment_name(NOON))
    assert not is_segment("segment_20260809T12_00000")


def test_names_grow_and_are_never_used_again(spool: Spool) -> None:
    names = []
    for _ in range(12):
        spool.append([line(NOON)])
        names.append(spool.close() or "")
        (spool.folder / names[-1]).unlink()  # brought on
    assert names == sorted(set(names))
    assert segment_name(NOON, after=names[-1]) > names[-1]
    assert segment_name(NOON - 1, after=names[-1]) == "segment_20260809T11_35999.ndjson.zst"


def test_a_name_that_lies_in_the_spool_is_not_taken(spool: Spool) -> None:
    (spool.folder / segment_name(NOON)).write_bytes(b"")
    spool.append([line(NOON)])
    assert spool.close() == "segment_20260809T12_00001.ndjson.zst"


def test_a_segment_is_due_at_the_hour_or_at_its_size_of_lines(spool: Spool) -> None:
    assert not spool.due(NOON)
    spool.append([line(NOON)])
    assert not spool.due(NOON + HOUR - 1)
    assert spool.due(NOON + HOUR)
    spool.append([line(NOON, b"x" * LIMIT + b"\n")])
    assert spool.due(NOON)
    assert spool.close()
    assert not spool.due(NOON + HOUR)
    assert spool.close() is None


def test_a_clock_that_is_set_back_does_not_close_a_segment_unless_by_more_than_an_hour(spool: Spool) -> None:
    spool.append([line(NOON)])
    assert not spool.due(NOON - 1)
    assert not spool.due(NOON - HOUR)
    assert spool.due(NOON - HOUR - 1)


@pytest.mark.parametrize("torn", [b"\x28", b"\x28\xb5\x2f\xfd\x04", b"\0" * 5000, b"rubbish"])
def test_what_a_crash_left_behind_the_last_flush_is_cut(spool: Spool, torn: bytes) -> None:
    spool.append(numbered(100))
    name = spool.close() or ""
    with (spool.folder / name).open("ab") as file:
        file.write(torn)
    assert cut(spool.folder / name) == len(torn)
    assert kept(spool, name) == b"".join(each.text for each in numbered(100))
    assert cut(spool.folder / name) == 0


def test_a_segment_cut_at_any_byte_keeps_every_whole_flush(spool: Spool, tmp_path: Path) -> None:
    ends = [0]
    for start in (0, 5, 10):
        spool.append(numbered(5, start))
        assert spool.written
        ends.append(spool.written.size)
    packed = (spool.folder / spool.written.name).read_bytes()
    for size in range(len(packed) + 1):
        path = tmp_path / "torn"
        path.write_bytes(packed[:size])
        whole = max(end for end in ends if end <= size)
        assert cut(path) == size - whole
        assert (path.read_bytes() if path.exists() else b"") == packed[:whole]


def test_a_flush_of_megabytes_is_seen_to_be_whole(spool: Spool) -> None:
    spool.append([line(NOON, b"x" * 16_000_000 + b"\n")])
    spool.append(numbered(3))
    assert cut(spool.folder / (spool.close() or "")) == 0


def test_an_orphan_without_a_whole_flush_is_nothing(spool: Spool) -> None:
    path = spool.folder / segment_name(NOON)
    path.write_bytes(b"\x28\xb5")
    (spool.folder / ".capture.lock").touch()
    assert orphans(spool.folder) == [path.name]
    assert cut(path) == 2
    assert orphans(spool.folder) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system refuse to make any file larger, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_flush_that_the_disk_refuses_leaves_nothing_and_can_be_made_again(spool: Spool) -> None:
    spool.append(numbered(50))
    assert spool.written
    before, more = spool.written, [line(NOON, random.Random(1).randbytes(5_000) + b"\n")]
    with files_of_at_most(before.size + 100), pytest.raises(OSError, match="too large"):
        spool.append(more)
    assert spool.written == before
    spool.append(numbered(1, 50))  # shorter than what the attempt may have left
    spool.append(more)
    name = spool.close() or ""
    assert cut(spool.folder / name) == 0
    assert kept(spool, name) == b"".join(each.text for each in [*numbered(51), *more])


def test_the_intake_hands_on_what_came_after_so_many_lines_or_so_long() -> None:
    intake = Intake(records=3, seconds=0.05, most_bytes=1_000)
    for number in range(5):
        intake.put(NOON, b"%d\n" % number)
    assert [each.text for each in intake.take()] == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]
    assert intake.take() == []
    intake.put(NOON, b"5\n")
    intake.close()
    assert intake.closed
    assert [each.text for each in intake.take()] == [b"5\n"]


def test_the_intake_is_full_at_its_bytes_and_keeps_what_comes_all_the_same() -> None:
    intake = Intake(records=100, seconds=60, most_bytes=10)
    intake.put(NOON, b"123456789\n")
    assert intake.full
    intake.put(NOON, b"more\n")
    assert len(intake.take()) == 2
    assert not intake.full


def test_the_writer_begins_a_segment_with_every_hour_and_hands_on_each_that_is_closed(spool: Spool) -> None:
    intake, closed = Intake(records=100, seconds=60, most_bytes=10**6), list[str]()
    for hour in (0, 0, 1, 2, 2):
        intake.put(NOON + hour * HOUR, b"%d\n" % hour)
    intake.close()
    tally = Tally("2026-08-09T12:00:00.000000Z")
    Writer(intake, spool, tally, closed.append, None).run()
    assert [kept(spool, name) for name in closed] == [b"0\n0\n", b"1\n", b"2\n2\n"]
    assert closed == [segment_name(NOON + hour * HOUR) for hour in (0, 1, 2)]
    assert (tally.kept, tally.segments, tally.kept_until) == (5, 3, "2026-08-09T14:00:00.000000Z")


def test_the_writer_waits_for_a_disk_that_is_full_and_keeps_everything(spool: Spool) -> None:
    intake, closed = Intake(records=100, seconds=60, most_bytes=10**6), list[str]()
    noise = random.Random(1).randbytes(5_000).replace(b"\n", b"") + b"\n"
    intake.put(NOON, noise)
    intake.close()
    tally = Tally("2026-08-09T12:00:00.000000Z")
    writing = Thread(target=Writer(intake, spool, tally, closed.append, None).run, daemon=True)
    with files_of_at_most(2_000):
        writing.start()
        wait_for(lambda: tally.stalled)
        assert "too large" in (tally.stalled or "")
    writing.join(PATIENCE)
    assert [kept(spool, name) for name in closed] == [noise]
    assert tally.stalled is None
