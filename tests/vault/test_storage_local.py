"""The storage on a disk: whole or not at all, and on the disk before it is said to be."""

import os
from pathlib import Path

import pytest

from etl.vault import storage as room
from etl.vault.storage import Storage, StorageAbsent, StorageError


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is brought to the disk and renamed, in order."""
    done: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def synced(number: int) -> None:
        done.append(("fsync", Path(f"/proc/self/fd/{number}").readlink().name))
        fsync(number)

    def replaced(old: str | Path, new: str | Path) -> None:
        done.append(("rename", Path(new).name))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    return done


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_the_write_returns(
    local_storage: Storage, steps: list[tuple[str, str]]
) -> None:
    room.write(local_storage, "raw/a", b"x")
    made, written, named, kept = steps
    assert made == ("fsync", "vault")  # that there is a folder raw
    assert written[0] == "fsync"
    assert written[1].startswith(".a.")
    assert (named, kept) == (("rename", "a"), ("fsync", "raw"))


def test_a_move_is_one_step_and_both_folders_are_brought_to_the_disk(
    local_storage: Storage, steps: list[tuple[str, str]]
) -> None:
    room.write(local_storage, "old/a", b"x")
    room.write(local_storage, "new/b", b"y")
    steps.clear()
    room.move(local_storage, "old/a", "new/b")
    assert steps == [("rename", "b"), ("fsync", "new"), ("fsync", "old")]


def test_what_a_killed_process_left_is_not_listed_and_is_gone_after_the_next_write(
    local_storage: Storage, tmp_path: Path
) -> None:
    left = tmp_path / "vault" / ".a.0123abcd.part~"
    fresh = tmp_path / "vault" / ".a.89abcdef.part~"
    for file in (left, fresh):
        file.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert room.list_files(local_storage, "") == []
    room.write(local_storage, "a", b"whole")
    assert [file.name for file in (tmp_path / "vault").iterdir() if file.name.startswith(".")] == [fresh.name]


def test_a_base_that_is_gone_is_an_error_and_never_an_empty_vault(local_storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "vault").rmdir()
    for attempt in (
        lambda: room.list_files(local_storage, "raw"),
        lambda: room.read(local_storage, "a"),
        lambda: room.exists(local_storage, "a"),
        lambda: room.delete(local_storage, "a"),
    ):
        with pytest.raises(StorageError, match="vault is not there") as refused:
            attempt()
        assert not isinstance(refused.value, StorageAbsent)


def test_a_file_where_a_folder_should_be_is_named(local_storage: Storage) -> None:
    room.write(local_storage, "raw", b"x")
    with pytest.raises(StorageError, match=r"Cannot write .*/raw/a: file exists\."):
        room.write(local_storage, "raw/a", b"x")


def test_a_written_file_may_be_read_by_whom_the_umask_lets(local_storage: Storage, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        room.write(local_storage, "a", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "vault" / "a").stat().st_mode & 0o777 == 0o640
