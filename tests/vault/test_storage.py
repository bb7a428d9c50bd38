"""The storage: the same promises on a disk and in a bucket."""

import datetime as dt
from collections.abc import Iterator

import pytest

from etl.vault import storage as room
from etl.vault.local import LocalFolder
from etl.vault.storage import Storage, StorageAbsent, StorageError
from etl.vault.stored import PIECE_BYTES

pytestmark = pytest.mark.long

PART = 5 * 1024 * 1024
BIG = bytes(range(256)) * (PART // 256) + b"and a little more"


def names(storage: Storage, folder: str = "", pattern: str = "*") -> list[str]:
    return [each.path for each in room.list_files(storage, folder, pattern)]


@pytest.mark.parametrize("data", [b"", b"hello", BIG], ids=["empty", "small", "above-5-MB"])
def test_what_is_written_is_read_as_a_whole_and_as_a_stream(storage: Storage, data: bytes) -> None:
    room.write(storage, "raw/ready/a", data)
    assert room.read(storage, "raw/ready/a") == data
    assert b"".join(room.stream(storage, "raw/ready/a")) == data


def test_pieces_of_any_size_become_one_file(storage: Storage) -> None:
    room.write(storage, "a", iter([b"", b"one", b"x" * PART, b"", b"two"]))
    assert room.read(storage, "a") == b"one" + b"x" * PART + b"two"
    room.write(storage, "a", iter([]))
    assert room.read(storage, "a") == b""


def test_a_range_is_what_lies_there_and_no_more(storage: Storage) -> None:
    room.write(storage, "a", b"0123456789")
    assert room.read_range(storage, "a", 2, 3) == b"234"
    assert room.read_range(storage, "a", 8, 100) == b"89"


def test_a_range_outside_of_a_file_is_refused(storage: Storage) -> None:
    room.write(storage, "a", b"0123456789")
    for start, length in ((10, 1), (-1, 1), (0, 0)):
        with pytest.raises(StorageError) as refused:
            room.read_range(storage, "a", start, length)
        assert not isinstance(refused.value, StorageAbsent)


def test_a_listing_is_of_everything_below_a_folder_by_path_with_size_and_time(storage: Storage) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    for path in ("raw/b/2", "raw/b/1", "raw/a", "raw-not/c", "top"):
        room.write(storage, path, path.encode())
    assert names(storage) == ["raw-not/c", "raw/a", "raw/b/1", "raw/b/2", "top"]
    assert names(storage, "raw") == ["raw/a", "raw/b/1", "raw/b/2"]
    found = room.list_files(storage, "raw/b")[0]
    assert (found.path, found.size) == ("raw/b/1", 7)
    assert before < found.last_modified < before + dt.timedelta(seconds=30)


def test_a_pattern_is_for_the_name_of_the_file_alone(storage: Storage) -> None:
    for path in ("a/segment_1.zst", "a/segment_2.txt", "a/zst/other"):
        room.write(storage, path, b"x")
    assert names(storage, "a", "*.zst") == ["a/segment_1.zst"]
    assert names(storage, "", "segment_?.*") == ["a/segment_1.zst", "a/segment_2.txt"]


def test_a_folder_that_is_not_there_holds_nothing(storage: Storage) -> None:
    room.write(storage, "file", b"x")
    assert names(storage, "nowhere") == []
    assert names(storage, "file") == []


def test_odd_names_are_names(storage: Storage) -> None:
    odd = "product_id=BTC-USD/date=2025-12-03/ü b+c&d#1%.zst"
    room.write(storage, odd, b"x")
    assert names(storage, "product_id=BTC-USD") == [odd]
    assert room.read(storage, odd) == b"x"
    room.move(storage, odd, f"{odd}2")
    assert names(storage) == [f"{odd}2"]


def test_what_is_no_path_below_the_base_is_refused(storage: Storage) -> None:
    for path in ("", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\0"):
        for attempt in (room.read, room.delete, room.exists, lambda place, path: room.write(place, path, b"x")):
            with pytest.raises(StorageError, match="no path below"):
                attempt(storage, path)


def test_what_is_not_there_is_said_to_be_absent_by_reading_and_moving(storage: Storage) -> None:
    room.write(storage, "folder/file", b"x")
    for path in ("nowhere", "folder", "folder/file/below"):
        assert not room.exists(storage, path)
        with pytest.raises(StorageAbsent):
            room.read(storage, path)
        with pytest.raises(StorageAbsent):
            room.read_range(storage, path, 0, 1)
        with pytest.raises(StorageAbsent):
            room.move(storage, path, "elsewhere")


def test_deleting_twice_is_as_good_as_once(storage: Storage) -> None:
    room.write(storage, "a", b"x")
    room.delete(storage, "a")
    room.delete(storage, "a")
    assert not room.exists(storage, "a")


def test_a_file_whose_name_begins_another_ones_is_not_that_one(storage: Storage) -> None:
    room.write(storage, "a1", b"x")
    assert not room.exists(storage, "a")
    assert room.exists(storage, "a1")


def test_moving_replaces_what_has_the_name(storage: Storage) -> None:
    room.write(storage, "old/a", b"new")
    room.write(storage, "new/a", b"old")
    room.move(storage, "old/a", "new/a")
    assert names(storage) == ["new/a"]
    assert room.read(storage, "new/a") == b"new"


@pytest.mark.parametrize("sent", [b"little", BIG], ids=["small", "above-5-MB"])
def test_a_write_whose_source_fails_leaves_what_was_there(storage: Storage, sent: bytes) -> None:
    def source() -> Iterator[bytes]:
        yield sent
        raise RuntimeError("the source broke")

    room.write(storage, "a", b"before")
    with pytest.raises(RuntimeError, match="the source broke"):
        room.write(storage, "a", source())
    assert room.read(storage, "a") == b"before"
    assert names(storage) == ["a"]


def test_a_stream_is_of_one_version_or_fails(storage: Storage) -> None:
    old, new = b"1" * (PIECE_BYTES + 1), b"2" * (PIECE_BYTES + 1)
    room.write(storage, "a", old)
    pieces = room.stream(storage, "a")
    got = next(pieces)
    room.write(storage, "a", new)
    if isinstance(storage, LocalFolder):
        assert got + b"".join(pieces) == old
    else:
        with pytest.raises(StorageError, match="PreconditionFailed"):
            next(pieces)


def test_parts_of_a_path_are_joined_by_one_slash() -> None:
    assert room.join("raw/", "/ready", "", "a.zst") == "raw/ready/a.zst"
