"""What both backends of the storage share."""

import datetime as dt
from typing import NamedTuple

PIECE_BYTES = 8 * 1024 * 1024  # of a stream


class Stored(NamedTuple):
    """A file of the vault."""

    path: str  # below the base, with "/"
    size: int  # bytes
    last_modified: dt.datetime  # UTC
