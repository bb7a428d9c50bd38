"""A line holds a frame byte for byte, whatever the frame is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.vault.envelope import Head, connection_id, note, timestamp, wrap
from tests.vault.played import SESSION

MOMENT = 1_786_276_800_123_456_789  # 2026-08-09T12:00:00.123456789Z
CONNECTION = "20260809T115958.123456Z"
REAL = Path(__file__).parents[3] / "shared/data/coinbase"


def data_of(line: bytes) -> bytes:
    """Return the frame that a line holds: its own text, or the text that a JSON string stands for."""
    value = line.partition(b',"data":')[2].removesuffix(b"}\n")
    return json.loads(value).encode(errors="surrogateescape") if value.startswith(b'"') else value


def test_a_line_says_when_where_and_which_number_and_holds_the_frame_as_it_is() -> None:
    frame = b'{"channel":"ticker", "timestamp":"x","sequence_num":123,"events":[]}'
    line, head = wrap(frame, MOMENT, CONNECTION)
    assert line == (
        b'{"capture_ts":"2026-08-09T12:00:00.123456Z","connection":"20260809T115958.123456Z","sequence_num":123,'
        b'"channel":"ticker","data":{"channel":"ticker", "timestamp":"x","sequence_num":123,"events":[]}}\n'
    )
    assert (head.channel, head.sequence_num) == ("ticker", 123)


def test_every_frame_of_a_session_is_kept_as_it_is() -> None:
    recorded = [json.loads(line) for line in SESSION.read_text(encoding="utf-8").splitlines()]
    frames = [line["data"].encode() for line in recorded if line["t"] == "recv"]
    for frame in frames:
        line, head = wrap(frame, MOMENT, CONNECTION)
        read = json.loads(line)
        assert data_of(line) == frame
        assert read["data"] == json.loads(frame)
        assert (read["channel"], read["sequence_num"]) == (head.channel, head.sequence_num)
        assert (head.channel, head.sequence_num) == (read["data"]["channel"], read["data"]["sequence_num"])


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"no JSON",
        b"[1, 2]",
        b'"text"',
        b"{",
        b'{"channel":"ticker","sequence_num":10,"events":[{"ty',
        b'{"channel":"ticker"}{}',
        b'{"channel":5}{}',
        b'{"x":' + b"[" * 100_000,
        b"[" * 100_000,
        b'{"channel":\n"ticker"}',
        b'{"channel":\r"ticker"}',
        b'{"channel":"ticker","x":"\xff\xfe"}',
        b"\x00\x01\x80",
        "Zürich \u2028".encode(),
    ],
)
def test_a_frame_that_a_line_cannot_hold_as_it_is_is_kept_as_a_string(frame: bytes) -> None:
    line, _ = wrap(frame, MOMENT, CONNECTION)
    assert isinstance(json.loads(line)["data"], str)
    assert data_of(line) == frame


@pytest.mark.parametrize("frame", [b'{"channel":5}', b'{"sequence_num":"7"}', b'{"type":[]}', b"{}"])
def test_an_object_with_an_odd_head_is_kept_as_an_object_without_number(frame: bytes) -> None:
    line, head = wrap(frame, MOMENT, CONNECTION)
    assert (data_of(line), head) == (frame, Head())
    assert json.loads(line)["sequence_num"] is json.loads(line)["channel"] is None


@given(
    st.binary() | st.text().map(lambda text: json.dumps({"channel": text}, ensure_ascii=False).encode(errors="replace"))
)
def test_any_frame_is_one_line_of_json_and_comes_back(frame: bytes) -> None:
    line, _ = wrap(frame, MOMENT, CONNECTION)
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert json.loads(line)["connection"] == CONNECTION
    assert data_of(line) == frame


def test_times_are_utc_and_cut_off_to_the_microsecond() -> None:
    assert timestamp(MOMENT) == "2026-08-09T12:00:00.123456Z"
    assert timestamp(MOMENT // 10**9 * 10**9) == "2026-08-09T12:00:00.000000Z"
    assert connection_id(MOMENT) == "20260809T120000.123456Z"


def test_a_note_has_an_event_instead_of_data() -> None:
    assert json.loads(note("loss", MOMENT, CONNECTION, expected=3, got=5, lost=2)) == {
        "capture_ts": "2026-08-09T12:00:00.123456Z",
        "connection": CONNECTION,
        "event": "loss",
        "expected": 3,
        "got": 5,
        "lost": 2,
    }
