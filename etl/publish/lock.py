"""One publisher at a time in a site folder; the lock file says who, and since when."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from etl import clock
from etl.errors import AvailabilityError

NAME = ".publish.lock"


@contextmanager
def publishing(site_dir: Path, command: str) -> Iterator[None]:
    """Hold the folder's lock; AvailabilityError where another process does. A process that dies lets it go."""
    site_dir.mkdir(parents=True, exist_ok=True)
    with (site_dir / NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AvailabilityError(
                f"{site_dir} is being published to by {_holder(file)}: try again when it is done."
            ) from error
        me = {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"}
        file.truncate(0)
        file.write(json.dumps({**me, "command": command}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # the file itself stays: who waits for a removed one holds nothing


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        told = json.load(file)
    except ValueError:  # it has just taken the lock and not signed yet
        return "another process"
    return f"process {told['pid']} on {told['host']} ({told['command']}) since {told['since']}"
