"""Our lister reads other implementations of S3 as it reads the archive: nothing in it knows the replica."""

import datetime as dt
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from etl.archives import enumerate_symbols, list_series
from etl.keys import UM_KLINES_1M, day_key
from etl.records import Listing, Window
from etl.stores import Bucket, list_pages, open_bucket

pytestmark = pytest.mark.long

SYMBOLS = ["BTCUSDT", "BTCUSDT_231229", "币安人生USDT"]
FIRST = dt.date(2024, 1, 1)


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.create_bucket(Bucket="archive")
    for symbol in SYMBOLS:
        for number in range(4):
            key = day_key(UM_KLINES_1M, symbol, FIRST + dt.timedelta(days=number * 2))
            client.put_object(Bucket="archive", Key=key, Body=b"z" * (number + 1))
            client.put_object(Bucket="archive", Key=f"{key}.CHECKSUM", Body=b"c")
    client.put_object(Bucket="archive", Key="odd/a&b <c>.txt", Body=b"o")
    yield open_bucket(f"{url}/archive", 2)
    server.stop()


def test_symbols_are_enumerated(bucket: Bucket) -> None:
    assert enumerate_symbols(bucket, UM_KLINES_1M).symbols == SYMBOLS


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_series_is_listed_from_any_day(bucket: Bucket, symbol: str) -> None:
    whole = list_series(bucket, UM_KLINES_1M, Window(symbol, None, dt.date(2024, 2, 1)))
    part = list_series(bucket, UM_KLINES_1M, Window(symbol, dt.date(2024, 1, 3), dt.date(2024, 1, 5), stop=True))
    assert isinstance(whole, Listing)
    assert isinstance(part, Listing)
    assert whole.files.days == "2024-01-01,2024-01-03,2024-01-05,2024-01-07"
    assert whole.files.sizes == "1,2,3,4"
    assert whole.files.checksums == "1,1,1,1"
    assert part.files.days == "2024-01-03,2024-01-05"


def test_odd_keys_come_unescaped(bucket: Bucket) -> None:
    (page,) = list_pages(bucket, "odd/")
    assert page.keys == ["odd/a&b <c>.txt"]
