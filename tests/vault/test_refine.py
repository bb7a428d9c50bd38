"""Segments become Parquet: every record exactly once, exactly as it was told, on both backends."""

import datetime as dt
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.vault import storage as stores
from etl.vault.config import Refine
from etl.vault.refine import ARCHIVE, PROCESSED, REJECTED, Round, refine_all
from etl.vault.segments import PROCESSING, READY
from etl.vault.storage import Storage
from etl.vault.tables import TABLES
from tests.vault import lines as told
from tests.vault.found import paths, rows_of

pytestmark = pytest.mark.long

UTC = dt.UTC
ROOT = Path(__file__).parents[2]


def refined(vault: Storage, *frames: bytes, settings: Refine | None = None) -> Round:
    told.make_ready(vault, told.caught(frames))
    return refine_all(vault, settings or Refine())


def test_a_trade_becomes_a_row_with_every_digit_and_moments_to_the_microsecond(storage: Storage) -> None:
    done = refined(storage, told.trades({"price": "65083.670000000000000001"}, {"trade_id": "8", "side": "BUY"}))
    assert (done.stuck, done.refined[0].lines, done.refined[0].rejected) == ([], 1, 0)
    first, second = rows_of(storage, "market_trades")
    assert first == {
        "product_id": "BTC-USD",
        "date": "2026-08-09",
        "capture_ts": dt.datetime(2026, 8, 9, 21, tzinfo=UTC),
        "connection": "20260809T205958.123456Z",
        "sequence_num": 7,
        "frame_ts": dt.datetime(2026, 8, 9, 21, 0, 0, 123456, tzinfo=UTC),  # the last three digits are cut off
        "is_snapshot": False,
        "trade_id": 1068572090,
        "event_time": dt.datetime(2026, 8, 9, 21, 0, 0, 100001, tzinfo=UTC),
        "side": "SELL",
        "price": Decimal("65083.670000000000000001"),
        "size": Decimal("0.002186"),
        "segment": first["segment"],
        "line": 1,
        "position": 0,
    }
    assert (second["trade_id"], second["side"], second["line"], second["position"]) == (8, "BUY", 1, 1)


def test_a_book_becomes_a_row_a_level_and_a_ticker_tells_its_spread(local_storage: Storage) -> None:
    book = told.levels({"price_level": "30000000"}, {"side": "offer", "new_quantity": "0"}, kind="snapshot")
    refined(local_storage, book, told.ticker(best_bid="99.99", best_ask="100.01"), told.candle())
    levels = rows_of(local_storage, "l2_data")
    assert [(row["is_snapshot"], row["side"], row["price_level"], row["new_quantity"]) for row in levels] == [
        (True, "bid", Decimal(30000000), Decimal("0.20371215")),
        (True, "offer", Decimal("65083.66"), Decimal(0)),
    ]
    (ticker,) = rows_of(local_storage, "ticker")
    assert (ticker["mid"], ticker["spread"]) == (Decimal(100), Decimal("0.02"))
    assert ticker["spread_bps"] == pytest.approx(2.0)
    assert ticker["price_percent_chg_24_h"] == Decimal("0.09601107287722")
    (candle,) = rows_of(local_storage, "candles")
    assert (candle["start"], candle["close"]) == (dt.datetime(2026, 8, 9, 21, 5, tzinfo=UTC), Decimal("1919.41"))


@pytest.mark.long
def test_what_a_ticker_does_not_tell_is_null(local_storage: Storage) -> None:
    refined(local_storage, told.ticker(best_bid="", low_52_w=None))
    (row,) = rows_of(local_storage, "ticker")
    assert [row[name] for name in ("best_bid", "mid", "spread", "spread_bps", "low_52_w")] == [None] * 5
    assert row["best_ask"] == Decimal("65083.67")


