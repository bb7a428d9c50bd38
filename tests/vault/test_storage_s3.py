"""The storage in a bucket, when S3 or the way to it fails: a server on loopback fails as told."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from etl.vault import retries
from etl.vault import storage as room
from etl.vault.config import S3, Secret
from etl.vault.retries import WAITS
from etl.vault.s3 import Bucket, open_bucket
from etl.vault.storage import StorageAbsent, StorageError
from tests.vault.faulty import Fault, Faulty, two_profiles

pytestmark = pytest.mark.long

PART = 5 * 1024 * 1024
ATTEMPTS = 4
# What is done, and the method of the request by which S3 is asked for it.
OPERATIONS: dict[str, tuple[str, Callable[[Bucket], Any]]] = {
    "read": ("GET", lambda vault: room.read(vault, "a")),
    "range": ("GET", lambda vault: room.read_range(vault, "a", 0, 1)),
    "list": ("GET", lambda vault: room.list_files(vault, "")),
    "exists": ("GET", lambda vault: room.exists(vault, "a")),
    "write": ("PUT", lambda vault: room.write(vault, "b", b"x")),
    "move": ("PUT", lambda vault: room.move(vault, "a", "c")),
    "delete": ("DELETE", lambda vault: room.delete(vault, "a")),
}
LONG = pytest.mark.long
EACH = pytest.mark.parametrize("operation", OPERATIONS)


@pytest.fixture
def server(faulty: Faulty) -> Faulty:
    """The server that fails, with the faults and requests of one test."""
    faulty.faults.clear()
    faulty.seen.clear()
    return faulty


@pytest.fixture(scope="session")
def opened_before_faulty(faulty: Faulty) -> Bucket:
    """One client for all tests."""
    settings = S3("any", "base", "us-east-1", faulty.url, access_key_id="key", secret_access_key=Secret("hush"))
    return open_bucket(settings)


@pytest.fixture
def vault(server: Faulty, opened_before_faulty: Bucket, bucket: str) -> Bucket:
    """A vault in a bucket behind that server, with one file."""
    opened = opened_before_faulty._replace(bucket=bucket)
    room.write(opened, "a", b"hello")
    server.seen.clear()
    return opened


def unfinished(vault: Bucket) -> int:
    """Uploads in parts that were begun and neither completed nor aborted."""
    return len(vault.client.list_multipart_uploads(Bucket=vault.bucket).get("Uploads", []))


@EACH
@pytest.mark.parametrize("kind", ["status", pytest.param("reset", marks=LONG)])
def test_what_fails_for_a_moment_is_tried_again(vault: Bucket, server: Faulty, operation: str, kind: str) -> None:
    method, attempt = OPERATIONS[operation]
    server.faults.append(Fault(kind, method, count=2))
    attempt(vault)
    assert server.faults[0].count == 0


@pytest.mark.parametrize("status", [503, *(pytest.param(status, marks=LONG) for status in (429, 500, 502, 504))])
def test_every_status_that_passes_is_tried_three_times_more_and_then_told(
    vault: Bucket, server: Faulty, status: int
) -> None:
    server.faults.append(Fault("status", "GET", count=99, status=status, code="Busy"))
    with pytest.raises(StorageError, match=rf"Cannot read s3://.*/base/a: HTTP {status} Busy, As told\."):
        room.read(vault, "a")
    assert len(server.seen) == ATTEMPTS


@EACH
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AccessDenied"),
        pytest.param(404, "NoSuchBucket", marks=LONG),
        pytest.param(400, "InvalidArgument", marks=LONG),
    ],
)
def test_what_will_not_pass_is_asked_once_and_is_an_error_and_not_absent(
    vault: Bucket, server: Faulty, operation: str, status: int, code: str
) -> None:
    method, attempt = OPERATIONS[operation]
    server.faults.append(Fault("status", method, count=99, status=status, code=code))
    with pytest.raises(StorageError, match=f"HTTP {status} {code}") as refused:
        attempt(vault)
    assert refused.value.code == code
    assert not isinstance(refused.value, StorageAbsent)
    assert len(server.seen) == 1


def test_only_a_key_that_is_not_there_is_absent_and_it_is_asked_for_once(vault: Bucket, server: Faulty) -> None:
    with pytest.raises(StorageAbsent):
        room.read(vault, "nowhere")
    assert len(server.seen) == 1


def test_a_bucket_that_is_not_there_is_an_error_for_every_operation(vault: Bucket) -> None:
    nowhere = vault._replace(bucket="nowhere")
    for _, attempt in OPERATIONS.values():
        with pytest.raises(StorageError, match="NoSuchBucket") as refused:
            attempt(nowhere)
        assert not isinstance(refused.value, StorageAbsent)


@pytest.mark.long
def test_the_waits_are_one_two_and_four_seconds(vault: Bucket, server: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "WAITS", WAITS)
    server.faults.append(Fault("status", "GET", count=99))
    slept = list[float]()
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=slept.append))
    with pytest.raises(StorageError):
        room.read(vault, "a")
    assert slept == [1, 2, 4]


@EACH
def test_a_store_that_never_answers_is_tried_three_times_more_and_then_told(
    vault: Bucket, server: Faulty, operation: str
) -> None:
    method, act = OPERATIONS[operation]
    server.faults[:] = [Fault("reset", method, count=99)]
    with pytest.raises(StorageError) as caught:
        act(vault)
    assert caught.value.code == "Unreachable"
    assert [each.method for each in server.seen] == [method] * ATTEMPTS


def test_an_answer_that_breaks_off_is_read_again(vault: Bucket, server: Faulty) -> None:
    server.faults.append(Fault("cut", "GET", count=2))
    assert room.read(vault, "a") == b"hello"
    server.faults.append(Fault("cut", "GET", count=99))
    with pytest.raises(StorageError, match="Connection broken"):
        room.read(vault, "a")


def test_a_stream_goes_on_where_it_broke_off(vault: Bucket, server: Faulty) -> None:
    data = bytes(range(256)) * (PART // 100)
    room.write(vault, "big", data)
    pieces = room.stream(vault, "big")
    got = next(pieces)
    server.faults.append(Fault("cut", "GET", count=1))
    server.faults.append(Fault("reset", "GET", count=1))
    assert got + b"".join(pieces) == data


def test_a_listing_that_is_none_is_an_error_and_not_an_empty_vault(vault: Bucket, server: Faulty) -> None:
    server.faults.append(Fault("html", "GET"))
    with pytest.raises(StorageError, match="the answer is no listing"):
        room.list_files(vault, "")
    server.faults[:] = [Fault("html", "GET")]
    with pytest.raises(StorageError, match="the answer is no listing"):
        room.exists(vault, "a")


def test_an_error_in_an_answer_of_status_200_is_an_error(vault: Bucket, server: Faulty) -> None:
    server.faults.append(Fault("status", "GET", count=99, status=200, code="InternalError"))
    with pytest.raises(StorageError, match="HTTP 500 InternalError"):
        room.list_files(vault, "")
    server.faults[:] = [Fault("status", "PUT", count=99, status=200, code="InternalError")]
    with pytest.raises(StorageError, match="HTTP 500 InternalError"):
        room.move(vault, "a", "c")
    assert room.exists(vault, "a")


def test_a_listing_whose_second_page_fails_is_an_error(
    vault: Bucket, server: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for name in "bcd":
        room.write(vault, name, b"x")
    assert len(room.list_files(vault, "")) == 4
    for kind in ("html", "status"):
        server.faults[:] = [Fault(kind, "GET", "continuation-token", count=99, status=403, code="AccessDenied")]
        with pytest.raises(StorageError):
            room.list_files(vault, "")


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (rb"<NextContinuationToken>.*?</NextContinuationToken>", "truncated and does not say how to go on"),
        (rb"(?s)<Contents>.*?</Contents>", "counts 2 names but holds 1"),
    ],
)
def test_half_a_listing_is_an_error_and_not_a_smaller_vault(
    vault: Bucket, server: Faulty, monkeypatch: pytest.MonkeyPatch, lacking: bytes, said: str
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for name in "bcd":
        room.write(vault, name, b"x")
    server.faults[:] = [Fault("without", "GET", "list-type", lacking=lacking)]
    with pytest.raises(StorageError, match=said):
        room.list_files(vault, "")


def test_up_to_5_mb_are_one_request_and_above_are_parts_of_5_mb_and_a_rest(vault: Bucket, server: Faulty) -> None:
    room.write(vault, "one", b"x" * PART)
    assert [(each.method, each.size >= PART) for each in server.seen] == [("PUT", True)]
    server.seen.clear()
    room.write(vault, "parts", iter([b"x" * 3_000_000] * 4))
    sizes = sorted(each.size for each in server.seen if each.method == "PUT")
    assert len(sizes) == 3
    assert sum(size >= PART for size in sizes) == 2
    assert [each.method for each in server.seen if each.method != "PUT"] == ["POST", "POST"]


def test_a_part_that_fails_for_a_moment_is_sent_again_and_no_other(vault: Bucket, server: Faulty) -> None:
    server.faults += [Fault("status", "PUT", "partNumber=2", count=2), Fault("reset", "PUT", "partNumber=1")]
    room.write(vault, "b", b"x" * (PART + 1))
    sent = [match[0] for each in server.seen if (match := re.search(r"partNumber=\d", each.target))]
    assert sorted(sent) == ["partNumber=1"] * 2 + ["partNumber=2"] * 3
    assert room.read(vault, "b") == b"x" * (PART + 1)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("status", "PUT", "partNumber=2", 99, 403, "AccessDenied"), id="a part refused"),
        pytest.param(Fault("status", "PUT", "partNumber=1", 99), id="a part 503", marks=LONG),
        pytest.param(Fault("reset", "PUT", "partNumber=2", 99), id="a part reset", marks=LONG),
        pytest.param(Fault("status", "POST", "uploadId=", 99, 403, "AccessDenied"), id="not completed", marks=LONG),
        pytest.param(Fault("status", "POST", "uploadId=", 99, 200, "InternalError"), id="not completed, with 200"),
    ],
)
def test_an_upload_that_fails_is_aborted_and_leaves_what_was_there(vault: Bucket, server: Faulty, fault: Fault) -> None:
    server.faults.append(Fault(**vars(fault)))
    with pytest.raises(StorageError, match="Cannot write"):
        room.write(vault, "a", b"x" * (PART + 1))
    server.faults.clear()
    assert unfinished(vault) == 0
    assert room.read(vault, "a") == b"hello"


def test_an_upload_whose_source_fails_is_aborted(vault: Bucket) -> None:
    def source() -> Iterator[bytes]:
        yield from itertools.repeat(b"x" * PART, 2)
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError):
        room.write(vault, "b", source())
    assert unfinished(vault) == 0
    assert not room.exists(vault, "b")


def test_an_endpoint_that_nobody_answers_is_named(bucket: str) -> None:
    settings = S3(bucket, "", "us-east-1", "http://127.0.0.1:9", access_key_id="k", secret_access_key=Secret("s"))
    with pytest.raises(StorageError, match=r"Could not connect.*127\.0\.0\.1:9") as refused:
        room.list_files(open_bucket(settings), "")
    assert refused.value.code == "Unreachable"


def asked_with(server: Faulty, settings: S3) -> dict[str, str]:
    """The headers of a request that a configuration makes."""
    server.seen.clear()
    room.exists(open_bucket(settings), "a")
    return server.seen[-1].headers


@pytest.fixture
def bare(server: Faulty, bucket: str) -> S3:
    """A configuration without credentials."""
    return S3(bucket, "", "us-east-1", server.url)


def test_without_credentials_nothing_is_asked(bare: S3) -> None:
    with pytest.raises(StorageError, match="Unable to locate credentials") as refused:
        open_bucket(bare)
    assert refused.value.code == "NoCredentialsError"


def test_a_public_bucket_is_asked_without_a_signature(server: Faulty, bare: S3) -> None:
    assert "Authorization" not in asked_with(server, bare._replace(anonymous=True))


def test_keys_of_the_environment_are_taken_and_empty_ones_are_not_handed_on(
    server: Faulty, bare: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")
    headers = asked_with(server, bare)
    assert "Credential=FROMENV/" in headers["Authorization"]
    assert "X-Amz-Security-Token" not in headers
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert asked_with(server, bare)["X-Amz-Security-Token"] == "token"


@pytest.mark.long
def test_keys_of_the_configuration_are_not_mixed_with_others(
    server: Faulty, bare: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FROMENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of the environment's key")
    explicit = bare._replace(access_key_id="EXPLICIT", secret_access_key=Secret("hush"))
    headers = asked_with(server, explicit)
    assert "Credential=EXPLICIT/" in headers["Authorization"]
    assert "X-Amz-Security-Token" not in headers
    assert asked_with(server, explicit._replace(session_token=Secret("own")))["X-Amz-Security-Token"] == "own"


@pytest.mark.long
def test_a_profile_and_the_role_it_assumes_are_taken(
    server: Faulty, bare: S3, moto_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two_profiles(tmp_path, moto_server, monkeypatch)
    assert "Credential=FROMPROFILE/" in asked_with(server, bare._replace(profile="plain"))["Authorization"]
    role = asked_with(server, bare._replace(profile="role"))
    assert "Credential=ASIA" in role["Authorization"]
    assert role["X-Amz-Security-Token"]
    with pytest.raises(StorageError, match="nobody"):
        open_bucket(bare._replace(profile="nobody"))
