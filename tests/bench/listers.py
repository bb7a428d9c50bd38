"""Listings by Python libraries, each called in a process of its own; imports of what may be missing stand inside."""

import datetime as dt
import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from time import perf_counter
from typing import NamedTuple

from etl.archives import enumerate_symbols, list_series
from etl.errors import ListingError
from etl.keys import UM_KLINES_1M, series_prefix
from etl.records import Failure, Window
from etl.replica.pages import BUCKET_NAME
from etl.stores import open_bucket
from tests.bench.measure import TODAY

THREADS = 32
REGION = "ap-northeast-1"
_LAST = dt.date.fromisoformat(TODAY) - dt.timedelta(days=1)


class Reference(NamedTuple):
    """Our own listing of all symbols."""

    seconds: float
    pages: dict[str, int]  # of each symbol


def list_ours(listing_url: str) -> Reference:
    """List with the pipeline's own code, and record nothing."""
    bucket = open_bucket(listing_url, THREADS)
    symbols = enumerate_symbols(bucket, UM_KLINES_1M).symbols

    def pages(symbol: str) -> int:
        answer = list_series(bucket, UM_KLINES_1M, Window(symbol, None, _LAST))
        if isinstance(answer, Failure):
            raise ListingError(answer.url, answer.status, answer.reason)
        return answer.pages

    gc.disable()  # as etl.collect does
    seconds, counts = _in_threads(pages, symbols)
    return Reference(seconds, dict(zip(symbols, counts, strict=True)))


def list_obstore(url: str, symbols: Sequence[str]) -> float:
    """Return the seconds of obstore; as Arrow, its fastest way, where arro3 is there too."""
    import obstore  # noqa: PLC0415
    from obstore.store import S3Store  # noqa: PLC0415

    store = S3Store(BUCKET_NAME, endpoint=url, region=REGION, skip_signature=True, client_options={"allow_http": True})
    arrow = find_spec("arro3") is not None

    def chunks(symbol: str) -> int:
        prefix = series_prefix(UM_KLINES_1M, symbol)
        return sum(1 for _ in obstore.list(store, prefix=prefix, chunk_size=1000, return_arrow=arrow))

    return _in_threads(chunks, symbols)[0]


def list_boto3(url: str, symbols: Sequence[str]) -> float:
    """Return the seconds of boto3's paginator."""
    import boto3  # noqa: PLC0415
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    settings = Config(signature_version=UNSIGNED, max_pool_connections=THREADS, s3={"addressing_style": "path"})
    pager = boto3.client("s3", endpoint_url=url, region_name=REGION, config=settings).get_paginator("list_objects_v2")

    def keys(symbol: str) -> int:
        pages = pager.paginate(Bucket=BUCKET_NAME, Prefix=series_prefix(UM_KLINES_1M, symbol))
        return sum(page["KeyCount"] for page in pages)

    return _in_threads(keys, symbols)[0]


def _in_threads(task: Callable[[str], int], symbols: Sequence[str]) -> tuple[float, list[int]]:
    began = perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        counts = list(pool.map(task, symbols))
    return perf_counter() - began, counts
