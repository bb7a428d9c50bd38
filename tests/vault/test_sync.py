"""`vault sync`: what is lacking is copied and read again, and nothing that is there is touched."""

import subprocess
import sys
from pathlib import Path

import pytest

from etl.vault import storage as room
from etl.vault.config import S3, Storage
from etl.vault.storage import Storage as Opened
from tests.vault.conftest import Vault
from tests.vault.faulty import Fault, Faulty

pytestmark = pytest.mark.long

BIG = b"0123456789abcdef" * 400_000  # 6.4 MB, in two parts
FILES = {
    "processed/coinbase/ticker/date=2025-12-03/part_1.parquet": BIG,
    "raw/ready/a.zst": b"a",
    "raw/ready/b.zst": b"",
}


@pytest.fixture
def both(tmp_path: Path, s3_settings: S3) -> Storage:
    """A configuration of both backends."""
    return Storage("local", tmp_path / "vault", s3_settings)


def held(storage: Opened) -> dict[str, bytes]:
    return {each.path: room.read(storage, each.path) for each in room.list_files(storage, "")}


def fill(storage: Opened, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        room.write(storage, path, data)


@pytest.mark.parametrize("way", [("local", "s3"), pytest.param(("s3", "local"), marks=pytest.mark.long)])
def test_a_vault_is_copied_there_and_back_and_a_second_time_changes_nothing(
    vault_command: Vault, both: Storage, local_storage: Opened, s3_storage: Opened, way: tuple[str, str]
) -> None:
    source, target = (local_storage, s3_storage) if way[0] == "local" else (s3_storage, local_storage)
    fill(source, FILES | {"raw/active/coinbase/open.zst": b"still being written"})
    fill(target, {"only/there": b"stays"})
    done = vault_command(both, "sync", *way)
    assert (
        "3 files copied and verified (6.4 MB), 0 there already (by their size), 0 gone meanwhile, 1 only there."
        in done.stdout
    )
    assert held(target) == FILES | {"only/there": b"stays"}
    again = vault_command(both, "sync", *way, "--verify")
    assert "0 files copied and verified (0.0 MB), 3 there already (verified)" in again.stdout


def test_what_is_there_with_another_size_is_named_and_left(
    vault_command: Vault, both: Storage, local_storage: Opened, s3_storage: Opened
) -> None:
    fill(local_storage, {"a": b"long", "b": b"new"})
    fill(s3_storage, {"a": b"brief"})
    done = vault_command(both, "sync", "local", "s3", code=1)
    assert "base/a: it is there already with 5 bytes instead of 4." in done.stderr
    assert "1 files are not copied: run it again for them." in done.stderr
    assert held(s3_storage) == {"a": b"brief", "b": b"new"}


@pytest.mark.long
def test_what_is_there_with_another_content_is_found_by_verifying(
    vault_command: Vault, both: Storage, local_storage: Opened, s3_storage: Opened
) -> None:
    fill(local_storage, {"a": b"one"})
    fill(s3_storage, {"a": b"two"})
    vault_command(both, "sync", "local", "s3")
    done = vault_command(both, "sync", "local", "s3", "--verify", code=1)
    assert "it has the right size and another content." in done.stderr
    assert held(s3_storage) == {"a": b"two"}


@pytest.mark.long
def test_what_broke_off_is_completed_by_the_next_run(
    vault_command: Vault, both: Storage, local_storage: Opened, s3_storage: Opened, faulty: Faulty
) -> None:
    fill(local_storage, FILES)
    faulty.faults[:] = [Fault("status", "PUT", "partNumber=2", 99, 403, "AccessDenied")]
    before = both._replace(s3=both.s3._replace(endpoint_url=faulty.url))
    done = vault_command(before, "sync", "local", "s3", code=1)
    assert "2 files copied and verified" in done.stdout
    assert "AccessDenied" in done.stderr
    faulty.faults.clear()
    assert (
        "1 files copied and verified (6.4 MB), 2 there already" in vault_command(before, "sync", "local", "s3").stdout
    )
    assert held(s3_storage) == FILES


@pytest.mark.long
def test_a_copy_that_arrives_otherwise_is_taken_away_again(
    vault_command: Vault, both: Storage, local_storage: Opened, s3_storage: Opened, faulty: Faulty
) -> None:
    fill(local_storage, {"a": b"hello"})
    faulty.faults[:] = [Fault("other", "GET", "/base/a", 99)]
    before = both._replace(s3=both.s3._replace(endpoint_url=faulty.url))
    done = vault_command(before, "sync", "local", "s3", code=1)
    assert "what arrived is not what was sent." in done.stderr
    assert held(s3_storage) == {}


def test_a_source_and_a_target_are_two_and_both_are_configured(vault_command: Vault, both: Storage) -> None:
    said = vault_command(both, "sync", "s3", "s3", code=2).stderr
    assert "SOURCE and TARGET are both s3: nothing to copy." in said
    said = vault_command(both._replace(s3=S3()), "sync", "local", "s3", code=2).stderr
    assert "storage.s3.bucket is missing, and the backend s3 needs it." in said


@pytest.mark.long
def test_what_is_deleted_at_the_source_meanwhile_is_no_failure(
    vault_command: Vault, both: Storage, local_storage: Opened, s3_storage: Opened, faulty: Faulty
) -> None:
    fill(s3_storage, {"a": b"x", "b": b"y"})
    faulty.faults[:] = [Fault("status", "GET", "/base/a", 99, 404, "NoSuchKey")]
    before = both._replace(s3=both.s3._replace(endpoint_url=faulty.url))
    assert "1 gone meanwhile" in vault_command(before, "sync", "s3", "local").stdout
    assert held(local_storage) == {"b": b"y"}


@pytest.mark.parametrize("words", [["sync", "local", "s3"], ["capture", "--help"], ["--help"]])
def test_without_the_packages_of_the_vault_it_says_how_to_get_them(words: list[str]) -> None:
    without = "import sys; sys.modules['botocore'] = None; from etl.__main__ import main; main()"
    command = [sys.executable, "-c", without, "vault", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: The vault needs botocore: install it by pip install '.[vault]'.\n",
    )
