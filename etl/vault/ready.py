"""Under which name a closed segment becomes ready: none that another segment has there."""

from typing import Final, NamedTuple

from etl.vault import storage as store
from etl.vault.segments import PROCESSING, READY, name_after
from etl.vault.storage import Storage

BEGINNING: Final = 1_000_000  # bytes that tell a segment from another


class Ready(NamedTuple):
    """The name of a segment in ready, and what is there of it."""

    name: str
    size: int  # bytes; 0 = nothing


def name_in_ready(storage: Storage, name: str, beginning: bytes) -> Ready:
    """Return the name under which a segment with this beginning is ready or taken up already, or may be.

    Where a clock was set back, another segment has its name: that one is left, and the next number taken.
    """
    while found := [each for folder in (READY, PROCESSING) for each in store.list_files(storage, folder, name)]:
        for each in found:
            if store.read_range(storage, each.path, 0, len(beginning)) == beginning[: each.size]:
                return Ready(name, each.size)
        name = name_after(name)
    return Ready(name, 0)
