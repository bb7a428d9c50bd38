"""A second lister that shares no code with the first: the AWS CLI. It is there to contradict us.

It is slow, a process of half a second and 60 MB for each prefix, and needs ``aws`` only when asked for.
"""

import datetime as dt
import json
import os
import re
import reprlib
import shutil
import subprocess
from collections.abc import Iterator
from operator import lt
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlsplit

from etl.errors import AvailabilityError, ListingError, UsageError
from etl.records import Page
from etl.stores import Lister, page_url

MOST_AT_ONCE = 8  # processes
TIMEOUT_SECONDS = 120.0  # of one prefix, all of its pages
_SETTINGS = {
    "TZ": "UTC",
    "AWS_CONFIG_FILE": os.devnull,  # nobody's profile may change what is asked or how it is printed
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_DEFAULT_REGION": "ap-northeast-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",  # strict: the next run completes what fails now
    "AWS_PAGER": "",
}
# What a program needs to run and to reach the network: nothing else is passed on, above all no AWS_* of the operator.
_PASSED_ON = re.compile(
    "PATH|HOME|LANG|LC_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|SSL_CERT_FILE|SSL_CERT_DIR|(?i:(http|https|all|no)_proxy)"
)
_MOST_BYTES = 10**15 - 1  # of one object, as in our own pages
_ETAG = re.compile(r'"([0-9a-f]{32}(?:-\d{1,5})?)"', re.ASCII)


def over_aws_cli(listing_url: str) -> Lister:
    """Return the lister that runs ``aws s3api list-objects-v2``; AvailabilityError where there is no ``aws``."""
    program = shutil.which("aws")
    if program is None:
        raise AvailabilityError("The AWS CLI is not here: no `aws` on the PATH. Install it, or list with --via http.")
    endpoint, _, bucket = listing_url.rstrip("/").rpartition("/")
    if not urlsplit(endpoint).netloc:
        raise UsageError(f"{listing_url} does not end in the name of a bucket, as the AWS CLI needs it.")
    command = [program, "s3api", "list-objects-v2", "--no-sign-request", "--output", "json"]
    command += ["--endpoint-url", endpoint, "--bucket", bucket]

    def pages(prefix: str, start_after: str) -> Iterator[Page]:
        after = ["--start-after", start_after] if start_after else []
        url = page_url(listing_url, prefix, start_after=start_after)
        yield _read(_run([*command, "--prefix", prefix, *after], url), url, prefix=prefix, after=start_after)

    return Lister("aws-cli", pages)


def _run(command: list[str], url: str) -> bytes:
    """Return what the command printed; raise ListingError with its last word where it failed.

    It prints into files, not pipes: a pipe would stay open, and we with it, as long as any child of a killed one lives.
    """
    with TemporaryFile() as printed, TemporaryFile() as complained:
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=complained,
                timeout=TIMEOUT_SECONDS,
                env=_environment(),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ListingError(url, None, f"the AWS CLI did not end within {TIMEOUT_SECONDS:g} s") from error
        except OSError as error:
            raise ListingError(url, None, f"the AWS CLI cannot be run: {error}") from error
        if done.returncode:
            complained.seek(0)
            lines = complained.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it does not say why")
            raise ListingError(url, None, f"the AWS CLI failed with exit code {done.returncode}: {last}")
        printed.seek(0)
        return printed.read()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)} | _SETTINGS


def _read(printed: bytes, url: str, *, prefix: str, after: str) -> Page:
    """Turn what the CLI printed, all pages in one, into one page; for an empty prefix it may print nothing."""
    try:
        answer = json.loads(printed or b"{}")
        entries = answer.get("Contents")
        entries = [] if entries is None else entries
        page = Page(
            keys=[_key(entry["Key"]) for entry in entries],
            sizes=[_size(entry["Size"]) for entry in entries],
            last_modified=[_utc(entry["LastModified"]) for entry in entries],
            etags=[_unquoted(entry["ETag"]) for entry in entries],
            prefixes=[],
            next_token=None,
        )
    except RecursionError as error:
        raise ListingError(url, None, "the AWS CLI printed no listing: it is nested too deep") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ListingError(url, None, f"the AWS CLI printed no listing: {type(error).__name__} {error}") from error
    if doubt := _doubt(page, answer, prefix=prefix, after=after):
        raise ListingError(url, None, f"the AWS CLI's answer {doubt}")
    return page


def _doubt(page: Page, answer: dict[str, Any], *, prefix: str, after: str) -> str | None:
    """Say what is wrong with an answer: it must be all of the prefix, in order, and nothing else."""
    if answer.get("Prefix", prefix) != prefix:
        return f"is about the prefix {reprlib.repr(answer['Prefix'])}"
    if answer.get("NextToken") or answer.get("IsTruncated"):
        return "is not the whole listing"
    if not all(key.startswith(prefix) for key in page.keys):
        return "has names outside the prefix"
    if not all(map(lt, [after, *page.keys], page.keys)):
        return "has names that do not increase"
    return None


def _key(key: object) -> str:
    """Return a name that can be written down: JSON can also say half of a character, which UTF-8 cannot."""
    if not isinstance(key, str):
        raise TypeError(f"the key {reprlib.repr(key)}")
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the key {key!r}") from error
    return key


def _size(size: object) -> str:
    """Return a number of bytes as digits; what Python would merely take for one is none."""
    if type(size) is not int or not 0 <= size <= _MOST_BYTES:
        raise ValueError(f"the size {reprlib.repr(size)}")
    return str(size)


def _utc(moment: str) -> str:
    """Write a time with any offset as S3 itself does; CLI 1 prints ``...000Z``, CLI 2 ``...+00:00``."""
    read = dt.datetime.fromisoformat(moment)
    if read.tzinfo is None:
        raise ValueError(f"a time without offset: {moment!r}")
    return f"{read.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _unquoted(etag: str) -> str:
    match = _ETAG.fullmatch(etag)
    if match is None:
        raise ValueError(f"the etag {reprlib.repr(etag)}")
    return match[1]
