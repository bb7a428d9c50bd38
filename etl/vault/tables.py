"""The tables that a segment becomes: their columns in order, with types as DuckDB names them; see docs/vault.md."""

from typing import Final, NamedTuple

VERSION: Final = 1  # of the schema; every file carries it as `schema_version`

_DECIMAL: Final = "DECIMAL(38,18)"
_MOMENT: Final = "TIMESTAMP WITH TIME ZONE"


class Column(NamedTuple):
    """A column of a table, and of its Parquet files."""

    name: str
    type: str
    meaning: str


_CAUGHT: Final = (
    Column("capture_ts", _MOMENT, "when the frame arrived here"),
    Column("connection", "VARCHAR", "the connection it came on; `sequence_num` counts within one"),
    Column("sequence_num", "BIGINT", "the frame's number, across all channels of the connection"),
    Column("frame_ts", _MOMENT, "the frame's own `timestamp`"),
    Column("is_snapshot", "BOOLEAN", "whether the event was a snapshot, not an update"),
)
_PLACE: Final = (
    Column("segment", "VARCHAR", "the segment it was captured in, and the digest of its first line"),
    Column("line", "INTEGER", "its line in the segment, from 1"),
    Column("position", "INTEGER", "the row's place in the frame, from 0"),
)
TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "l2_data": (
        *_CAUGHT,
        Column("event_time", _MOMENT, "when the level changed, as the exchange says"),
        Column("side", "VARCHAR", "`bid` or `offer`"),
        Column("price_level", _DECIMAL, "the price of the level"),
        Column("new_quantity", _DECIMAL, "the quantity now offered there, 0 = the level is gone"),
        *_PLACE,
    ),
    "market_trades": (
        *_CAUGHT,
        Column("trade_id", "BIGINT", "the exchange's number of the trade; snapshots repeat trades"),
        Column("event_time", _MOMENT, "when the trade was made, as the exchange says"),
        Column("side", "VARCHAR", "the maker's side, `BUY` or `SELL`"),
        Column("price", _DECIMAL, "the price of the trade"),
        Column("size", _DECIMAL, "the quantity of the trade, in the base currency"),
        *_PLACE,
    ),
    "ticker": (
        *_CAUGHT,
        Column("price", _DECIMAL, "the price of the last trade"),
        Column("best_bid", _DECIMAL, "the highest bid"),
        Column("best_bid_quantity", _DECIMAL, "the quantity at the highest bid"),
        Column("best_ask", _DECIMAL, "the lowest offer"),
        Column("best_ask_quantity", _DECIMAL, "the quantity at the lowest offer"),
        Column("mid", _DECIMAL, "derived: half of `best_bid` + `best_ask`"),
        Column("spread", _DECIMAL, "derived: `best_ask` - `best_bid`"),
        Column("spread_bps", "DOUBLE", "derived: `spread` / `mid`, in hundredths of a percent"),
        Column("volume_24_h", _DECIMAL, "the quantity traded in the last 24 hours"),
        Column("low_24_h", _DECIMAL, "the lowest price of the last 24 hours"),
        Column("high_24_h", _DECIMAL, "the highest price of the last 24 hours"),
        Column("low_52_w", _DECIMAL, "the lowest price of the last 52 weeks"),
        Column("high_52_w", _DECIMAL, "the highest price of the last 52 weeks"),
        Column("price_percent_chg_24_h", _DECIMAL, "by how many percent the price moved in the last 24 hours"),
        *_PLACE,
    ),
    "candles": (
        *_CAUGHT,
        Column("start", _MOMENT, "when the five minutes of the candle begin"),
        Column("open", _DECIMAL, "the first price"),
        Column("high", _DECIMAL, "the highest price"),
        Column("low", _DECIMAL, "the lowest price"),
        Column("close", _DECIMAL, "the last price so far"),
        Column("volume", _DECIMAL, "the quantity traded so far"),
        *_PLACE,
    ),
    "events": (
        Column("capture_ts", _MOMENT, "when capture noted it"),
        Column("connection", "VARCHAR", "the connection it is about, if any"),
        Column("event", "VARCHAR", "what happened: `connected`, `subscribed`, `break`, `loss`, `error`, ..."),
        Column("reason", "VARCHAR", "of a `break`: why"),
        Column("expected", "BIGINT", "of a `loss`: the `sequence_num` that should have come"),
        Column("got", "BIGINT", "of a `loss`: the one that came"),
        Column("lost", "BIGINT", "of a `loss`: how many frames are lacking"),
        Column("note", "VARCHAR", "all that was noted, as JSON"),
        *_PLACE[:2],
    ),
}
MARKET: Final = tuple(name for name in TABLES if name != "events")  # those whose rows are of a product


def create(table: str) -> str:
    """Return the SQL that creates a table of one segment, empty: the segment's name is the same in every row."""
    own = [column for column in TABLES[table] if column.name != "segment"]
    working = ["product_id VARCHAR", "odd VARCHAR"] if table in MARKET else []
    return f"CREATE TEMP TABLE {table} ({', '.join([f'{name} {kind}' for name, kind, _ in own] + working)})"
