"""`vault check-storage`: a line for every step, and how to mend what failed."""

from pathlib import Path

import pytest

from etl.vault import check_storage as steps
from etl.vault import storage as room
from etl.vault.config import S3, Config, Storage
from etl.vault.local import LocalFolder
from etl.vault.storage import Storage as Opened
from tests.vault.conftest import Vault
from tests.vault.faulty import Fault, Faulty, two_profiles

pytestmark = pytest.mark.long


def outcomes(printed: str) -> dict[str, str]:
    """The outcome of every step; lines that tell how to mend one are left out."""
    lines = [line.split() for line in printed.splitlines() if line and not line.startswith((" ", "Error", "{"))]
    return {words[1]: words[0] for words in lines}


def test_a_storage_that_can_all_of_it_is_ok_and_left_as_it_was(
    config: Config, storage: Opened, vault_command: Vault
) -> None:
    room.write(storage, "raw/ready/a", b"x")
    done = vault_command(config.storage, "check-storage")
    assert set(outcomes(done.stdout).values()) == {"ok"}
    assert {"write", "read", "list", "delete", "speed"} < set(outcomes(done.stdout))
    assert [each.path for each in room.list_files(storage, "")] == ["raw/ready/a"]
    if isinstance(storage, LocalFolder):
        assert [entry.name for entry in storage.base.iterdir()] == ["raw"]


def failing(vault_command: Vault, settings: S3, failed: str) -> tuple[dict[str, str], str]:
    """Check a bucket that is not ready; return the outcomes, and how to mend the first step that failed."""
    done = vault_command(Storage("s3", s3=settings), "check-storage", code=1)
    assert f"The storage is not ready: {failed} failed." in done.stderr
    lines = done.stdout.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("failed"))
    return outcomes(done.stdout), lines[first + 1].strip().removeprefix("To mend it: ")


def test_without_credentials_it_says_where_to_put_them(vault_command: Vault, s3_settings: S3) -> None:
    bare = S3(s3_settings.bucket, "", "us-east-1", s3_settings.endpoint_url)
    said, fix = failing(vault_command, bare, "credentials")
    assert said["credentials"] == "failed"
    assert {said[name] for name in ("write", "read", "list", "delete", "speed")} == {"skipped"}
    assert fix.startswith("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or storage.s3.profile")


def test_a_bucket_that_is_not_there_is_to_be_made(vault_command: Vault, s3_settings: S3) -> None:
    said, fix = failing(vault_command, s3_settings._replace(bucket="nowhere"), "bucket")
    assert (said["network"], said["write"]) == ("ok", "skipped")
    assert fix == "Create it (`aws s3 mb s3://nowhere --region us-east-1`), or mend storage.s3.bucket."


def test_an_endpoint_that_does_not_answer_is_named(vault_command: Vault, s3_settings: S3) -> None:
    said, fix = failing(vault_command, s3_settings._replace(endpoint_url="http://127.0.0.1:9"), "network")
    assert said["credentials"] == "ok"
    assert "http://127.0.0.1:9 must answer from this machine" in fix


def test_an_endpoint_that_is_no_address_is_named(vault_command: Vault, s3_settings: S3) -> None:
    said, fix = failing(vault_command, s3_settings._replace(endpoint_url="http://my_store:9000"), "credentials")
    assert said["write"] == "skipped"
    assert fix.startswith("Mend storage.s3.endpoint_url")


def test_a_role_that_may_not_be_assumed_is_named(
    vault_command: Vault, s3_settings: S3, faulty: Faulty, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two_profiles(tmp_path, faulty.url, monkeypatch)
    faulty.faults[:] = [Fault("status", "POST", "/", 99, 403, "AccessDenied")]
    bare = S3(s3_settings.bucket, "", "us-east-1", s3_settings.endpoint_url, profile="role")
    said, fix = failing(vault_command, bare, "credentials")
    assert said["write"] == "skipped"
    assert fix.startswith("Let the keys of that profile assume its role (sts:AssumeRole)")


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "failed", "action"),
    [
        (("PUT", "/small"), "write", "s3:PutObject"),
        (("GET", "/small"), "read", "s3:GetObject"),
        (("GET", "list-type"), "list", "s3:ListBucket"),
        (("DELETE", "/small"), "delete", "s3:DeleteObject"),
    ],
)
def test_what_is_not_allowed_is_named_by_its_permission(
    vault_command: Vault, s3_settings: S3, faulty: Faulty, asked: tuple[str, str], failed: str, action: str
) -> None:
    faulty.faults[:] = [Fault("status", *asked, 99, 403, "AccessDenied")]
    said, fix = failing(vault_command, s3_settings._replace(endpoint_url=faulty.url), failed)
    assert said["bucket"] == "ok"
    assert fix.startswith(f"Allow {action} on the bucket {s3_settings.bucket}")


@pytest.mark.long
@pytest.mark.parametrize(
    ("refused", "fix"),
    [
        (("signature", 403, "InvalidAccessKeyId"), "The key is unknown there"),
        (("signature", 403, "SignatureDoesNotMatch"), "The secret does not belong to the key"),
        (("signature", 400, "ExpiredToken"), "The session has ended"),
        (("signature", 403, "RequestTimeTooSkewed"), "Set this machine's clock"),
        (("bucket", 400, "AuthorizationHeaderMalformed"), "Set storage.s3.region to the region"),
    ],
)
def test_what_s3_does_not_take_has_a_fix_of_its_own(
    vault_command: Vault, s3_settings: S3, faulty: Faulty, refused: tuple[str, int, str], fix: str
) -> None:
    failed, status, code = refused
    faulty.faults[:] = [Fault("status", "GET", "list-type", 99, status, code)]
    said, told = failing(vault_command, s3_settings._replace(endpoint_url=faulty.url), failed)
    assert said["network"] == "ok"
    assert told.startswith(fix)


@pytest.mark.long
def test_a_slow_upload_is_told_and_is_no_failure(
    vault_command: Vault, s3_settings: S3, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.faults[:] = [Fault("slow", "PUT", "/large", 99, seconds=0.3)]
    monkeypatch.setattr(steps, "SLOW_BYTES", 28_000_000)  # 8.4 MB in the two slow parts, side by side
    done = vault_command(Storage("s3", s3=s3_settings._replace(endpoint_url=faulty.url)), "check-storage")
    assert outcomes(done.stdout)["speed"] == "slow"
    assert "To mend it: Use a bucket in a region near this machine" in done.stdout


def test_a_store_that_takes_a_second_claim_is_told(
    vault_command: Vault, s3_settings: S3, s3_storage: Opened, faulty: Faulty
) -> None:
    faulty.faults = [Fault("unconditional", "PUT", "/claim", count=2)]
    through = s3_settings._replace(endpoint_url=faulty.url)
    done = vault_command(Storage("s3", s3=through), "check-storage")
    assert outcomes(done.stdout)["claim"] == "slow"
    assert "Let one machine alone capture" in done.stdout
    assert room.list_files(s3_storage, "") == []


def test_a_folder_that_cannot_be_made_is_named(vault_command: Vault, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = vault_command(Storage("local", tmp_path / "file" / "vault"), "check-storage", code=1)
    assert outcomes(done.stdout)["folder"] == "failed"
    assert "storage.base_dir is a file, or lies below one: set another." in done.stdout