def test_heartbeats_and_subscriptions_are_counted_and_what_capture_noted_is_a_table(local_storage: Storage) -> None:
    subscribed = told.frame("subscriptions", {"subscriptions": {"ticker": ["BTC-USD"]}})
    loss = b'{"capture_ts":"2026-08-09T21:00:01.5Z","connection":"c","event":"loss","expected":5,"got":9,"lost":4}\n'
    note = b'{"capture_ts":"2026-08-09T21:00:02Z","connection":null,"event":"break","reason":"it closed","more":[1]}\n'
    ack = b'{"capture_ts":"2026-08-09T21:00:03Z","connection":"c","event":"subscribed","channel":"heartbeats"}\n'
    told.make_ready(local_storage, [*told.caught([told.HEARTBEAT, subscribed, told.HEARTBEAT]), loss, note, ack])
    done = refine_all(local_storage, Refine())
    assert done.refined[0].frames == {"heartbeats": 2, "subscriptions": 1, "loss": 1, "break": 1, "subscribed": 1}
    lost, broken, _ = rows_of(local_storage, "events")
    assert (lost["event"], lost["expected"], lost["got"], lost["lost"], lost["line"]) == ("loss", 5, 9, 4, 4)
    assert (broken["reason"], json.loads(broken["note"])["more"], broken["date"]) == ("it closed", [1], "2026-08-09")
    assert [part.split("/")[2] for part in paths(local_storage, PROCESSED)] == ["events"]


WHOLE = told.caught([told.trades()])[0].rstrip(b"\n")
ODD = [
    (b"garbage", "it is no JSON object of a capture"),
    (WHOLE[:-20], "it is no JSON object of a capture"),
    (b"", "it is no JSON object of a capture"),
    (b"   ", "it is no JSON object of a capture"),
    (b"{}", "it is no JSON object of a capture"),
    (WHOLE + WHOLE, "it is no JSON object of a capture"),
    (WHOLE.replace(b"SELL", b"S\xffLL"), "it is no JSON object of a capture"),
    (WHOLE.replace(b"2026-08-09T21:00:00.000000Z", b"yesterday"), "capture_ts is missing or no moment"),
    (WHOLE.replace(b"2026-08-09T", b"10000-01-01T"), "capture_ts is missing or no moment"),
    (WHOLE.replace(b"2026-08-09T", b"0000-01-01T"), "capture_ts is missing or no moment"),
    (
        b'{"capture_ts":"290000-01-01T00:00:00Z","connection":null,"event":"started"}',
        "capture_ts is missing or no moment",
    ),
    (told.caught([b"not json"])[0], "the frame names no channel"),
    (told.caught([b'{"type":"error","message":"no"}'])[0], "the frame names no channel"),
    (told.caught([told.frame("status", {"type": "update"})])[0], "no table takes the channel status"),
    (WHOLE.replace(b'"events":[', b'"happened":['), "events are missing or no list"),
    (WHOLE.replace(b'"trades":[', b'"sales":['), "an event holds no list of what the channel market_trades tells"),
    (WHOLE.replace(b'"timestamp":"2026', b'"timestamp":"x2026'), "timestamp is missing or no moment"),
    (WHOLE.replace(b'"65083.67"', b'"1e3"'), "price is missing or is no value of its type"),
    (WHOLE.replace(b'"65083.67"', b'"0.0000000000000000001"'), "price is missing or is no value of its type"),
    (WHOLE.replace(b'"65083.67"', b"null"), "price is missing or is no value of its type"),
    (WHOLE.replace(b"BTC-USD", b"../../x"), "product_id is missing or is no value of its type"),
    (WHOLE.replace(b"BTC-USD", b"A" * 101), "product_id is missing or is no value of its type"),
    (WHOLE.replace(b'"1068572090"', b'"x8"'), "trade_id is missing or is no value of its type"),
    (told.caught([told.trades({}, {"size": "no"}, {})])[0], "size is missing or is no value of its type"),
    (told.caught([told.ticker(low_24_h="low")])[0], "low_24_h is missing or is no value of its type"),
    (told.caught([told.levels({"event_time": "infinity"})])[0], "event_time is missing or is no value of its type"),
    (told.caught([told.candle(start="soon")])[0], "start is missing or is no value of its type"),
]


