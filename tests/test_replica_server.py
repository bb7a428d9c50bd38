"""The replica over HTTP: objects, errors, faults, edits, the clock, counts, and the command line."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from click.testing import CliRunner

from etl.replica.__main__ import main
from etl.replica.faults import Fault
from etl.replica.server import Replica, ReplicaError, running
from etl.replica.universe import SymbolFacts, read_strays, read_universe, write_universe
from tests.replica_fixtures import (
    HTTP,
    KLINES,
    NOON,
    SMALL,
    ask,
    day_key,
    days_listed,
    fetch,
    listing,
    object_url,
    read_answer,
    stray,
    walk,
)

BTC = f"{KLINES}BTCUSDT/"


@pytest.fixture
def replica() -> Iterator[Replica]:
    with running(SMALL, now=NOON) as started:
        yield started


def days_of(replica: Replica, symbol: str) -> list[str]:
    return days_listed(walk(replica.listing_url, prefix=f"{KLINES}{symbol}/1m/")[0])


# --- objects ----------------------------------------------------------------------------------------------------------


def test_a_zip_has_the_bytes_its_head_and_its_listing_announce(replica: Replica) -> None:
    key = day_key("BTCUSDT", "2024-01-02")
    got, head = fetch(object_url(replica.files_url, key)), fetch(object_url(replica.files_url, key), "HEAD")
    text = listing(replica.listing_url, {"prefix": key})
    assert (got.status, head.status, head.data) == (200, 200, b"")
    assert got.headers["Content-Type"] == "application/zip"
    for name in ("Content-Length", "ETag", "Last-Modified"):
        assert head.headers[name] == got.headers[name]
    assert f"<Size>{len(got.data)}</Size>" in text
    assert got.headers["ETag"].replace('"', "&quot;") in text
    modified = datetime.strptime(got.headers["Last-Modified"], "%a, %d %b %Y %H:%M:%S GMT")  # noqa: DTZ007 - always GMT
    assert modified.strftime("<LastModified>%Y-%m-%dT%H:%M:%S.000Z") in text


def test_a_checksum_names_its_zip(replica: Replica) -> None:
    got = fetch(object_url(replica.files_url, day_key("BTCUSDT", "2024-01-02", checksum=True)))
    digest, name = got.data.decode().split("  ")
    assert (len(digest), name) == (64, "BTCUSDT-1m-2024-01-02.zip\n")
    assert got.headers["Content-Length"] == "92"


def test_objects_lie_under_the_file_host_and_under_the_bucket(replica: Replica) -> None:
    key = day_key("币安人生USDT", "2024-01-08")
    on_file_host, in_bucket = (fetch(object_url(base, key)) for base in (replica.files_url, replica.listing_url))
    assert on_file_host.data == in_bucket.data != b""


def test_a_missing_key_is_404(replica: Replica) -> None:
    got = fetch(object_url(replica.files_url, day_key("BTCUSDT", "2023-01-02")))
    assert got.status == 404
    assert b"<Code>NoSuchKey</Code>" in got.data


@pytest.mark.parametrize("path", ["/", "/other-bucket?prefix=data/", "/other/key", "/data.binance.vision?acl"])
def test_everything_outside_the_bucket_is_denied_as_found(replica: Replica, path: str) -> None:
    got = fetch(f"{replica.url}{path}")
    assert got.status == 403
    assert got.data.startswith(b"<Error>\n<Code>AccessDenied</Code>\n<Message>Access Denied</Message>\n<RequestId>")


def test_the_bucket_answers_with_and_without_a_trailing_slash(replica: Replica) -> None:
    assert ask(f"{replica.listing_url}/", prefix=BTC) == ask(replica.listing_url, prefix=BTC)


def test_writing_is_refused(replica: Replica) -> None:
    assert fetch(f"{replica.files_url}/data/x", "PUT").status == 405


def test_boto3_reads_the_replica(replica: Replica) -> None:
    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=replica.url, region_name="ap-northeast-1", config=config)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="data.binance.vision", Prefix=KLINES, PaginationConfig={"PageSize": 7}
    )
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    assert keys == walk(replica.listing_url, prefix=KLINES)[0]
    head = client.head_object(Bucket="data.binance.vision", Key=day_key("币安人生USDT", "2024-01-08"))
    assert head["ContentLength"] > 0


def test_requests_on_one_connection_are_answered_in_order(replica: Replica) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=5)
    for day in ("2024-01-01", "2024-01-02", "2024-01-03"):
        connection.request("GET", f"/data.binance.vision?prefix={day_key('BTCUSDT', day)}")
        assert days_listed(read_answer(connection.getresponse().read().decode()).keys) == [day]
    connection.close()


# --- the clock --------------------------------------------------------------------------------------------------------


def test_a_day_appears_between_0650_and_0845_of_the_next(replica: Replica) -> None:
    replica.set_now("2024-01-11T06:49:59Z")
    assert days_of(replica, "BTCUSDT")[-1] == "2024-01-09"
    replica.set_now(datetime(2024, 1, 11, 8, 45, tzinfo=UTC))
    assert days_of(replica, "BTCUSDT")[-1] == "2024-01-10"


def test_a_symbol_appears_with_its_first_file(replica: Replica) -> None:
    new = f"{KLINES}币安人生USDT/"
    replica.set_now("2024-01-08T23:00:00Z")
    assert new not in ask(replica.listing_url, prefix=KLINES, delimiter="/").prefixes
    assert fetch(object_url(replica.files_url, day_key("币安人生USDT", "2024-01-08"))).status == 404
    replica.set_now("2024-01-09T09:00:00Z")
    assert ask(replica.listing_url, prefix=KLINES, delimiter="/").prefixes[-1] == new


def test_the_running_clock_shows_yesterday_or_the_day_before() -> None:
    with running(SMALL) as started:
        newest = date.fromisoformat(days_of(started, "BTCUSDT")[-1])
        assert 1 <= (datetime.now(UTC).date() - newest).days <= 2


# --- edits ------------------------------------------------------------------------------------------------------------


def test_a_hole_is_filled_late(replica: Replica) -> None:
    assert "2024-01-04" not in days_of(replica, "ICPUSDT")
    replica.edit("add", symbol="ICPUSDT", day="2024-01-04", size=4321)
    assert "2024-01-04" in days_of(replica, "ICPUSDT")
    head = fetch(object_url(replica.files_url, day_key("ICPUSDT", "2024-01-04")), "HEAD")
    assert (head.headers["Content-Length"], head.headers["Last-Modified"]) == ("4321", "Wed, 10 Jan 2024 12:00:00 GMT")


def test_a_removed_day_is_gone_with_its_checksum(replica: Replica) -> None:
    replica.edit("remove", symbol="BTCUSDT", day="2024-01-02")
    keys = walk(replica.listing_url, prefix=BTC)[0]
    assert [key for key in keys if "2024-01-02" in key] == []


def test_a_reuploaded_day_has_a_new_etag_every_time(replica: Replica) -> None:
    url = object_url(replica.files_url, day_key("BTCUSDT", "2024-01-02"))
    etags = [fetch(url, "HEAD").headers["ETag"]]
    for _ in range(2):
        replica.edit("reupload", symbol="BTCUSDT", day="2024-01-02")
        etags.append(fetch(url, "HEAD").headers["ETag"])
    assert len(set(etags)) == 3
    assert etags[-1].strip('"') in listing(replica.listing_url, {"prefix": BTC})


def test_a_checksum_can_be_taken_away_and_put_back(replica: Replica) -> None:
    for action, there in (("remove_checksum", False), ("add_checksum", True)):
        replica.edit(action, symbol="BTCUSDT", day="2024-01-02")
        keys = walk(replica.listing_url, prefix=BTC)[0]
        assert (day_key("BTCUSDT", "2024-01-02", checksum=True) in keys) is there
        assert day_key("BTCUSDT", "2024-01-02") in keys


def test_a_symbol_comes_and_goes(replica: Replica) -> None:
    replica.edit("add_symbol", symbol="NEWUSDT", first_day="2024-01-07", holes="2024-01-08")
    assert days_of(replica, "NEWUSDT") == ["2024-01-07", "2024-01-09"]
    replica.edit("remove_symbol", symbol="NEWUSDT")
    assert days_of(replica, "NEWUSDT") == []


def test_a_single_key_comes_and_goes(replica: Replica) -> None:
    key = f"{BTC}1m/part-00000.zip"
    replica.edit("add_key", key=key, size=5, last_modified="2024-01-01T00:00:00Z")
    assert walk(replica.listing_url, prefix=BTC)[0][-1] == key
    replica.edit("remove_key", key=key)
    assert key not in walk(replica.listing_url, prefix=BTC)[0]


@pytest.mark.parametrize(
    "edit",
    [
        {"action": "explode"},
        {"action": "add", "symbol": "BTCUSDT"},
        {"action": "add", "symbol": "BTCUSDT", "day": "2024-01-02"},
        {"action": "remove", "symbol": "BTCUSDT", "day": "2025-01-02"},
        {"action": "reupload", "symbol": "NOUSDT", "day": "2024-01-02"},
        {"action": "add", "symbol": "BTCUSDT", "day": "soon"},
    ],
)
def test_an_edit_that_cannot_be_is_refused(replica: Replica, edit: dict[str, object]) -> None:
    with pytest.raises(ReplicaError):
        replica.edits([edit])


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_status_fault_strikes_its_prefix_and_its_count_only(replica: Replica) -> None:
    replica.set_faults([Fault("status", BTC, status=503, count=2)])
    url = f"{replica.listing_url}?prefix={BTC}1m/"
    other = f"{replica.listing_url}?prefix={KLINES}ICPUSDT/1m/"
    assert [fetch(link).status for link in (url, other, url, url)] == [503, 200, 503, 200]


def test_a_fault_may_wait_and_may_choose_its_method(replica: Replica) -> None:
    replica.set_faults([Fault("status", BTC, status=500, after=1, count=1, method="HEAD")])
    url = object_url(replica.files_url, day_key("BTCUSDT", "2024-01-02"))
    assert [fetch(url, method).status for method in ("HEAD", "GET", "HEAD", "HEAD")] == [200, 200, 500, 200]


def test_a_truncated_body_ends_before_its_announced_length(replica: Replica) -> None:
    replica.set_faults([Fault("truncated")])
    with pytest.raises(urllib3.exceptions.ProtocolError):
        listing(replica.listing_url, {"prefix": BTC})


def test_a_cut_body_is_consistent_with_its_length(replica: Replica) -> None:
    whole = listing(replica.listing_url, {"prefix": BTC})
    replica.set_faults([Fault("cut")])
    assert listing(replica.listing_url, {"prefix": BTC}) == whole[: len(whole) // 2]


def test_an_html_body_comes_with_status_200(replica: Replica) -> None:
    replica.set_faults([Fault("html")])
    got = fetch(f"{replica.listing_url}?prefix={BTC}")
    assert (got.status, got.headers["Content-Type"], got.data[:9]) == (200, "text/html", b"<!DOCTYPE")


def test_an_empty_listing_is_well_formed(replica: Replica) -> None:
    replica.set_faults([Fault("empty")])
    assert ask(replica.listing_url, prefix=BTC) == ([], [], False, None)


def test_a_reset_breaks_the_connection(replica: Replica) -> None:
    replica.set_faults([Fault("reset", count=1)])
    with pytest.raises(urllib3.exceptions.ProtocolError, match="reset"):
        listing(replica.listing_url, {"prefix": BTC})
    assert replica.stats()["by_status"] == {"0": 1}


def test_a_slow_answer_is_late_and_right(replica: Replica) -> None:
    right = ask(replica.listing_url, prefix=BTC)
    replica.set_faults([Fault("slow", seconds=0.2)])
    began = time.monotonic()
    assert ask(replica.listing_url, prefix=BTC) == right
    assert time.monotonic() - began >= 0.2


def test_a_wrong_length_is_shorter_than_the_body(replica: Replica) -> None:
    key = object_url(replica.files_url, day_key("BTCUSDT", "2024-01-02"))
    true_length = int(fetch(key, "HEAD").headers["Content-Length"])
    replica.set_faults([Fault("wrong_length")])
    assert int(fetch(key, "HEAD").headers["Content-Length"]) == true_length - 16


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_loop_answers_the_first_page_for_ever(replica: Replica, version: str) -> None:
    replica.set_faults([Fault("loop")])
    first = ask(replica.listing_url, prefix=KLINES, delimiter="/", list_type=version)
    assert first.truncated
    onward = {"marker" if version == "1" else "continuation_token": first.onward or ""}
    assert ask(replica.listing_url, prefix=KLINES, delimiter="/", list_type=version, **onward) == first


def test_a_fault_rule_nobody_knows_is_refused(replica: Replica) -> None:
    for rule in ({"kind": "flood"}, {"kind": "reset", "colour": "red"}, {"kind": "reset", "method": "PUT"}, 7):
        with pytest.raises(ReplicaError):
            replica.control("POST", "/-/faults", [rule])


def test_latency_delays_every_answer() -> None:
    with running(SMALL, now=NOON, latency_ms=120) as started:
        began = time.monotonic()
        ask(started.listing_url, prefix=BTC)
        assert time.monotonic() - began >= 0.12


# --- counts -----------------------------------------------------------------------------------------------------------


def test_counts_are_exact_and_leave_control_requests_out(replica: Replica) -> None:
    walk(replica.listing_url, prefix=BTC, max_keys="5")  # 18 keys: 4 pages
    fetch(object_url(replica.files_url, day_key("BTCUSDT", "2024-01-02")), "HEAD")
    fetch(object_url(replica.files_url, day_key("BTCUSDT", "2024-01-02")))
    fetch(object_url(replica.files_url, day_key("BTCUSDT", "2020-01-02")))
    fetch(f"{replica.url}/elsewhere")
    assert replica.stats() == {
        "requests": 8,
        "list_pages": 4,
        "heads": 1,
        "gets": 2,
        "faults": 0,
        "by_status": {"200": 6, "403": 1, "404": 1},
    }
    replica.reset_stats()
    assert replica.stats()["requests"] == 0


# --- the built-in universe and the command ----------------------------------------------------------------------------


def test_the_universe_survives_writing_and_reading(tmp_path: Path) -> None:
    rows = read_universe()
    write_universe(tmp_path / "again.csv", rows)
    assert read_universe(tmp_path / "again.csv") == rows


def test_a_broken_universe_row_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    write_universe(broken, [SymbolFacts("BTCUSDT", date(2024, 1, 1))])
    broken.write_text(broken.read_text().replace("2024-01-01", "2024-31-01"))
    with pytest.raises(ValueError, match="line 2"):
        read_universe(broken)


def test_the_real_universe_needs_two_pages_of_symbols_and_shows_its_odd_keys() -> None:
    with running(read_universe(), strays=read_strays(), now=datetime(2026, 10, 3, 12, tzinfo=UTC)) as started:
        first = ask(started.listing_url, prefix=KLINES, delimiter="/")
        symbols = walk(started.listing_url, prefix=KLINES, delimiter="/")[1]
        assert (len(first.prefixes), first.truncated, len(symbols)) == (1000, True, 1007)
        assert symbols == sorted(symbols, key=str.encode)
        assert ask(started.listing_url, prefix=BTC, delimiter="/").prefixes == [f"{BTC}/", f"{BTC}1m/"]
        keys = walk(started.listing_url, prefix=f"{BTC}1m/")[0]
        assert keys[-1].startswith(f"{BTC}1m/part-00000-")
        assert days_listed(keys)[0] == "2019-12-31"
        lacking = day_key("NMRUSDT", "2023-11-10", checksum=True)
        assert fetch(object_url(started.files_url, lacking)).status == 404


def test_the_command_says_where_it_listens_and_stops_on_sigterm(tmp_path: Path) -> None:
    universe = tmp_path / "small.csv"
    write_universe(universe, SMALL)
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kind": "status", "status": 500, "count": 1}]))
    command = [sys.executable, "-m", "etl.replica", "--universe", str(universe), "--faults", str(faults)]
    process = subprocess.Popen([*command, "--now", "2024-01-10T12:00:00Z"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("replica listening on http://127.0.0.1:")
        url = f"{line.split()[-1]}/data.binance.vision?prefix={BTC}"
        assert [fetch(url).status for _ in range(2)] == [500, 200]
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_a_taken_port_is_one_sentence(replica: Replica, tmp_path: Path) -> None:
    universe = tmp_path / "small.csv"
    write_universe(universe, SMALL)
    result = CliRunner().invoke(main, ["--port", str(replica.port), "--universe", str(universe)])
    assert result.exit_code == 1
    assert result.stderr == f"Error: cannot listen on 127.0.0.1:{replica.port}: the port is taken\n"


def test_the_help_shows_an_example() -> None:
    assert "Example: python -m etl.replica --port 9123" in CliRunner().invoke(main, ["--help"]).output


def test_strays_may_lie_anywhere() -> None:
    keys = ["a", "a/b", "data/futures/um/daily/klines/", f"{BTC}0", "zz"]
    with running(SMALL, strays=[stray(key) for key in keys], now=NOON) as started:
        assert walk(started.listing_url, delimiter="/") == (["a", "zz"], ["a/", "data/"])
        assert set(keys) <= set(walk(started.listing_url)[0])
        assert HTTP.request("GET", f"{started.listing_url}/a/b").status == 200
