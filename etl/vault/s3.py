"""The vault in an S3 bucket, through AWS's own client; see docs/vault.md for why that one."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from etl.vault import config, retries
from etl.vault.errors import StorageAbsent, StorageError
from etl.vault.stored import PIECE_BYTES, Stored

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0  # for one part of an upload as well: 5 MB in that time are 87 kB/s
PART_BYTES = 5 * 1024 * 1024  # the smallest that S3 takes
_UPLOADS = 4  # parts of one file under way at once
_CONNECTIONS = 32


class Claimed(NamedTuple):
    """A small file that says who has claimed something."""

    data: bytes
    etag: str
    age: float  # seconds since it was written, by the clock of the store where it says


class Bucket(NamedTuple):
    """A bucket and the prefix below which the vault lies, "" or ending in "/"."""

    client: Any  # botocore makes its classes at run time
    bucket: str
    prefix: str
    credentials: str = ""  # where they are from

    def place(self, path: str) -> str:
        """Name a path in full."""
        return f"s3://{self.bucket}/{self.prefix}{path}"

    def list_files(self, folder: str) -> Iterator[Stored]:
        """Yield every file below a folder, in the order of S3."""
        prefix = f"{self.prefix}{folder}/" if folder else self.prefix
        with self._told("list", folder):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                for entry in self._entries(page, folder):
                    if not entry["Key"].endswith("/"):  # the console's idea of a folder
                        path = entry["Key"].removeprefix(self.prefix)
                        yield Stored(path, entry["Size"], entry["LastModified"])

    def stream(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file, piece by piece; every piece is of the version that the first one was of."""
        with self._told("read", path):
            start, same = 0, dict[str, str]()
            while True:
                piece, size, etag = self._piece(path, start, same)
                same = {"IfMatch": etag}
                if piece:
                    yield piece
                start += len(piece)
                if start >= size:
                    return

    def read_range(self, path: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on; a start behind the end is an error."""
        with self._told("read", path):
            return self._body(path, Range=f"bytes={start}-{start + length - 1}")[0]

    def write(self, path: str, pieces: Iterable[bytes]) -> None:
        """Upload a file: in one request up to 5 MB, in parts above; what fails is aborted and leaves nothing."""
        with self._told("write", path):
            file = io.BufferedReader(_Joined(pieces), PART_BYTES)
            begun = file.read(PART_BYTES + 1)
            if len(begun) <= PART_BYTES:
                self.client.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=begun)
            else:
                self._write_parts(path, chain([begun], iter(lambda: file.read(PART_BYTES), b"")))

    def delete(self, path: str) -> None:
        """Delete a file; S3 does not tell whether it was there."""
        with self._told("delete", path):
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + path)

    def exists(self, path: str) -> bool:
        """Tell whether a file is there, by a listing: what HEAD answers is the same for no file and for no bucket."""
        key = self.prefix + path
        with self._told("look for", path):
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
            return any(entry["Key"] == key for entry in self._entries(page, path))

    def move(self, old: str, new: str) -> None:
        """Copy within S3, then delete: S3 knows no other way."""
        source = {"Bucket": self.bucket, "Key": self.prefix + old}
        with self._told("move", old):
            self.client.copy_object(Bucket=self.bucket, Key=self.prefix + new, CopySource=source)
            self.client.delete_object(**source)

    def claim(self, path: str, data: bytes, etag: str = "") -> str:
        """Write a small file where there is none, or still the one of that etag; return its etag."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        with self._told("claim", path):
            answer = self.client.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=data, **condition)
            return str(answer["ETag"])

    def claimed(self, path: str) -> Claimed:
        """Return what somebody has claimed."""
        with self._told("read", path):
            data, answer = self._body(path)
            said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
            now = parsedate_to_datetime(said) if said else datetime.now(UTC)
            return Claimed(data, answer["ETag"], (now - answer["LastModified"]).total_seconds())

    def ask_region(self) -> str:
        """Return the region that S3 says the bucket is in, "" where it does not say; the request is a listing."""
        with self._told("list", ""):
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
            self._entries(page, "")
            return str(page["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", ""))

    def _write_parts(self, path: str, pieces: Iterable[bytes]) -> None:
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - see open_bucket

        how = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=_UPLOADS)
        how.max_in_memory_upload_chunks = _UPLOADS  # boto3 takes no such argument, and 10 parts would wait in memory
        file = io.BufferedReader(_Joined(pieces), PART_BYTES)
        self.client.upload_fileobj(file, self.bucket, self.prefix + path, Config=how)

    def _entries(self, page: dict[str, Any], folder: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = page.get("Contents", [])
        cause = ""
        if "IsTruncated" not in page or "Name" not in page:
            cause = "the answer is no listing, so something else than S3 may have answered"
        elif page["IsTruncated"] and not page.get("NextContinuationToken"):  # the paginator takes that for the end
            cause = "the answer is truncated and does not say how to go on"
        elif page.get("KeyCount", len(entries)) != len(entries):
            cause = f"the answer counts {page['KeyCount']} names but holds {len(entries)}"
        if cause:
            raise StorageError("list", self.place(folder), cause)
        return entries

    def _piece(self, path: str, start: int, same: dict[str, str]) -> tuple[bytes, int, str]:
        """Return the piece from ``start`` on, the size of the whole file, and its etag."""
        try:
            piece, answer = self._body(path, Range=f"bytes={start}-{start + PIECE_BYTES - 1}", **same)
        except ClientError as error:
            if start or _code(error) != "InvalidRange":  # an empty file has no first byte
                raise
            piece, answer = self._body(path)
        size = answer.get("ContentRange", f"/{len(piece)}").rpartition("/")[2]
        return piece, int(size), answer["ETag"]

    def _body(self, path: str, **question: str) -> tuple[bytes, dict[str, Any]]:
        """Return an object's bytes and what was said of them."""
        key = self.prefix + path
        return retries.again(
            lambda: self.client.get_object(Bucket=self.bucket, Key=key, **question),
            lambda answer: answer["Body"].read(),
        )

    @contextmanager
    def _told(self, operation: str, path: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            kind = StorageAbsent if _code(error) == "NoSuchKey" else StorageError
            raise kind(operation, self.place(path), _cause(error), code=_code(error)) from error
        except BotoCoreError as error:
            code = "Unreachable" if retries.broke(error) else type(error).__name__
            raise StorageError(operation, self.place(path), str(error).strip(" ."), code=code) from error


def open_bucket(settings: config.S3) -> Bucket:
    """Return the bucket of a configuration; credentials are looked for, but nothing is asked yet."""
    import boto3  # noqa: PLC0415 - it takes 0.1 s, and a vault on disk needs none of it
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    place = f"s3://{settings.bucket}/{settings.prefix}"
    how = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 1},  # ours says when to try again
        signature_version=UNSIGNED if settings.anonymous else None,
    )
    try:
        session = boto3.Session(profile_name=settings.profile or None, region_name=settings.region)
        keys = _keys(settings)
        source = _source(settings, session)
        client = session.client("s3", endpoint_url=settings.endpoint_url or None, config=how, **keys)
    except ClientError as error:  # of whom the credentials are asked from
        raise StorageError("open", place, _cause(error), code=_code(error)) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: of the endpoint
        raise StorageError("open", place, str(error).strip(" ."), code=type(error).__name__) from error
    client.meta.events.register_first("needs-retry.s3", retries.wait)
    return Bucket(client, settings.bucket, f"{settings.prefix}/" if settings.prefix else "", source)