def test_a_line_that_no_table_takes_is_kept_whole_with_its_number_and_the_reason(storage: Storage) -> None:
    between = [line for odd, _ in ODD for line in (odd.rstrip(b"\n") + b"\n", WHOLE + b"\n")]
    told.make_ready(storage, between)
    done = refine_all(storage, Refine())
    assert (done.stuck, done.refined[0].lines, done.refined[0].rejected) == ([], 2 * len(ODD), len(ODD))
    assert [row["line"] for row in rows_of(storage, "market_trades")] == list(range(2, 2 * len(ODD) + 1, 2))
    assert {path.split("/")[2] for path in paths(storage, PROCESSED)} == {"market_trades"}
    (kept,) = paths(storage, REJECTED)
    found = [json.loads(line) for line in stores.read(storage, kept).splitlines()]
    assert [(row["line"], row["reason"]) for row in found] == [
        (1 + 2 * number, reason) for number, (_, reason) in enumerate(ODD)
    ]
    assert [row["text"] for row in found] == [odd.rstrip(b"\n").decode(errors="backslashreplace") for odd, _ in ODD]


@pytest.mark.long
def test_a_day_ends_at_midnight_utc_of_the_capture_and_hours_are_folders_where_configured(
    local_storage: Storage,
) -> None:
    late = dt.datetime(2026, 8, 9, 23, 59, 59, 999000, tzinfo=UTC)
    lines = told.caught([told.trades(), told.trades(), told.trades({"product_id": "ETH-USD"})], late)
    told.make_ready(local_storage, lines, hour=late)
    refine_all(local_storage, Refine(by_hour=True))
    assert [path.split("/", 3)[3].rpartition("/")[0] for path in paths(local_storage, PROCESSED)] == [
        "product_id=BTC-USD/date=2026-08-09/hour=23",
        "product_id=BTC-USD/date=2026-08-10/hour=00",
        "product_id=ETH-USD/date=2026-08-10/hour=00",
    ]


@pytest.mark.long
def test_a_refined_segment_is_deleted_or_where_configured_archived(local_storage: Storage) -> None:
    refined(local_storage, told.trades())
    assert paths(local_storage, "raw") == []
    refined(local_storage, told.trades(), settings=Refine(keep_segments=True))
    (kept,) = paths(local_storage, "raw")
    assert kept.startswith(f"{ARCHIVE}/segment_20260809T21_00000_")


@pytest.mark.long
def test_a_repeat_overwrites_itself_byte_for_byte(storage: Storage) -> None:
    frames = [told.trades(), told.levels(), b"odd", told.ticker()]
    refined(storage, *frames)
    before = {path: stores.read(storage, path) for path in paths(storage, "")}
    refined(storage, *frames)
    assert {path: stores.read(storage, path) for path in paths(storage, "")} == before


@pytest.mark.long
def test_a_name_that_is_used_again_for_other_lines_loses_nothing(local_storage: Storage) -> None:
    refined(local_storage, told.trades({"trade_id": "1"}))
    told.make_ready(local_storage, told.caught([told.trades({"trade_id": "2"})], told.HOUR + dt.timedelta(seconds=1)))
    refine_all(local_storage, Refine())
    assert sorted(row["trade_id"] for row in rows_of(local_storage, "market_trades")) == [1, 2]


def test_losses_and_breaks_are_found_by_the_query_of_the_documentation(local_storage: Storage, tmp_path: Path) -> None:
    loss = b'{"capture_ts":"2026-08-09T21:%d:00Z","connection":"c","event":"loss","expected":4,"got":9,"lost":5}\n'
    broken = b'{"capture_ts":"2026-08-09T22:00:00Z","connection":"c","event":"break","reason":"silence"}\n'
    told.make_ready(local_storage, [loss % 10, loss % 20, broken])
    refine_all(local_storage, Refine())
    query = re.findall(r"```\n(SELECT[^`]*)```", (ROOT / "docs/vault.md").read_text(encoding="utf-8"))[0]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        found = con.execute(query.replace("'vault/", f"'{tmp_path}/vault/")).fetchall()
    day = dt.date(2026, 8, 9)
    assert found == [(day, 21, "loss", 10, ["", ""]), (day, 22, "break", 1, ["silence"])]


