"""Make session.jsonl: a recording of the shapes of a real Coinbase session, with invented numbers.

Run as ``python tests/vault/data/make_session.py``; the same bytes come every time.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_BEGAN = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
_PRICES = {"BTC-USD": 40_000.0, "ETH-USD": 2_000.0}
_PRODUCTS = list(_PRICES)
_CHANNELS = ["market_trades", "candles", "ticker", "level2", "heartbeats"]
_UPDATES = 240
_LEVELS = 100
Event = dict[str, Any]


class Maker:
    """The clock, the dice and the numbers that run on."""

    def __init__(self) -> None:
        self.dice, self.now = random.Random(1), _BEGAN
        self.sequence, self.trade, self.beat = 0, 500_000_000, 4_000
        self.subscribed: dict[str, list[str]] = {}

    def frame(self, channel: str, event: Event) -> str:
        text = _compact(
            {
                "channel": channel,
                "timestamp": _nanoseconds(self.now, self.dice),
                "sequence_num": self.sequence,
                "events": [event],
            }
        )
        self.sequence += 1
        self.now += timedelta(microseconds=self.dice.randint(100, 60_000))
        return text

    def price(self, product: str) -> float:
        return _PRICES[product] * self.dice.uniform(0.999, 1.001)

    def size(self) -> str:
        return f"{self.dice.uniform(0, 2):.8f}".rstrip("0").rstrip(".")

    def trades(self, product: str, kind: str, count: int) -> Event:
        self.trade += count
        trades = [
            {
                "product_id": product,
                "trade_id": str(self.trade - number),
                "price": f"{self.price(product):.2f}",
                "size": self.size(),
                "time": _microseconds(self.now - timedelta(milliseconds=80 + 400 * number)),
                "side": self.dice.choice(["BUY", "SELL"]),
            }
            for number in range(count)
        ]
        return {"type": kind, "trades": trades}

    def ticker(self, product: str, kind: str) -> Event:
        price = self.price(product)
        ticker = {
            "type": "ticker",
            "product_id": product,
            "price": f"{price:.2f}",
            "volume_24_h": f"{self.dice.uniform(1_000, 9_000):.8f}",
            "low_24_h": f"{_PRICES[product] * 0.98:.2f}",
            "high_24_h": f"{_PRICES[product] * 1.02:.2f}",
            "low_52_w": f"{_PRICES[product] * 0.5:.2f}",
            "high_52_w": f"{_PRICES[product] * 1.5:.0f}",
            "price_percent_chg_24_h": f"{self.dice.uniform(-1, 1):.14f}",
            "best_bid": f"{price - 0.01:.2f}",
            "best_ask": f"{price + 0.01:.2f}",
            "best_bid_quantity": self.size(),
            "best_ask_quantity": self.size(),
        }
        return {"type": kind, "tickers": [ticker]}

    def book(self, product: str, kind: str, levels: int) -> Event:
        moment, price = _microseconds(self.now - timedelta(milliseconds=20)), self.price(product)
        snapshot = kind == "snapshot"
        updates = [
            {
                "side": side,
                "event_time": moment,
                "price_level": f"{price + (step + 1) * (0.01 if side == 'offer' else -0.01):.2f}",
                "new_quantity": self.size() if snapshot or self.dice.random() < 0.7 else "0",
            }
            for side in ("bid", "offer")
            for step in range(levels if snapshot else self.dice.randint(0, levels))
        ]
        return {"type": kind, "product_id": product, "updates": updates or [_level(moment, price)]}

    def candles(self, product: str, kind: str, count: int) -> Event:
        start = int(_BEGAN.timestamp()) // 300 * 300
        candles = [
            {
                "start": str(start - 300 * number),
                "high": f"{_PRICES[product] * 1.001:.2f}",
                "low": f"{_PRICES[product] * 0.999:.2f}",
                "open": f"{self.price(product):.2f}",
                "close": f"{self.price(product):.2f}",
                "volume": self.size(),
                "product_id": product,
            }
            for number in range(count)
        ]
        return {"type": kind, "candles": candles}

    def heartbeat(self) -> Event:
        self.beat += 1
        moment = f"{self.now:%Y-%m-%d %H:%M:%S.%f}{self.dice.randint(100, 999)}"
        return {"current_time": f"{moment} +0000 UTC m=+{self.beat}.260485341", "heartbeat_counter": self.beat}

    def subscribe(self, channel: str) -> Iterator[str]:
        """Give what Coinbase answers: the snapshots first, the acknowledgement after them."""
        for product in _PRODUCTS:
            if channel == "market_trades":
                yield self.frame(channel, self.trades(product, "snapshot", 20))
            elif channel == "candles":
                yield self.frame(channel, self.candles(product, "snapshot", 20))
            elif channel == "ticker":
                yield self.frame(channel, self.ticker(product, "snapshot"))
            elif channel == "level2":
                yield self.frame("l2_data", self.book(product, "snapshot", _LEVELS))
        self.subscribed[channel] = ["heartbeats"] if channel == "heartbeats" else _PRODUCTS
        yield self.frame("subscriptions", {"subscriptions": dict(sorted(self.subscribed.items()))})

    def update(self) -> str:
        product = self.dice.choice(_PRODUCTS)
        (kind,) = self.dice.choices(("l2_data", "ticker", "market_trades", "candles"), (60, 25, 13, 2))
        if kind == "l2_data":
            return self.frame(kind, self.book(product, "update", 2))
        if kind == "ticker":
            return self.frame(kind, self.ticker(product, "update"))
        if kind == "market_trades":
            return self.frame(kind, self.trades(product, "update", self.dice.randint(1, 2)))
        return self.frame(kind, self.candles(product, "update", 1))


def session() -> Iterator[Event]:
    """Give the lines of a recording."""
    maker, address = Maker(), "wss://advanced-trade-ws.coinbase.com"

    def line(kind: str, **facts: str) -> Event:
        return {"t": kind, "conn": "COINBASE.ws.1", "ts": round(maker.now.timestamp(), 6), **facts}

    yield {"t": "header", "format": 2, "exchange": "COINBASE", "recorded": maker.now.timestamp(), "invented": True}
    yield line("connect", addr=address)
    for channel in _CHANNELS:
        asked = {"type": "subscribe", "product_ids": _PRODUCTS, "channel": channel}
        yield line("send", addr=address, data=_compact(asked))
    for channel in _CHANNELS:
        for text in maker.subscribe(channel):
            yield line("recv", data=text)
    beat = maker.now
    for _ in range(_UPDATES):
        if maker.now - beat >= timedelta(seconds=1):
            beat = maker.now
            yield line("recv", data=maker.frame("heartbeats", maker.heartbeat()))
        yield line("recv", data=maker.update())


def _level(moment: str, price: float) -> Event:
    return {"side": "bid", "event_time": moment, "price_level": f"{price:.2f}", "new_quantity": "0"}


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _microseconds(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _nanoseconds(moment: datetime, dice: random.Random) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}{dice.randint(1, 999):03d}Z"


if __name__ == "__main__":
    lines = "".join(f"{_compact(each)}\n" for each in session())
    (Path(__file__).parent / "session.jsonl").write_text(lines, encoding="utf-8")
