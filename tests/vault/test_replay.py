"""The replay stands for Coinbase: it answers subscriptions, numbers its frames, and goes wrong as told."""

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from etl.replay.faults import GARBAGE, Fault, parse_fault
from etl.replay.recording import read_recording
from etl.replay.server import Replay, running
from tests.vault.data.make_session import session
from tests.vault.played import PRODUCTS, SESSION

REAL = Path(__file__).parents[3] / "shared/data/coinbase/session_2026-08-09_COINBASE.jsonl.zst"


@pytest.fixture
def replay() -> Iterator[Replay]:
    with running(SESSION) as server:
        yield server


@contextmanager
def client(replay: Replay) -> Iterator[ClientConnection]:
    with connect(replay.url, max_size=2**24, close_timeout=0.1) as socket:
        yield socket


def subscribe(socket: ClientConnection, channel: str, *products: str, **more: str) -> None:
    socket.send(json.dumps({"type": "subscribe", "channel": channel, "product_ids": products, **more}))


def received(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    return [json.loads(socket.recv(10)) for _ in range(count)]


def recorded(channel: str, *products: str) -> list[str]:
    """The updates of a channel in the recording, as far as they are about these products, without their numbers."""
    lines = [json.loads(line) for line in SESSION.read_text(encoding="utf-8").splitlines()]
    texts = [line["data"] for line in lines if line["t"] == "recv"]
    wanted = re.compile(f'"channel":"{channel}".*"type":"update".*"product_id":"({"|".join(products)})"')
    return [unnumbered(text) for text in texts if wanted.search(text)]


def unnumbered(text: str) -> str:
    return re.sub(r'"sequence_num":\d+', "", text)


def test_the_recording_that_ships_is_what_its_maker_makes() -> None:
    made = "".join(f"{json.dumps(each, separators=(',', ':'))}\n" for each in session())
    assert SESSION.read_text(encoding="utf-8") == made
    assert SESSION.stat().st_size < 200_000


def test_snapshots_come_first_then_the_acknowledgement_then_the_updates_as_recorded(replay: Replay) -> None:
    with client(replay) as socket:
        subscribe(socket, "level2", *PRODUCTS)
        first = received(socket, 3)
        assert [each["channel"] for each in first] == ["l2_data", "l2_data", "subscriptions"]
        assert [each["events"][0].get("type") for each in first] == ["snapshot", "snapshot", None]
        assert first[2]["events"] == [{"subscriptions": {"level2": list(PRODUCTS)}}]
        wanted = recorded("l2_data", *PRODUCTS)
        assert len(wanted) > 100
        assert [unnumbered(str(socket.recv(10))) for _ in wanted] == wanted


def test_only_what_is_subscribed_to_is_sent() -> None:
    with running(SESSION, channels=2) as replay, client(replay) as socket:
        subscribe(socket, "ticker", "ETH-USD")
        subscribe(socket, "heartbeats")
        seen = received(socket, 20)
    products = {tick["product_id"] for each in seen for event in each["events"] for tick in event.get("tickers", ())}
    assert products == {"ETH-USD"}
    assert {each["channel"] for each in seen} == {"ticker", "subscriptions", "heartbeats"}
    assert seen[2]["events"] == [{"subscriptions": {"ticker": ["ETH-USD"], "heartbeats": ["heartbeats"]}}]


def test_every_connection_is_numbered_from_0_across_its_channels() -> None:
    with running(SESSION, channels=2) as replay:
        for _ in range(2):
            with client(replay) as socket:
                subscribe(socket, "ticker", *PRODUCTS)
                subscribe(socket, "market_trades", *PRODUCTS)
                assert [each["sequence_num"] for each in received(socket, 60)] == list(range(60))


def test_updates_are_repeated_snapshots_are_not() -> None:
    count = len(recorded("ticker", *PRODUCTS))
    with running(SESSION, repeat=3) as replay, client(replay) as socket:
        subscribe(socket, "ticker", *PRODUCTS)
        seen = received(socket, 3 + 3 * count)
    kinds = Counter(each["events"][0].get("type") for each in seen)
    assert kinds == {"snapshot": 2, None: 1, "update": 3 * count}


@pytest.mark.long
def test_at_a_speed_frames_keep_their_distances() -> None:
    seconds = read_recording(SESSION).seconds
    with running(SESSION, speed=20) as replay, client(replay) as socket:
        began = time.monotonic()
        subscribe(socket, "ticker", *PRODUCTS)
        received(socket, 3 + len(recorded("ticker", *PRODUCTS)))
        assert seconds / 20 * 0.9 < time.monotonic() - began < seconds / 2


@pytest.mark.parametrize(
    ("channel", "product", "more", "message"),
    [
        ("ticker", "NO-SUCH", {}, "NO-SUCH is not a valid product"),
        ("tickers", "BTC-USD", {}, "channel tickers is not supported"),
        ("ticker", "BTC-USD", {"jwt": "wrong"}, "authentication failure"),
    ],
)
def test_a_wrong_subscription_is_answered_with_an_error(
    replay: Replay, channel: str, product: str, more: dict[str, str], message: str
) -> None:
    with client(replay) as socket:
        subscribe(socket, channel, product, **more)
        assert received(socket, 1) == [{"type": "error", "message": message}]


def faulty(fault: Fault, count: int) -> list[str | bytes]:
    with running(SESSION, faults=[fault]) as replay, client(replay) as socket:
        subscribe(socket, "ticker", *PRODUCTS)
        return [socket.recv(10) for _ in range(count)]


def test_skip_leaves_numbers_out() -> None:
    seen = [json.loads(text)["sequence_num"] for text in faulty(Fault("skip", 10, 5), 12)]
    assert seen == [*range(10), 15, 16]


def test_big_is_a_frame_of_megabytes() -> None:
    big = faulty(Fault("big", 10, 5_000_000), 11)[10]
    assert 4_900_000 < len(big) < 5_100_000
    assert json.loads(big)["sequence_num"] == 10


def test_garbage_is_sent_as_it_is() -> None:
    assert [str(text).encode() for text in faulty(Fault("garbage", 10), 14)[10:]] == list(GARBAGE)


def test_error_is_an_error_frame_and_the_connection_lives_on() -> None:
    error, following = faulty(Fault("error", 10), 12)[10:]
    assert json.loads(error)["type"] == "error"
    assert json.loads(following)["sequence_num"] == 10


def test_drop_breaks_the_connection_off_once() -> None:
    with running(SESSION, faults=[Fault("drop", 10)]) as replay:
        with client(replay) as socket:
            subscribe(socket, "ticker", *PRODUCTS)
            with pytest.raises(ConnectionClosed):
                received(socket, 1000)
        with client(replay) as socket:
            subscribe(socket, "ticker", *PRODUCTS)
            assert len(received(socket, 30)) == 30


def test_silence_sends_nothing_more_but_answers_pings() -> None:
    with running(SESSION, faults=[Fault("silence", 10)]) as replay, client(replay) as socket:
        subscribe(socket, "ticker", *PRODUCTS)
        received(socket, 10)
        with pytest.raises(TimeoutError):
            socket.recv(0.2)
        assert socket.ping().wait(5)


@pytest.mark.parametrize("text", ["", "drop", "drop:x", "burn:5", "drop:5:5", "skip:5:x"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no fault"):
        parse_fault(text)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text('{"t":"header"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="holds no frame"):
        read_recording(path)
    path.write_text('{"t":"recv","ts":1,"data":"{"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1"):
        read_recording(path)


@pytest.mark.long
def test_the_command_says_where_it_listens_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "etl.replay", "--recording", str(SESSION), "--speed", "max"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip().removeprefix("replay listening on ")
        with connect(url, close_timeout=0.1) as socket:
            subscribe(socket, "ticker", *PRODUCTS)
            assert len(received(socket, 50)) == 50
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.long
@pytest.mark.skipif(not REAL.exists(), reason="the real recording lies outside of the repository")
def test_the_real_recording_is_read_whole() -> None:
    recording = read_recording(REAL)
    assert (len(recording.snapshots), len(recording.updates)) == (8, 1017)
    assert recording.products == set(PRODUCTS)
    assert max(len(frame.after) for frame in recording.snapshots) > 5_000_000
