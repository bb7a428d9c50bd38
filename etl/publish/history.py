"""What was published, refused, flipped back and rolled back: one line of JSON each, never rewritten."""

import json
import os
from pathlib import Path
from typing import Any

from etl import clock

NAME = "history.jsonl"


def remember(site_dir: Path, event: str, build_id: str, **told: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Append one line, whole or not at all as far as readers see."""
    line = {"at": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}", "event": event, "build_id": build_id, **told}
    handle = os.open(site_dir / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, f"{json.dumps(line, ensure_ascii=False, default=str)}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