def _source(settings: config.S3, session: Any) -> str:  # noqa: ANN401 - boto3 has no types
    """Say where the credentials are from, or raise NoCredentialsError."""
    if settings.anonymous:
        return "none, requests are unsigned"
    if settings.access_key_id:
        return f"key {settings.access_key_id[:4]}..., from the configuration"
    found = session.get_credentials()
    if not found:
        raise NoCredentialsError
    return f"key {found.access_key[:4]}..., found by {found.method}"


def _keys(settings: config.S3) -> dict[str, str]:
    """Return the keys that the configuration itself holds; an empty one is none, and nothing else is mixed in."""
    given = {
        "aws_access_key_id": settings.access_key_id,
        "aws_secret_access_key": settings.secret_access_key.reveal(),
        "aws_session_token": settings.session_token.reveal(),
    }
    return {name: value for name, value in given.items() if value} if not settings.anonymous else {}


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code", ""))


def _cause(error: ClientError) -> str:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    message = str(error.response["Error"].get("Message", "")).strip(" .")
    return f"HTTP {status} {_code(error)}{f', {message}' if message else ''}"


class _Joined(io.RawIOBase):
    """Pieces as one file, to be read once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces, self._rest = iter(pieces), memoryview(b"")

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as io declares it, before Python 3.12's Buffer
        """Fill a buffer as far as the present piece goes; 0 is the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
