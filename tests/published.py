"""A small published file, made from drawn facts by the real recording and export code.

It is longer than the 1,000 rows at which Datasette cuts by default: in symbols, in one symbol's days and in one day's
symbols.
"""

import datetime as dt
from pathlib import Path

from etl.export import export_site
from etl.recording import record_enumeration, record_listings
from etl.warehouse import open_warehouse
from tests.drawn import DATASET, enumeration, listing

CROWDED = "2024-01-15"  # the day that every MANY symbol holds
LONG_DAYS = 2_500  # from 2024-01-01 to 2030-11-04, the latest day of the file
MANY = [f"A{number:04d}USDT" for number in range(1_100)]
LONG = "BTCUSDT"
CHINESE = "币安人生USDT"
DELIVERY = "BTCUSDT_240329"
EMPTY = "EMPTYUSDT"  # listed, and nothing was there
UNSEEN = "UNSEENUSDT"  # known by name, never listed
DRAWN = {
    **dict.fromkeys(MANY, "..............x"),
    LONG: "x" * LONG_DAYS,
    CHINESE: "x.xxx..xc",
    DELIVERY: "xxx",
    EMPTY: "...",
}


def publish(folder: Path) -> Path:
    """Write ``availability.db`` into the folder and return its path."""
    target = folder / "availability.db"
    with open_warehouse(folder / "warehouse.duckdb") as con:
        everyone = enumeration(*DRAWN, UNSEEN)
        record_enumeration(con, DATASET, everyone, listing_url="http://listing", files_url="http://files")
        record_listings(con, DATASET, [listing(symbol, picture) for symbol, picture in DRAWN.items()])
        export_site(con, target, today=dt.date(2030, 11, 5))
    return target
