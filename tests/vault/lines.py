"""Frames as Coinbase sends them, in short words; lines and segments as capture writes them."""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

import zstandard

from etl.vault import envelope, segments, storage

HOUR = dt.datetime(2026, 8, 9, 21, tzinfo=dt.UTC)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Rows = Sequence[dict[str, Any]]


def frame(channel: str, *events: dict[str, Any], sequence_num: int = 7) -> bytes:
    """Return a frame that was sent at 21:00:00.123456789."""
    head = {"channel": channel, "timestamp": "2026-08-09T21:00:00.123456789Z", "sequence_num": sequence_num}
    return json.dumps({**head, "events": events}, separators=(",", ":")).encode()


def trades(*told: dict[str, Any], kind: str = "update", **head: int) -> bytes:
    """Return a frame of trades; each is the usual one, but for what is said."""
    usual = {
        "product_id": "BTC-USD",
        "trade_id": "1068572090",
        "price": "65083.67",
        "size": "0.002186",
        "time": "2026-08-09T21:00:00.100001Z",
        "side": "SELL",
    }
    return frame("market_trades", {"type": kind, "trades": [usual | each for each in told or ({},)]}, **head)


def levels(*told: dict[str, Any], product: str = "BTC-USD", kind: str = "update", **head: int) -> bytes:
    """Return a frame of level2."""
    usual = {
        "side": "bid",
        "event_time": "2026-08-09T21:00:00.1Z",
        "price_level": "65083.66",
        "new_quantity": "0.20371215",
    }
    updates = [usual | each for each in told or ({},)]
    return frame("l2_data", {"type": kind, "product_id": product, "updates": updates}, **head)


def ticker(**told: Any) -> bytes:
    """Return a frame with one ticker."""
    usual = {
        "type": "ticker",
        "product_id": "BTC-USD",
        "price": "65086.18",
        "volume_24_h": "2867.54532609",
        "low_24_h": "64675.22",
        "high_24_h": "65252.99",
        "low_52_w": "57717.55",
        "high_52_w": "126296",
        "price_percent_chg_24_h": "0.09601107287722",
        "best_bid": "65083.66",
        "best_ask": "65083.67",
        "best_bid_quantity": "0.20371215",
        "best_ask_quantity": "0.24290402",
    }
    return frame("ticker", {"type": "update", "tickers": [usual | told]})


def candle(**told: Any) -> bytes:
    """Return a frame with one candle."""
    usual = {
        "start": "1786309500",
        "high": "1919.6",
        "low": "1919.27",
        "open": "1919.58",
        "close": "1919.41",
        "volume": "36.36630914",
        "product_id": "ETH-USD",
    }
    return frame("candles", {"type": "update", "candles": [usual | told]})


HEARTBEAT = frame("heartbeats", {"current_time": "2026-08-09 21:00:00 +0000 UTC m=+1.5", "heartbeat_counter": 41691})


def caught(frames: Iterable[bytes], begin: dt.datetime = HOUR) -> list[bytes]:
    """Return the lines of frames that come a millisecond apart."""
    moment = (begin - EPOCH) // dt.timedelta(microseconds=1) * 1000
    return [
        envelope.wrap(each, moment + number * 1_000_000, "20260809T205958.123456Z").line
        for number, each in enumerate(frames)
    ]


def packed(lines: Iterable[bytes], flush: int = 100) -> bytes:
    """Return lines as a segment holds them: a zstd frame a flush."""
    every = list(lines)
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    flushes = [every[start : start + flush] for start in range(0, len(every), flush)]
    return b"".join(compressor.compress(b"".join(each)) for each in flushes)


def make_ready(vault: storage.Storage, lines: Iterable[bytes], number: int = 0, hour: dt.datetime = HOUR) -> str:
    """Put a closed segment into the vault; return its name."""
    name = f"segment_{hour:%Y%m%dT%H}_{number:05d}{segments.SUFFIX}"
    storage.write(vault, storage.join(segments.READY, name), packed(lines))
    return name
