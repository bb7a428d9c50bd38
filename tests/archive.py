"""The small archive that most tests use, and what is true of it."""

import datetime as dt

from etl.replica.universe import SymbolFacts

NOW = dt.datetime(2024, 1, 20, 12, tzinfo=dt.UTC)
TODAY = NOW.date()
LAST = TODAY - dt.timedelta(days=1)
HOLE = dt.date(2024, 1, 10)


def symbol(name: str, first: str, last: str | None = None, **facts: object) -> SymbolFacts:
    """Return one symbol's facts."""
    return SymbolFacts(
        name,
        dt.date.fromisoformat(first),
        dt.date.fromisoformat(last) if last else None,
        **facts,  # type: ignore[arg-type]
    )


UNIVERSE = (
    symbol("BTCUSDT", "2020-01-01"),  # 1,480 days: three pages
    symbol("ETHUSDT", "2023-12-01", holes=((HOLE, HOLE),)),
    symbol("SOLUSDT", "2024-01-15"),
    symbol("BTCUSDT_231229", "2023-10-01", "2023-12-29"),
    symbol("BNXUSDTSETTLED", "2023-01-01", "2023-02-10"),
    symbol("币安人生USDT", "2024-01-05"),
)
DAYS = {
    "BTCUSDT": 1480,
    "ETHUSDT": 49,
    "SOLUSDT": 5,
    "BTCUSDT_231229": 90,
    "BNXUSDTSETTLED": 41,
    "币安人生USDT": 15,
}
PAGES = {name: 3 if name == "BTCUSDT" else 1 for name in DAYS}
