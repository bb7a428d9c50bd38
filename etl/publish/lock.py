"""One publisher at a time in a site folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl import locks
from etl.disk import named

NAME = ".publish.lock"


@contextmanager
def publishing(site_dir: Path, command: str) -> Iterator[None]:
    """Hold the folder's lock; AvailabilityError where another process does."""
    with named(site_dir), locks.held(site_dir / NAME, command, f"{site_dir} is being published to"):
        yield
