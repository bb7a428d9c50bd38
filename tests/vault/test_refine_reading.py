"""The vault is read as it lies, by others: DuckDB and Polars, from a folder and from s3://."""

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from obstore.fsspec import FsspecStore

from etl.vault.config import S3, Config, Refine
from etl.vault.refine import refine_all
from etl.vault.storage import Storage
from tests.vault import lines as told

GLOB = "processed/coinbase/{table}/**/*.parquet"


def place(config: Config, table: str) -> str:
    base = config.storage.base_dir if config.storage.backend == "local" else f"s3://{config.storage.s3.bucket}/base"
    return f"{base}/{GLOB.format(table=table)}"


def options(s3: S3) -> dict[str, str]:
    """What any S3 client has to know of the server on loopback."""
    return {
        "aws_access_key_id": s3.access_key_id,
        "aws_secret_access_key": s3.secret_access_key.reveal(),
        "aws_region": s3.region,
        "aws_endpoint_url": s3.endpoint_url,
        "aws_allow_http": "true",
    }


@pytest.fixture
def vault(config: Config, storage: Storage) -> Config:
    """A vault with two days and two products."""
    late = datetime(2026, 8, 9, 23, 59, 59, 999000, tzinfo=UTC)
    frames = [told.trades({"trade_id": "1"}), told.trades({"trade_id": "2"}), told.trades({"product_id": "ETH-USD"})]
    told.make_ready(storage, told.caught(frames, late))
    assert refine_all(storage, Refine()).stuck == []
    return config


@pytest.mark.long
def test_polars_reads_the_partitions(vault: Config) -> None:
    settings = options(vault.storage.s3) if vault.storage.backend == "s3" else None
    frame = pl.scan_parquet(place(vault, "market_trades"), hive_partitioning=True, storage_options=settings)
    asked = frame.filter(pl.col("product_id") == "BTC-USD", pl.col("date") == date(2026, 8, 10))
    assert asked.select("trade_id", "price", "event_time").collect().rows() == [
        (2, Decimal("65083.67"), datetime(2026, 8, 9, 21, 0, 0, 100001, tzinfo=UTC))
    ]


@pytest.mark.long
def test_duckdb_reads_the_partitions(vault: Config) -> None:
    files = [place(vault, "market_trades")]
    with duckdb.connect() as con:
        if vault.storage.backend == "s3":  # its own httpfs has to be downloaded; any fsspec store does as well
            settings = {name.removeprefix("aws_"): value for name, value in options(vault.storage.s3).items()}
            del settings["allow_http"]
            store = FsspecStore("s3", config=settings, client_options={"allow_http": True})
            con.register_filesystem(store)
            files = [f"s3://{path}" for path in store.find(f"{vault.storage.s3.bucket}/base/processed")]
        rows = con.execute(
            "SELECT product_id, date::VARCHAR, trade_id, price, epoch_us(event_time)"
            " FROM read_parquet(?, hive_partitioning = true) ORDER BY ALL",
            [files],
        ).fetchall()
    moment = 1786309200100001
    assert rows == [
        ("BTC-USD", "2026-08-09", 1, Decimal("65083.67"), moment),
        ("BTC-USD", "2026-08-10", 2, Decimal("65083.67"), moment),
        ("ETH-USD", "2026-08-10", 1068572090, Decimal("65083.67"), moment),
    ]
