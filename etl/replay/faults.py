"""What can go wrong on a connection, and after how many frames."""

from typing import Final, NamedTuple

KINDS: Final = ("drop", "skip", "big", "garbage", "silence", "error")
_NUMBERS: Final = {"skip": 1, "big": 5_000_000}
FORM: Final = f"KIND:AFTER[:NUMBER], KIND one of {', '.join(KINDS)}"
GARBAGE: Final = (  # none of these has a sequence number
    b"no JSON at all",
    b"[1, 2]",
    b'{"channel":"ticker",\r\n "events":[]}',
    b'{"channel":"ticker","timestamp":"2026-08-09T21:05:48.298032046Z","sequence_num":10,"events":[{"ty',
)
ERROR: Final = b'{"type":"error","message":"internal server error"}'


class Fault(NamedTuple):
    """One thing that goes wrong, once: on the first connection that has been sent ``after`` frames.

    drop: the connection breaks off. skip: ``number`` sequence numbers are left out. big: a frame of ``number`` bytes.
    garbage: four frames that are none. silence: nothing more is sent, pings are answered. error: an error frame.
    """

    kind: str
    after: int
    number: int = 0


def parse_fault(text: str) -> Fault:
    """Read ``skip:100:5``; ValueError says what a fault looks like."""
    kind, _, rest = text.partition(":")
    after, _, number = rest.partition(":")
    if (
        kind not in KINDS
        or not after.isdecimal()
        or not (number or "0").isdecimal()
        or (number and kind not in _NUMBERS)
    ):
        raise ValueError(f"{text!r} is no fault: {FORM}; only skip and big take a NUMBER.")
    return Fault(kind, int(after), int(number or _NUMBERS.get(kind, 0)))


def big_frame(size: int) -> tuple[bytes, bytes]:
    """Return the text of a level2 frame of about ``size`` bytes, before and after its sequence number."""
    when = b"2026-08-09T21:05:48.170326Z"
    level = b'{"side":"bid","event_time":"%b","price_level":"65083.66","new_quantity":"0.20371215"}' % when
    before = b'{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.483587501Z","sequence_num":'
    head = b',"events":[{"type":"update","product_id":"BTC-USD","updates":['
    return before, head + b",".join([level] * max(1, size // (len(level) + 1))) + b"]}]}"
