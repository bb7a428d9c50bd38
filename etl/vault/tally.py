"""What a capture has done so far, for its log lines, its status file and its last word."""

import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from etl.vault.envelope import timestamp

STATUS: Final = ".capture.json"  # in the spool


@dataclass(slots=True)
class Tally:
    """Counts since the start; each is written by one thread only."""

    started_at: str
    received: int = 0  # frames
    received_bytes: int = 0
    kept: int = 0  # lines on the disk, notes included
    segments: int = 0  # closed ones
    jumps: int = 0  # of sequence_num
    lost: int = 0  # frames that these jumps skipped
    breaks: int = 0
    connection: str | None = None
    last_frame: int = 0  # when it came, nanoseconds since 1970; 0 = none yet
    kept_until: str | None = None  # capture_ts of the last line on the disk
    waiting: bool = False  # whether receiving waits for room
    stalled: str | None = None  # why nothing is brought to the disk just now
    parts_until: str | None = None  # the newest part on S3: its segment and its size so far
    backlog: list[str] = field(default_factory=list)  # closed segments that are not in the store yet


def write_status(spool: Path, tally: Tally, rate: float | None) -> None:
    """Write the counts beside the segments, for `vault status`; a reader sees a whole file."""
    me = {"pid": os.getpid(), "host": socket.gethostname(), "updated_at": timestamp(time.time_ns())}
    told = {**me, "frames_per_second": rate, **asdict(tally)}
    last = told.pop("last_frame")
    told["last_frame_at"] = timestamp(last) if last else None
    beside = spool / f"{STATUS}.building"
    beside.write_text(json.dumps(told), encoding="utf-8")
    beside.replace(spool / STATUS)
