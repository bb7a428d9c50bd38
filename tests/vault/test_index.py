"""`availability vault index`: what the vault holds of a product and a day is recorded as what an archive lists."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import checks
from etl.errors import AvailabilityError
from etl.indexing import index_vault
from etl.keys import read_vault_folder, vault_folder
from etl.vault import storage as stores
from etl.vault.compact import compact
from etl.vault.config import S3, Config, Refine, Storage
from etl.vault.local import LocalFolder
from etl.vault.refine import PROCESSED, refine_all
from etl.vault.segments import READY
from etl.vault.storage import Storage as Opened
from etl.warehouse import open_warehouse
from tests.conftest import Run
from tests.vault import lines as told
from tests.vault.conftest import Vault

TODAY = dt.date(2026, 8, 12)
LOSS = b'{"capture_ts":"%s","connection":"c","event":"loss","expected":4,"got":9,"lost":5}\n'
BREAK = b'{"capture_ts":"%s","connection":"c","event":"break","reason":"silence"}\n'
DAYS = (
    "SELECT dataset, symbol, date::VARCHAR, hours, rows, parts, losses, lost_messages, breaks"
    " FROM vault_days ORDER BY ALL"
)
FILES = "SELECT dataset, symbol, date, file_size_bytes, etag, vanished_at IS NULL FROM day_files ORDER BY ALL"


def hour(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}:00:00+00:00")


def capture(vault: Opened, when: str, *frames: bytes, notes: tuple[bytes, ...] = (), number: int = 0) -> None:
    """Put a segment of an hour into the vault, refined."""
    begin = hour(when)
    noted = [note % f"{begin:%Y-%m-%dT%H:%M:%S.000000Z}".encode() for note in notes]
    told.make_ready(vault, [*told.caught(frames, begin), *noted], number, begin)
    assert refine_all(vault, Refine()).stuck == []


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


@pytest.fixture
def con(blank: Path, tmp_path: Path) -> Any:
    (tmp_path / "warehouse.duckdb").write_bytes(blank.read_bytes())
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def test_a_folder_of_the_vault_is_a_dataset_a_symbol_and_a_day() -> None:
    series = ("coinbase/ticker", "BTC-USD", "2026-08-09")
    folder = vault_folder(*series[:2], dt.date(2026, 8, 9))
    assert folder == "coinbase/ticker/product_id=BTC-USD/date=2026-08-09"
    assert read_vault_folder(folder) == read_vault_folder(f"{folder}/hour=23") == series
    for odd in (f"{folder}/x", folder.replace("08-09", "02-30"), "coinbase/events/date=2026-08-09", folder[1:]):
        assert read_vault_folder(odd) is None


@pytest.mark.long
def test_each_channel_product_and_day_is_counted(local_storage: Opened, con: duckdb.DuckDBPyConnection) -> None:
    capture(local_storage, "2026-08-09T21", told.trades({}, {}), told.ticker())
    capture(local_storage, "2026-08-09T22", told.ticker(product_id="ETH-USD"), notes=(LOSS, LOSS, BREAK))
    capture(local_storage, "2026-08-11T00", told.ticker(), told.ticker(), number=1)
    capture(local_storage, "2026-08-11T01", told.ticker())
    outcome = index_vault(con, local_storage, TODAY)
    assert (outcome.asked, outcome.recorded, outcome.day_files, outcome.added) == (3, 3, 4, 4)
    assert rows(con, DAYS) == [
        ("coinbase/market_trades", "BTC-USD", "2026-08-09", 1, 2, 1, 2, 10, 1),
        ("coinbase/ticker", "BTC-USD", "2026-08-09", 1, 1, 1, 2, 10, 1),
        ("coinbase/ticker", "BTC-USD", "2026-08-11", 2, 3, 2, 0, 0, 0),
        ("coinbase/ticker", "ETH-USD", "2026-08-09", 1, 1, 1, 2, 10, 1),
    ]
    assert rows(
        con, "SELECT symbol, kind, base, quote FROM symbols WHERE dataset = 'coinbase/ticker' ORDER BY ALL"
    ) == [
        ("BTC-USD", "spot", "BTC", "USD"),
        ("ETH-USD", "spot", "ETH", "USD"),
    ]
    assert rows(con, "SELECT symbol, first_day::VARCHAR, days, reason FROM gaps") == [
        ("BTC-USD", "2026-08-10", 1, "symbol_gap")
    ]
    assert checks.findings(checks.run_checks(con, "coinbase/ticker", TODAY)) == []


def test_a_second_index_changes_nothing_and_reads_nothing_again(
    local_storage: Opened, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(local_storage, "2026-08-09T21", told.ticker(), notes=(LOSS,))
    index_vault(con, local_storage, TODAY)
    before = rows(con, FILES) + rows(con, DAYS)
    monkeypatch.setattr(stores, "read_range", None)
    monkeypatch.setattr(stores, "stream", None)
    outcome = index_vault(con, local_storage, TODAY)
    assert (outcome.added, outcome.changed, outcome.touched, outcome.failures) == (0, 0, 0, [])
    assert rows(con, FILES) + rows(con, DAYS) == before


@pytest.mark.long
def test_what_comes_late_is_a_revision_and_what_is_merged_is_none(
    storage: Opened, con: duckdb.DuckDBPyConnection
) -> None:
    capture(storage, "2026-08-09T21", told.ticker())
    index_vault(con, storage, TODAY)
    capture(storage, "2026-08-09T21", told.ticker(price="1"), number=7)
    assert index_vault(con, storage, TODAY).changed == 1
    before = rows(con, FILES) + rows(con, DAYS)
    assert compact(storage, TODAY, 7).days == 1
    assert index_vault(con, storage, TODAY)[4:9] == (0, 0, 0, 0, 0)
    assert compact(storage, dt.date(2099, 1, 1), 7).removed == 2
    assert index_vault(con, storage, TODAY)[4:9] == (0, 0, 0, 0, 0)
    assert rows(con, FILES) + rows(con, DAYS) == before
    capture(storage, "2026-08-09T23", told.ticker())
    assert index_vault(con, storage, TODAY).changed == 1
    assert rows(con, "SELECT hours, rows FROM vault_days") == [(2, 3)]


def test_a_merged_day_that_was_never_seen_in_parts_is_counted_once(
    local_storage: Opened, con: duckdb.DuckDBPyConnection
) -> None:
    capture(local_storage, "2026-08-09T21", told.ticker())
    capture(local_storage, "2026-08-09T22", told.ticker(), notes=(LOSS, BREAK))
    assert compact(local_storage, TODAY, 7).days == 2  # and that of the events
    index_vault(con, local_storage, TODAY)
    assert rows(con, DAYS) == [("coinbase/ticker", "BTC-USD", "2026-08-09", 2, 2, 1, 1, 5, 1)]


@pytest.mark.long
def test_a_day_that_is_not_over_or_not_refined_is_not_looked_at(
    local_storage: Opened, con: duckdb.DuckDBPyConnection
) -> None:
    for day in ("2026-08-09", "2026-08-10", "2026-08-12"):
        capture(local_storage, f"{day}T21", told.ticker())
    told.make_ready(local_storage, told.caught([told.ticker()], hour("2026-08-10T22")), hour=hour("2026-08-10T22"))
    index_vault(con, local_storage, TODAY)
    covered = "SELECT last_day::VARCHAR FROM covered"
    assert rows(con, "SELECT date::VARCHAR FROM day_files") == [("2026-08-09",)]
    assert rows(con, covered) == [("2026-08-09",)]
    refine_all(local_storage, Refine())
    index_vault(con, local_storage, TODAY)
    assert rows(con, "SELECT date::VARCHAR FROM day_files ORDER BY 1") == [("2026-08-09",), ("2026-08-10",)]
    assert rows(con, covered) == [("2026-08-11",)]
    told.make_ready(local_storage, told.caught([told.ticker()], hour("2026-08-09T23")), hour=hour("2026-08-09T23"))
    before = rows(con, FILES) + rows(con, DAYS)
    index_vault(con, local_storage, TODAY)  # nothing is over but what was before the segment that came late
    assert rows(con, FILES) + rows(con, DAYS) == before


def test_a_product_that_is_gone_has_vanished_and_an_empty_vault_is_not_believed(
    local_storage: Opened, con: duckdb.DuckDBPyConnection
) -> None:
    capture(local_storage, "2026-08-09T21", told.trades(), told.ticker())
    index_vault(con, local_storage, TODAY)
    for each in stores.list_files(local_storage, f"{PROCESSED}/ticker"):
        stores.delete(local_storage, each.path)
    assert index_vault(con, local_storage, TODAY).vanished == 1
    assert rows(con, "SELECT dataset FROM vault_days") == [("coinbase/market_trades",)]
    for each in stores.list_files(local_storage, PROCESSED):
        stores.delete(local_storage, each.path)
    with pytest.raises(AvailabilityError, match="holds no product, and 2 were there before: is this the right"):
        index_vault(con, local_storage, TODAY)


@pytest.mark.long
def test_a_file_that_cannot_be_read_fails_its_product_alone(
    storage: Opened, config: Config, vault_command: Vault, tmp_path: Path
) -> None:
    capture(storage, "2026-08-09T21", told.trades(), told.ticker())
    (bad,) = stores.list_files(storage, f"{PROCESSED}/ticker")
    stores.write(storage, bad.path, b"no Parquet at all")
    stores.write(storage, f"{PROCESSED}/ticker/readme.txt", b"odd")
    warehouse = str(tmp_path / "warehouse.duckdb")
    arguments = ("index", "--warehouse", warehouse, "--today", f"{TODAY}")
    result = vault_command(config.storage, *arguments, code=1)
    assert "1 of 2 products of the vault recorded: 1 days, 1 added, 1 files that are none of a" in result.stdout
    assert "1 of 2 products of the vault are not recorded; the others are kept" in result.stderr
    assert f"First cause: BTC-USD: vault:/{bad.path} is no whole Parquet file." in result.stderr
    with open_warehouse(Path(warehouse)) as con:
        assert rows(con, "SELECT dataset FROM day_files") == [("coinbase/market_trades",)]
        assert rows(con, "SELECT key, reason FROM strangers") == [
            ("processed/coinbase/ticker/readme.txt", "no file of a product and a day")
        ]
        assert rows(con, "SELECT dataset, symbol FROM listings WHERE NOT complete") == [("coinbase/ticker", "BTC-USD")]
        assert rows(con, "SELECT outcome, command FROM runs") == [("failed", "index")]


@pytest.mark.long
def test_a_vault_that_cannot_be_listed_says_so_and_records_nothing_of_it_nor_where_it_lies(
    s3_settings: S3, vault_command: Vault, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    absent = Storage("s3", s3=s3_settings._replace(bucket="nobody-has-it"))
    result = vault_command(absent, "index", "--warehouse", str(warehouse), "--today", f"{TODAY}", code=1)
    said = "Cannot list vault:/raw/active/coinbase: NoSuchBucket."
    assert said in result.stderr
    assert "Cannot list s3://nobody-has-it/base/raw/active/coinbase: HTTP 404 NoSuchBucket" in capfd.readouterr().err
    with open_warehouse(warehouse) as con:
        assert rows(con, "SELECT * FROM listings") == []
        assert rows(con, "SELECT error FROM runs") == [(said,)]


def test_a_vault_that_is_gone_is_not_there_and_nobody_reads_where_it_was(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(AvailabilityError, match=r"^Cannot list vault:/raw/active/coinbase: the vault is not there\.$"):
        index_vault(con, LocalFolder(tmp_path / "gone"), TODAY)


def put(vault: Opened, path: str, select: str, scratch: Path, words: str = "") -> None:
    """Put a Parquet file of somebody else into the vault."""
    file = scratch / "foreign.parquet"
    duckdb.sql(f"COPY ({select}) TO '{file}' (FORMAT parquet{words})")
    stores.write(vault, path, file.read_bytes())


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "ticker/product_id=A-USD/date=0001-01-01/part_1.parquet",
        "ticker/product_id=A-USD/date=1970-01-01/part_19700101T00_00000_00000000.parquet",
        "ticker/product_id=A-USD/date=2026-08-09/part.crc",
        "ticker/product_id=\udcff-USD/date=2026-08-09/part_1.parquet",
        "ticker/product_id=A\n-USD/date=2026-08-09/part_1.parquet",
        "events/date=2026-08-09/readme.txt",
        "events/readme.parquet",
    ],
)
def test_what_is_no_part_of_a_product_and_a_day_is_a_stranger(
    local_storage: Opened, con: duckdb.DuckDBPyConnection, name: str
) -> None:
    capture(local_storage, "2026-08-09T21", told.ticker())
    stores.write(local_storage, f"{PROCESSED}/{name}", b"whatever it is")
    outcome = index_vault(con, local_storage, TODAY)
    assert (outcome.asked, outcome.failures, outcome.strangers) == (1, [], 1)
    told_of = name.replace("\udcff", "\\xff")
    assert rows(con, "SELECT key FROM strangers") == [(f"{PROCESSED}/{told_of}",)]


def test_a_segment_that_a_wrong_clock_named_holds_nothing_back(
    local_storage: Opened, con: duckdb.DuckDBPyConnection
) -> None:
    capture(local_storage, "2026-08-09T21", told.ticker())
    stores.write(local_storage, f"{READY}/segment_00010101T00_00000.ndjson.zst", b"whatever it is")
    assert index_vault(con, local_storage, TODAY).added == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "select", "words", "said"),
    [
        ("processed/{}/ticker/product_id=BTC-USD/date=2026-08-09/x.parquet", "", "", "is no whole Parquet file"),
        ("processed/{}/events/date=2026-08-09/x.parquet", "", "", "is no whole Parquet file of what capture noted"),
        (
            "processed/{}/events/date=2026-08-09/x.parquet",
            "SELECT 1 AS line",
            "",
            "is no whole Parquet file of what capture noted",
        ),
        (
            "compacted/{}/ticker/product_id=BTC-USD/date=2026-08-09/x.parquet",
            "SELECT 1",
            ", KV_METADATA {parts: 'a'}",
            "does not say which parts it was made of",
        ),
        (
            "compacted/{}/ticker/product_id=BTC-USD/date=2026-08-09/x.parquet",
            "SELECT 1",
            ", KV_METADATA {parts: '[1]'}",
            "does not say which parts it was made of",
        ),
        (
            "compacted/{}/ticker/product_id=BTC-USD/date=2026-08-09/x.parquet",
            "SELECT 1",
            "",
            "does not say which parts it was made of",
        ),
    ],
)
def test_the_file_that_cannot_be_read_is_named(  # noqa: PLR0917 - what is told of each
    local_storage: Opened,
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    name: str,
    select: str,
    words: str,
    said: str,
) -> None:
    capture(local_storage, "2026-08-09T21", told.ticker(), notes=(LOSS,))
    path = name.format("coinbase")
    if select:
        put(local_storage, path, select, tmp_path, words)
    else:
        stores.write(local_storage, path, b"")
    (failure,) = index_vault(con, local_storage, TODAY).failures
    assert failure.reason == f"vault:/{path} {said}."


@pytest.mark.long
def test_a_loss_that_no_number_holds_is_still_a_loss_and_files_of_others_tell_no_hour(
    local_storage: Opened, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    capture(local_storage, "2026-08-09T21", told.ticker())
    lost = "SELECT 'a' AS segment, unnest([1, 2]) AS line, 'loss' AS event, 9223372036854775807 AS lost"
    put(local_storage, f"{PROCESSED}/events/date=2026-08-09/x.parquet", lost, tmp_path)
    for number in range(30):
        path = f"{PROCESSED}/ticker/product_id=BTC-USD/date=2026-08-09/data-{number:05d}-{number:05d}.parquet"
        put(local_storage, path, "SELECT 1 AS price", tmp_path)
    index_vault(con, local_storage, TODAY)
    assert rows(con, DAYS) == [("coinbase/ticker", "BTC-USD", "2026-08-09", 1, 31, 31, 2, 2**63 - 1, 0)]


@pytest.mark.parametrize("by_hour", [False, True])
def test_a_segment_with_lines_of_two_days_tells_of_the_hours_of_its_own(
    local_storage: Opened, con: duckdb.DuckDBPyConnection, *, by_hour: bool
) -> None:
    late, early = (told.caught([told.ticker()], hour(f"2026-08-{when}")) for when in ("09T23", "10T00"))
    told.make_ready(local_storage, [*late, *early], 1, hour("2026-08-09T23"))
    told.make_ready(local_storage, early, 2, hour("2026-08-10T00"))
    refine_all(local_storage, Refine(by_hour=by_hour))
    index_vault(con, local_storage, TODAY)
    assert rows(con, "SELECT date::VARCHAR, hours, rows FROM vault_days ORDER BY 1") == [
        ("2026-08-09", 1, 1),
        ("2026-08-10", 1, 2),
    ]


def test_told_to_stop_it_ends_behind_a_whole_product_and_the_next_one_goes_on(
    local_storage: Opened, con: duckdb.DuckDBPyConnection
) -> None:
    capture(local_storage, "2026-08-09T21", told.trades(), told.ticker())
    wishes = iter([False, True])
    outcome = index_vault(con, local_storage, TODAY, lambda: next(wishes))
    assert (outcome.asked, outcome.recorded, outcome.interrupted, outcome.failures) == (2, 1, True, [])
    assert rows(con, "SELECT dataset FROM vault_days") == [("coinbase/market_trades",)]
    assert index_vault(con, local_storage, TODAY).added == 1


@pytest.mark.long
def test_what_capture_noted_is_read_once_for_all_products(
    local_storage: Opened, con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(local_storage, "2026-08-09T21", told.trades(), told.ticker(), told.ticker(product_id="A"), notes=(LOSS,))
    read, stream = [], stores.stream

    def seen(vault: Opened, path: str) -> Iterator[bytes]:
        read.append(path)
        return stream(vault, path)

    monkeypatch.setattr(stores, "stream", seen)
    index_vault(con, local_storage, TODAY)
    assert [path.split("/")[2] for path in read] == ["events"]


@pytest.mark.long
def test_nightly_indexes_the_vault_that_is_configured(filled: Run, local_storage: Opened, tmp_path: Path) -> None:
    capture(local_storage, "2023-12-30T21", told.ticker())
    config = tmp_path / "vault.yaml"
    config.write_text(f"storage: {{base_dir: {tmp_path / 'vault'}}}", encoding="utf-8")
    filled("nightly", "--vault-config", str(config))
    told_of = filled("query", "vault-days", "--csv").stdout.splitlines()
    assert told_of[1].startswith("BTC-USD,2023-12-30,1,1,")
    config.write_text("storage: {backend: tape}", encoding="utf-8")
    said = filled("nightly", "--vault-config", str(config), code=1).stderr
    assert "vault failed: " in said
    assert "storage.backend" in said
    assert "Not run" not in said
