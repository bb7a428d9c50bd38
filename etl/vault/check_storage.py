"""Look step by step whether the storage can do what the vault asks of it, and say how to mend what it cannot."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from etl.vault import config, storage
from etl.vault.local import LocalFolder
from etl.vault.s3 import Bucket
from etl.vault.storage import Storage, StorageError

OK, FAILED, SLOW, SKIPPED = "ok", "failed", "slow", "skipped"
SLOW_BYTES = 1_000_000  # a second: less may not keep up with a busy market
_SPEED_BYTES = 8 * 1024 * 1024  # more than one part, so that uploads in parts are tried too
_LITTLE_SPACE = 2_000_000_000
_S3_ACTIONS = {
    "list": "s3:ListBucket",
    "write": "s3:PutObject",
    "claim": "s3:PutObject",
    "read": "s3:GetObject",
    "delete": "s3:DeleteObject",
}
_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or storage.s3.profile, or run where a role is attached."
_DISK = "Free some space, or let storage.base_dir lie on a larger disk."
_CHECKSUMS = "Set AWS_REQUEST_CHECKSUM_CALCULATION=when_required: the store may not know the checksums of AWS's client."
_UNKNOWN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"}
_FIXES = {
    "NoCredentialsError": f"{_KEYS} For a public bucket, storage.s3.anonymous: true.",
    "ValueError": "Mend storage.s3.endpoint_url: a host's name has letters, digits, hyphens and dots, and no _.",
    "PartialCredentialsError": f"{_KEYS} One half of the pair is lacking.",
    "ProfileNotFound": "Name a profile that `aws configure list-profiles` shows in storage.s3.profile.",
    "InvalidAccessKeyId": "The key is unknown there: check the access key, and that it belongs to this endpoint.",
    "SignatureDoesNotMatch": "The secret does not belong to the key: copy both again, without spaces around them.",
    "InvalidToken": "The session token does not belong to the key, or has ended: renew it.",
    "ExpiredToken": "The session has ended: renew it (`aws sso login`, or a new session token).",
    "RequestTimeTooSkewed": "Set this machine's clock (`timedatectl set-ntp true`): S3 allows 15 minutes.",
    "NoSuchBucket": "Create it (`aws s3 mb s3://{bucket} --region {region}`), or mend storage.s3.bucket.",
    "AuthorizationHeaderMalformed": "Set storage.s3.region to the region that the bucket is in.",
    "PermanentRedirect": "Set storage.s3.region to the region that the bucket is in.",
    "NotImplemented": _CHECKSUMS,
    "XAmzContentSHA256Mismatch": _CHECKSUMS,
    "MissingContentLength": _CHECKSUMS,
    "Unreachable": "Check storage.s3.endpoint_url and the name in it, the firewall and the proxy: {endpoint}"
    " must answer from this machine (`curl --head {endpoint}`).",
    "ENOENT": "Mount or make the folder {base}, or set another storage.base_dir.",
    "EACCES": "Give the user that runs this write access to {base}, or set another storage.base_dir.",
    "EPERM": "Give the user that runs this write access to {base}, or set another storage.base_dir.",
    "EROFS": "The disk is mounted read-only: mount it for writing, or set another storage.base_dir.",
    "ENOSPC": _DISK,
    "EDQUOT": _DISK,
    "ENOTDIR": "storage.base_dir is a file, or lies below one: set another.",
    "EEXIST": "storage.base_dir is a file, or lies below one: set another.",
}


class Step(NamedTuple):
    """One thing looked at."""

    name: str
    outcome: str  # OK, FAILED, SLOW or SKIPPED
    detail: str
    fix: str = ""


def check_storage(settings: config.Storage) -> Iterator[Step]:
    """Yield the steps as they are done; after one without which nothing else can be, the others are skipped."""
    try:
        opened = storage.open_storage(settings)
    except StorageError as error:
        yield Step("credentials" if settings.backend == "s3" else "folder", FAILED, str(error), _fix(settings, error))
        yield from _skipped("write", "read", "list", "delete", "speed")
        return
    first = _bucket_steps(settings, opened) if isinstance(opened, Bucket) else _folder_steps(opened)
    for step in first:
        yield step
        if step.outcome == FAILED:
            yield from _skipped("write", "read", "list", "delete", "speed")
            return
    yield from _permission_steps(settings, opened)


def _folder_steps(opened: LocalFolder) -> Iterator[Step]:
    yield Step("folder", OK, f"{opened.base.resolve()} is there")
    free = shutil.disk_usage(opened.base).free
    fix = _DISK if free < _LITTLE_SPACE else ""
    yield Step("space", SLOW if fix else OK, f"{free / 1e9:,.1f} GB free", fix)


def _bucket_steps(settings: config.Storage, opened: Bucket) -> Iterator[Step]:
    """Judge what one request says: whether S3 answers, knows us, has the bucket, and where that is."""
    yield Step("credentials", OK, opened.credentials)
    try:
        region, refused = opened.ask_region(), None
    except StorageError as error:
        region, refused = "", error
    code = refused.code if refused else ""
    endpoint = _endpoint(settings.s3)
    if refused and code == "Unreachable":
        yield Step("network", FAILED, str(refused), _fix(settings, refused))
        return
    yield Step("network", OK, f"{endpoint} answers")
    if refused and code in _UNKNOWN:
        yield Step("signature", FAILED, str(refused), _fix(settings, refused))
        return
    if refused and code != "AccessDenied":  # not to be allowed to list is said below, with what else is not allowed
        yield Step("bucket", FAILED, str(refused), _fix(settings, refused))
        return
    yield Step("bucket", OK, f"{settings.s3.bucket} {'is not ours to list' if refused else 'is there'}")
    if region and region != settings.s3.region:
        fix = f"Set storage.s3.region to {region}: every request to {settings.s3.region} is sent on, which takes time."
        yield Step("region", SLOW, f"the bucket is in {region}, not in {settings.s3.region}", fix)
    else:
        yield Step("region", OK, settings.s3.region if region else f"{settings.s3.region}, the store does not say")


def _permission_steps(settings: config.Storage, opened: Storage) -> Iterator[Step]:
    """Write, read, list and delete a small file, and then a large one by the clock."""
    folder = f"check-storage-{os.getpid()}-{time.time_ns()}"
    path, said = storage.join(folder, "small"), os.urandom(32)

    def read() -> None:
        if storage.read(opened, path) != said:
            raise StorageError("read", opened.place(path), "it is not what was written just before")

    def found() -> None:
        if [each.path for each in storage.list_files(opened, folder)] != [path]:
            raise StorageError("list", opened.place(folder), "it does not show what was written just before")

    wrote = _tried(settings, "write", opened.place(path), lambda: storage.write(opened, path, said))
    yield wrote
    if wrote.outcome == FAILED:
        yield from _skipped("read")
        yield _tried(settings, "list", opened.place(""), lambda: storage.list_files(opened, folder))
        yield from _skipped("delete", "speed")
        return
    yield _tried(settings, "read", opened.place(path), read)
    yield _tried(settings, "list", opened.place(folder), found)
    yield _tried(settings, "delete", opened.place(path), lambda: storage.delete(opened, path))
    if isinstance(opened, Bucket):
        yield _claim(settings, opened, storage.join(folder, "claim"))
    yield _speed(settings, opened, storage.join(folder, "large"))
    if isinstance(opened, LocalFolder) and not any((opened.base / folder).iterdir()):
        (opened.base / folder).rmdir()


def _claim(settings: config.Storage, opened: Bucket, path: str) -> Step:
    """See whether whoever claims second is refused: capture, refine and compact keep each other out by that."""
    claims = 0
    try:
        for data in (b"first", b"second"):
            opened.claim(path, data)
            claims += 1
    except StorageError as error:
        if not claims or error.code != "PreconditionFailed":
            return Step("claim", FAILED, str(error), _fix(settings, error))
    gone = _tried(settings, "claim", opened.place(path), lambda: storage.delete(opened, path))
    if claims == 1 or gone.outcome == FAILED:
        return gone
    fix = "Let one machine alone capture, one refine and one compact: nothing else keeps a second one out."
    return Step("claim", SLOW, "the store takes a second claim: it knows no If-None-Match", fix)


def _speed(settings: config.Storage, opened: Storage, path: str) -> Step:
    began = time.monotonic()
    try:
        storage.write(opened, path, os.urandom(_SPEED_BYTES))
        speed = _SPEED_BYTES / (time.monotonic() - began)
        storage.delete(opened, path)
    except StorageError as error:
        return Step("speed", FAILED, str(error), _fix(settings, error))
    detail = f"{speed / 1e6:,.1f} MB/s written, 8 MB at once"
    if speed >= SLOW_BYTES:
        return Step("speed", OK, detail)
    near = "Use a bucket in a region near this machine" if settings.backend == "s3" else "Use a faster disk"
    return Step("speed", SLOW, detail, f"{near}, and see what else uses the line; capture wants 1 MB/s at least.")


def _tried(settings: config.Storage, name: str, place: str, attempt: Callable[[], object]) -> Step:
    try:
        attempt()
    except StorageError as error:
        return Step(name, FAILED, str(error), _fix(settings, error))
    return Step(name, OK, place)


def _skipped(*names: str) -> Iterator[Step]:
    for name in names:
        yield Step(name, SKIPPED, "needs what failed above")


def _fix(settings: config.Storage, error: StorageError) -> str:
    s3 = settings.s3
    if error.operation == "open" and error.code == "AccessDenied":
        return "Let the keys of that profile assume its role (sts:AssumeRole), or set another storage.s3.profile."
    if error.code in {"AccessDenied", "AllAccessDisabled", "403"}:
        action = _S3_ACTIONS.get(error.operation, "s3:ListBucket")
        return f"Allow {action} on the bucket {s3.bucket}: docs/vault.md has the whole policy."
    known = _FIXES.get(error.code, "docs/vault.md tells what the storage needs.")
    return known.format(bucket=s3.bucket, region=s3.region, endpoint=_endpoint(s3), base=settings.base_dir)


def _endpoint(s3: config.S3) -> str:
    return s3.endpoint_url or f"https://s3.{s3.region}.amazonaws.com"
