"""Capture from a replay: every frame that came lies in the vault once, and what did not come is told."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from websockets.sync.server import serve

from etl.errors import AvailabilityError, UsageError
from etl.replay.faults import GARBAGE, Fault
from etl.replay.recording import read_recording
from etl.replay.server import Replay
from etl.replay.server import running as replaying
from etl.vault import capture, feed
from etl.vault.feed import Feed, Pace, Receiver
from etl.vault.intake import Intake
from etl.vault.local import LocalFolder
from etl.vault.segments import ACTIVE, PATTERN
from etl.vault.storage import Storage, list_files, read, write
from etl.vault.tally import Tally
from tests.vault import played
from tests.vault.played import (
    CHANNELS,
    PRODUCTS,
    QUICK,
    SESSION,
    SUBSCRIPTIONS,
    Running,
    events,
    frames,
    lines,
    records,
    running,
    unpacked,
)

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_new_hour")]

RECORDING = read_recording(SESSION)
WANTED = {"ticker", "level2", "market_trades", "heartbeats"}
UPDATES = sum(frame.channel in WANTED for frame in RECORDING.updates)
ACKNOWLEDGED = 4
ALL = UPDATES + ACKNOWLEDGED + sum(frame.channel in WANTED for frame in RECORDING.snapshots)


@pytest.fixture(autouse=True)
def looks_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0.01)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@contextmanager
def capturing(storage: Storage, spool: Path, *faults: Fault, **settings: Any) -> Iterator[tuple[Replay, Running]]:
    channels = 2 if "channels" in settings else SUBSCRIPTIONS
    with (
        replaying(SESSION, faults=faults, channels=channels) as replay,
        running(replay.url, storage, spool, **settings) as run,
    ):
        yield replay, run


def captured(storage: Storage, spool: Path, *faults: Fault, more: int = 0, **settings: Any) -> Replay:
    """Capture until the last connection has sent all, and as many frames more; then stop."""
    with capturing(storage, spool, *faults, **settings) as (replay, run):
        connections = 1 + sum(fault.kind in {"drop", "silence"} for fault in faults)
        played.wait_for(lambda: len(replay.sent) == connections and len(replay.sent[-1]) >= ALL + more)
        run.end()
    return replay


def texts(storage: Storage) -> list[bytes]:
    """Return what was received, as it came on the wire."""
    return [json.loads(text).encode() if text.startswith(b'"') else text for text in frames(storage)]


def test_every_frame_is_kept_once_as_it_came_in_order_and_nothing_is_left_behind(storage: Storage, spool: Path) -> None:
    replay = captured(storage, spool)
    assert texts(storage)[:ALL] == replay.sent[0][:ALL]
    kept = [each for each in records(storage) if "data" in each]
    assert [each["sequence_num"] for each in kept] == list(range(len(kept)))
    assert len({each["connection"] for each in kept}) == 1
    assert {each["channel"] for each in kept} == {"ticker", "l2_data", "market_trades", "heartbeats", "subscriptions"}
    times = [each["capture_ts"] for each in records(storage)]
    assert times == sorted(times)
    left = [each.path.rpartition("/")[2] for each in list_files(storage, ACTIVE)]
    left += [path.name for path in spool.iterdir()] if spool.exists() else []
    assert sorted(left) == [".capture.json", ".capture.lock"]


def test_what_capture_did_itself_stands_between_the_frames(local_storage: Storage, spool: Path) -> None:
    replay = captured(local_storage, spool)
    noted = [each for each in records(local_storage) if "event" in each]
    told = [{name: value for name, value in each.items() if name not in {"capture_ts", "connection"}} for each in noted]
    products = list(PRODUCTS)
    assert told == [
        {"event": "started", "url": replay.url, "products": products, "channels": list(CHANNELS)},
        {"event": "connected", "url": replay.url},
        {"event": "subscribed", "channel": "heartbeats", "products": ["heartbeats"]},
        {"event": "subscribed", "channel": "ticker", "products": products},
        {"event": "subscribed", "channel": "level2", "products": products},
        {"event": "subscribed", "channel": "market_trades", "products": products},
        {"event": "stopped", "reason": "told to"},
    ]


def test_heartbeats_may_be_named_among_the_channels(local_storage: Storage, spool: Path) -> None:
    with capturing(local_storage, spool, channels=("heartbeats", "ticker")) as (replay, run):
        played.wait_for(lambda: replay.sent and len(replay.sent[0]) > 20)
        run.end()
    assert [each["channel"] for each in events(local_storage, "subscribed")] == ["heartbeats", "ticker"]
    assert events(local_storage, "error") == []


def test_segments_are_closed_at_their_size_and_together_hold_everything(local_storage: Storage, spool: Path) -> None:
    with capturing(local_storage, spool, segment_bytes=20_000) as (replay, run):
        played.wait_for(lambda: replay.sent and len(replay.sent[0]) >= ALL and played.ready(local_storage))
        run.end()
    assert len(played.ready(local_storage)) > 1
    assert texts(local_storage)[:ALL] == replay.sent[0][:ALL]


def test_a_jump_of_the_sequence_numbers_is_a_loss_with_its_size(local_storage: Storage, spool: Path) -> None:
    captured(local_storage, spool, Fault("skip", 100, 7))
    (loss,) = events(local_storage, "loss")
    assert (loss["expected"], loss["got"], loss["lost"]) == (100, 107, 7)
    kept = records(local_storage)
    assert kept[kept.index(loss) + 1]["sequence_num"] == 107
    assert kept[kept.index(loss) - 1]["sequence_num"] == 99


def test_a_number_that_comes_late_or_again_is_an_error_of_the_feed_and_no_loss() -> None:
    intake, tally = Intake(records=100, seconds=60, most_bytes=10**6), Tally("")
    receiver = Receiver(Feed("", PRODUCTS, CHANNELS), intake, tally, lambda: False)
    for number in (0, 1, 4, 2, 4, 5):
        receiver.take(b'{"channel":"ticker","sequence_num":%d}' % number)
    intake.close()
    kept = [json.loads(line.text) for line in intake.take()]
    assert [each.get("lost") for each in kept if each.get("event") == "loss"] == [2]
    assert [each["message"] for each in kept if each.get("event") == "error"] == [
        "sequence_num 2 came where 5 was expected",
        "sequence_num 4 came where 5 was expected",
    ]
    assert (tally.received, tally.jumps, tally.lost) == (6, 1, 2)


@pytest.mark.parametrize(
    "odd",
    [
        b'{"type":"error","message":"\xff"}',
        b'{"type":"error","message":"internal","more":' + b"9" * 5000 + b"}",
        b'{"type":"error","message":[[["internal"]]],"more":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"channel":"subscriptions","events":"\xff"}',
        b'{"channel":"subscriptions","events":[{"subscriptions":{"ticker":7}}]}',
        b'{"channel":"ticker","sequence_num":' + b"9" * 30 + b"}",
        b'{"channel":"\xff","sequence_num":7}',
    ],
)
def test_whatever_the_feed_sends_is_kept_and_ends_nothing(odd: bytes) -> None:
    intake = Intake(records=100, seconds=60, most_bytes=10**6)
    receiver = Receiver(Feed("", PRODUCTS, CHANNELS), intake, Tally(""), lambda: False)
    receiver.take(odd)
    intake.close()
    (kept,) = [line.text for line in intake.take() if b',"data":' in line.text]
    data = kept.partition(b',"data":')[2].removesuffix(b"}\n")
    assert data == odd or json.loads(data).encode(errors="surrogateescape") == odd


def test_a_name_that_another_segment_has_is_left_to_it(storage: Storage, spool: Path) -> None:
    name = "segment_20260105T12_00000.ndjson.zst"
    others = {f"raw/ready/coinbase/{name}": b"1\n", f"raw/processing/coinbase/{name.replace('00000', '00001')}": b"2\n"}
    for path, text in others.items():
        write(storage, path, played.packed(text))
    here = storage.base / ACTIVE if isinstance(storage, LocalFolder) else spool
    here.mkdir(parents=True, exist_ok=True)
    (here / name).write_bytes(played.packed(b"3\n"))
    captured(storage, spool)
    assert {path: played.unpacked(read(storage, path)) for path in others} == others
    third = read(storage, f"raw/ready/coinbase/{name.replace('00000', '00002')}")
    assert played.unpacked(third) == b"3\n"


def test_a_connection_that_breaks_off_is_a_break_and_a_new_connection(local_storage: Storage, spool: Path) -> None:
    replay = captured(local_storage, spool, Fault("drop", 100))
    kept = records(local_storage)
    (broken,) = events(local_storage, "break")
    first, second = events(local_storage, "connected")
    assert broken["connection"] == first["connection"] != second["connection"]
    assert broken["reason"]
    assert kept.index(first) < kept.index(broken) < kept.index(second)
    assert texts(local_storage)[: 100 + ALL] == replay.sent[0][:100] + replay.sent[1][:ALL]
    assert events(local_storage, "loss") == []


def test_a_silent_connection_is_given_up(local_storage: Storage, spool: Path) -> None:
    silent = Fault("silence", 100)
    with capturing(local_storage, spool, silent, pace=QUICK._replace(silence=0.2)) as (replay, run):
        played.wait_for(lambda: len(replay.sent) > 1)
        run.end()
    broken, *_ = events(local_storage, "break")
    assert broken["reason"].startswith("no frame for ")


def test_frames_that_are_none_are_kept_as_well(local_storage: Storage, spool: Path) -> None:
    replay = captured(local_storage, spool, Fault("garbage", 100), more=len(GARBAGE))
    assert texts(local_storage)[:ALL] == replay.sent[0][:ALL]
    assert texts(local_storage)[100 : 100 + len(GARBAGE)] == list(GARBAGE)
    odd = records(local_storage)[100:120]
    assert [each["data"] for each in odd if isinstance(each.get("data"), str)] == [text.decode() for text in GARBAGE]
    assert events(local_storage, "loss", "break") == []


def test_a_frame_of_megabytes_is_kept(local_storage: Storage, spool: Path) -> None:
    replay = captured(local_storage, spool, Fault("big", 100, 5_000_000), more=1)
    assert max(map(len, frames(local_storage))) > 4_900_000
    assert texts(local_storage)[: ALL + 1] == replay.sent[0][: ALL + 1]


def test_an_error_that_is_not_about_us_is_noted_and_capture_goes_on(local_storage: Storage, spool: Path) -> None:
    captured(local_storage, spool, Fault("error", 100), more=1)
    assert [each["message"] for each in events(local_storage, "error")] == ["internal server error"]
    assert events(local_storage, "break") == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"products": ("BTC-USD", "NO-SUCH")}, "NO-SUCH is not a valid product"),
        ({"channels": ("ticker", "level3")}, "channel level3 is not supported"),
    ],
)
def test_a_refused_subscription_ends_capture_and_is_kept(
    local_storage: Storage, spool: Path, settings: dict[str, Any], message: str
) -> None:
    with capturing(local_storage, spool, **settings) as (replay, run):
        played.wait_for(lambda: not run.alive)
        with pytest.raises(UsageError, match=f"{replay.url} refuses the subscription: '{message}'"):
            run.end()
    assert message in events(local_storage, "error")[0]["message"]
    assert message in events(local_storage, "stopped")[0]["reason"]


@pytest.mark.parametrize(("products", "ends"), [([], True), (["BTC-USD"], True), (["BTC-USD", "ETH-USD"], False)])
def test_only_what_is_not_acknowledged_can_still_be_refused(products: list[str], *, ends: bool) -> None:
    receiver = Receiver(Feed("", PRODUCTS, ("ticker",)), Intake(100, 60, 10**6), Tally(""), lambda: False)
    told = {"channel": "subscriptions", "events": [{"subscriptions": {"ticker": products}}]}
    receiver.take(json.dumps(told).encode())
    with pytest.raises(UsageError) if ends else nullcontext():
        receiver.take(b'{"type":"error","message":"the channel is slow"}')


@contextmanager
def deaf_feed() -> Iterator[str]:
    """A feed that takes connections and answers nothing."""
    with serve(list, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_channels_that_are_not_acknowledged_are_noted(
    local_storage: Storage, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ACKNOWLEDGED_SECONDS", 0.05)
    monkeypatch.setattr(capture, "FLUSH_SECONDS", 0.05)

    def so_far() -> bytes:
        return b"".join(unpacked(read(local_storage, each.path)) for each in list_files(local_storage, ACTIVE, PATTERN))

    with deaf_feed() as url, running(url, local_storage, spool) as run:
        played.wait_for(lambda: b"not acknowledged" in so_far())
        time.sleep(0.2)  # it is told once
        run.end()
    assert [each["message"] for each in events(local_storage, "error")] == [
        "not acknowledged: ticker, level2, market_trades"
    ]


def test_told_to_stop_while_it_connects_it_waits_for_no_answer(local_storage: Storage, spool: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with running(f"ws://127.0.0.1:{silent.getsockname()[1]}", local_storage, spool) as run:
            accepted, _ = silent.accept()
            began = time.monotonic()
            run.end()
        accepted.close()
    assert time.monotonic() - began < 5


def test_a_feed_that_is_not_there_is_tried_again_until_it_is(local_storage: Storage, spool: Path) -> None:
    with replaying(SESSION) as replay:
        port = int(replay.url.rpartition(":")[2])
    with running(replay.url, local_storage, spool) as run:
        time.sleep(0.2)
        with replaying(SESSION, port=port, channels=SUBSCRIPTIONS) as replay:
            played.wait_for(lambda: replay.sent and len(replay.sent[0]) >= ALL)
            run.end()
    assert len(events(local_storage, "connected")) == 1
    assert texts(local_storage)[:ALL] == replay.sent[0][:ALL]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no address", "ws://", "ws://127..1", "ws://127.0.0.1:port"])
def test_an_address_that_is_none_is_refused(local_storage: Storage, spool: Path, url: str) -> None:
    with running(url, local_storage, spool) as run:
        played.wait_for(lambda: not run.alive)
        with pytest.raises(UsageError, match="is no address of a WebSocket"):
            run.end()


def test_a_second_capture_on_the_same_spool_is_refused(local_storage: Storage, spool: Path) -> None:
    with capturing(local_storage, spool) as (replay, run):
        played.wait_for(lambda: replay.sent)
        same = Feed(replay.url, PRODUCTS, CHANNELS, pace=Pace())
        with pytest.raises(AvailabilityError, match=r"is being captured to by process \d+ on .* since 20"):
            capture.run(same, local_storage, capture.Spooling(spool), Event())
        run.end()


def test_the_status_file_tells_how_far_it_is(local_storage: Storage, spool: Path, tmp_path: Path) -> None:
    captured(local_storage, spool, Fault("skip", 100, 7))
    told = json.loads((tmp_path / "vault" / ACTIVE / ".capture.json").read_text(encoding="utf-8"))
    assert (told["lost"], told["jumps"], told["breaks"], told["segments"]) == (7, 1, 0, 1)
    assert told["kept"] == len(lines(local_storage))
    assert told["kept_until"] == records(local_storage)[-1]["capture_ts"]