@pytest.mark.long
def test_what_a_crash_left_in_processing_or_in_both_folders_is_taken_up_once(storage: Storage) -> None:
    name = told.make_ready(storage, told.caught([told.trades()]))
    left = told.make_ready(storage, told.caught([told.ticker()]), number=5)
    for each in (name, left):  # the first one only copied, as on S3; the other one moved
        stores.write(storage, f"{PROCESSING}/{each}", stores.read(storage, f"{READY}/{each}"))
    stores.delete(storage, f"{READY}/{left}")
    done = refine_all(storage, Refine())
    assert (sorted({each.segment for each in done.refined}), done.stuck) == ([name, left], [])
    assert len(rows_of(storage, "market_trades")) == len(rows_of(storage, "ticker")) == 1
    assert paths(storage, "raw") == []


CUT = [
    ("it ends within a zstd frame", lambda whole: whole[:-9]),
    ("it ends within a line", lambda whole: whole + told.packed([WHOLE])),
    ("it is no zstd file", lambda whole: b"x" + whole),
    ("it holds no line", lambda _: b""),
]


@pytest.mark.parametrize(("cause", "spoiled"), CUT, ids=[cause for cause, _ in CUT])
@pytest.mark.long
def test_a_segment_that_is_not_whole_is_stuck_and_holds_up_no_other(
    local_storage: Storage, cause: str, spoiled: Any
) -> None:
    name = told.make_ready(local_storage, told.caught([told.trades()]), number=1)
    good = told.make_ready(local_storage, told.caught([told.ticker()]), number=2)
    whole = stores.read(local_storage, f"{READY}/{name}")
    stores.write(local_storage, f"{READY}/{name}", spoiled(whole))
    for _ in range(2):  # the next round tries again
        done = refine_all(local_storage, Refine())
        assert [each.segment for each in done.stuck] == [name]
        assert cause in done.stuck[0].cause
    assert rows_of(local_storage, "market_trades") == []
    assert [row["segment"][:17] for row in rows_of(local_storage, "ticker")] == [good[8:25]]
    stores.write(local_storage, f"{PROCESSING}/{name}", whole)
    assert refine_all(local_storage, Refine()).stuck == []
    assert len(rows_of(local_storage, "market_trades")) == 1


def test_a_file_that_is_named_as_no_segment_is_stuck_as_well(local_storage: Storage) -> None:
    stores.write(local_storage, f"{READY}/segment_'x'.ndjson.zst", told.packed(told.caught([told.trades()])))
    (stuck,) = refine_all(local_storage, Refine()).stuck
    assert stuck == ("segment_'x'.ndjson.zst", "its name is none that capture gives")


@pytest.mark.long
def test_a_segment_is_kept_until_the_parts_of_all_channels_are_there(local_storage: Storage, tmp_path: Path) -> None:
    obstacle = tmp_path / "vault" / PROCESSED / "ticker"
    obstacle.parent.mkdir(parents=True)
    obstacle.write_text("a file where a folder must be")
    done = refined(local_storage, told.trades(), told.ticker())
    assert "ticker" in done.stuck[0].cause
    assert len(paths(local_storage, PROCESSING)) == 1
    obstacle.unlink()
    assert refine_all(local_storage, Refine()).stuck == []
    assert Counter(path.split("/")[2] for path in paths(local_storage, PROCESSED)) == {"market_trades": 1, "ticker": 1}


def test_the_documented_columns_are_those_of_the_files(local_storage: Storage) -> None:
    note = b'{"capture_ts":"2026-08-09T21:00:01.5Z","connection":"c","event":"started"}\n'
    lines = told.caught([told.trades(), told.levels(), told.ticker(), told.candle()])
    told.make_ready(local_storage, [*lines, note])
    refine_all(local_storage, Refine())
    docs = (Path(__file__).parents[2] / "docs" / "vault.md").read_text(encoding="utf-8")
    import duckdb  # noqa: PLC0415 - only here

    for table, columns in TABLES.items():
        (part,) = paths(local_storage, f"{PROCESSED}/{table}")
        described = duckdb.execute(
            "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)", [local_storage.place(part)]
        )
        assert [(name, kind) for name, kind, *_ in described.fetchall()] == [each[:2] for each in columns]
        shown = docs.partition(f"### `{table}`")[2].partition("\n### ")[0].partition("\n## ")[0]
        written = [line for line in shown.splitlines() if line.startswith("| `")]
        assert written == [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in columns], table
