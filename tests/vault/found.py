"""What lies in a vault, as the tests look at it."""

import io
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from etl.vault import storage
from etl.vault.config import Config
from etl.vault.refine import PROCESSED
from etl.vault.storage import Storage

Records = Counter[tuple[str, int, int]]


def paths(vault: Storage, folder: str) -> list[str]:
    """All files below a folder, but for the locks."""
    return [each.path for each in storage.list_files(vault, folder) if not each.path.endswith(".lock")]


def rows_of(vault: Storage, table: str, tree: str = PROCESSED) -> list[dict[str, Any]]:
    """All rows of a table, file by file in the order of their paths, with what the folders say."""
    return rows_in(vault, paths(vault, f"{tree}/{table}"))


def rows_in(vault: Storage, files: Iterable[str]) -> list[dict[str, Any]]:
    """All rows of some files, with what their folders say."""
    rows = []
    for path in files:
        folders = dict(each.split("=") for each in path.split("/")[3:-1])
        read = pl.read_parquet(io.BytesIO(storage.read(vault, path)))
        rows += [folders | row for row in read.iter_rows(named=True)]
    return rows


def records(vault: Storage, *tables: str, tree: str = PROCESSED) -> Records:
    """How often each record of some tables is there."""
    return records_in(vault, [path for table in tables for path in paths(vault, f"{tree}/{table}")])


def records_in(vault: Storage, files: Iterable[str]) -> Records:
    """How often each record is in some files: its segment, line, and place in the frame."""
    return Counter((row["segment"], row["line"], row["position"]) for row in rows_in(vault, files))


def command(config: Config, *arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Start ``availability vault ARGUMENTS`` as a process of its own; segments are small, so that there are many."""
    s3 = config.storage.s3
    given = {
        "STORAGE_BACKEND": config.storage.backend,
        "STORAGE_BASE_DIR": str(config.storage.base_dir),
        "CAPTURE_SPOOL_DIR": str(folder / "spool"),
        "CAPTURE_SEGMENT_MB": "0.3",
        "STORAGE_S3_BUCKET": s3.bucket,
        "STORAGE_S3_PREFIX": s3.prefix,
        "STORAGE_S3_REGION": s3.region,
        "STORAGE_S3_ENDPOINT_URL": s3.endpoint_url,
        "STORAGE_S3_ACCESS_KEY_ID": s3.access_key_id,
        "STORAGE_S3_SECRET_ACCESS_KEY": s3.secret_access_key.reveal(),
    }
    file = folder / "empty.yaml"
    file.touch()
    return subprocess.Popen(
        [sys.executable, "-m", "etl", "vault", *arguments, "--config", str(file)],
        env=os.environ | {f"AVAILABILITY_VAULT_{name}": value for name, value in given.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
