"""The nouns. Plain tuples, no project imports; columns instead of rows where there are millions."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Page(NamedTuple):
    """One verified page of a bucket listing, as parallel columns of text exactly as S3 sent them."""

    keys: list[str]
    sizes: list[str]  # bytes
    last_modified: list[str]  # 2024-01-16T07:31:02.000Z
    etags: list[str]  # without quotes
    prefixes: list[str]  # common prefixes, only with a delimiter
    next_token: str | None  # None on the last page


class StoredObject(NamedTuple):
    """One object of a bucket, as listed."""

    key: str
    size: str  # bytes
    last_modified: str
    etag: str


class Stranger(NamedTuple):
    """An object whose key is no day file of the series it lies in."""

    object: StoredObject
    reason: str


class DayFiles(NamedTuple):
    """The day files of one listing: their number, and their columns in the order of the days, one text each.

    A column has a comma between two values, as it travels into DuckDB: a whole universe is then a few thousand texts,
    where five million of a few letters would cost as much time to forget as to read.
    """

    number: int
    days: str  # YYYY-MM-DD, UTC
    sizes: str  # bytes
    last_modified: str
    etags: str
    checksums: str  # "1" where KEY.CHECKSUM lies beside the file, "0" where not, "" where nobody looked


def day_files(days: Sequence[str], *others: Iterable[str]) -> DayFiles:
    """Return day files from the values of each column: days, sizes, last_modified, etags, checksums."""
    return DayFiles(len(days), *map(",".join, (days, *others)))


class Window(NamedTuple):
    """The days of one symbol that a listing asks for; ``first`` None = from the very beginning."""

    symbol: str
    first: dt.date | None
    last: dt.date
    stop: bool = False  # True: do not ask for keys after ``last``
    filled: bool = False  # True: an empty answer is not believed until a second one says so too


class Listing(NamedTuple):
    """What one complete look at a window said: a listing, or a HEAD of each of its files."""

    window: Window
    prefix: str
    from_key: str  # start-after sent to the bucket, "" = none
    url: str  # of its first page
    started_at: dt.datetime
    ended_at: dt.datetime
    pages: int
    objects: int
    files: DayFiles
    strangers: list[Stranger]
    method: str = "list"  # list | head | aws-cli; its pages are then pages, HEAD requests or commands


class Failure(NamedTuple):
    """A listing that did not complete: nothing of it is kept but this."""

    symbol: str | None  # None = the level of the symbols
    first_day: dt.date | None  # None = from the very beginning
    last_day: dt.date | None
    prefix: str
    from_key: str  # start-after sent to the bucket, "" = none
    started_at: dt.datetime
    ended_at: dt.datetime
    url: str
    status: int | None
    reason: str
    method: str = "list"


class Head(NamedTuple):
    """What a HEAD request said of one file: 200 there, 404 not there, anything with an ``error`` unknown."""

    url: str
    asked_at: dt.datetime
    status: int | None  # None = no answer came
    size: str | None = None  # Content-Length, bytes; None = absent or 0
    last_modified: str | None = None  # 2024-01-16T07:31:02.000Z
    etag: str | None = None  # without quotes
    error: str | None = None  # why it tells nothing


class Probe(NamedTuple):
    """One HEAD of the file of a symbol and a day."""

    symbol: str
    day: dt.date
    head: Head


class Answer(NamedTuple):
    """What looking at one window brought."""

    listings: list[Listing]
    failures: list[Failure]
    probes: list[Probe]
    whole: bool = True  # False: stopped before the end, or not even asked


class Enumeration(NamedTuple):
    """What one complete listing of the symbol level said."""

    prefix: str
    started_at: dt.datetime
    ended_at: dt.datetime
    pages: int
    symbols: list[str]
    strangers: list[Stranger]


class SymbolName(NamedTuple):
    """What a symbol's name alone tells."""

    kind: str  # perpetual | delivery | settled, and spot in the vault
    base: str
    quote: str  # "" where the name does not tell


class VaultDay(NamedTuple):
    """What the vault holds of one symbol on one day."""

    day: str  # YYYY-MM-DD, UTC
    hours: int  # with a record
    rows: int
    bytes: int  # of its Parquet files when they were first seen
    parts: int  # Parquet files then
    last_modified: str  # the newest of them
    etag: str  # MD5 of what it is and of its refined parts' names, "-", their number: in S3's form, no MD5 of a file
    losses: int  # jumps of sequence_num that day, on any connection: which product they hit nobody knows
    lost_messages: int
    breaks: int  # connections that ended against our will that day
    files_md5: str  # of the names and sizes of all that this was read from


class Outcome(NamedTuple):
    """What a collecting command did."""

    asked: int  # symbols whose listing was wanted
    recorded: int
    pages: int
    day_files: int  # listed, whether new or not
    added: int
    changed: int  # etag or size moved
    touched: int  # only last_modified moved
    vanished: int
    returned: int
    strangers: int
    failures: list[Failure]
    interrupted: bool
    present: int = 0  # files that a HEAD found
    absent: int = 0  # answered with 404
    unknown: int = 0  # answered with anything else, or not at all


class Build(NamedTuple):
    """The one row of the published ``build`` table; its column comments are in metadata.yml."""

    build_id: str
    built_at: str
    today: str
    source: str
    files_url: str
    dataset: str
    symbols: int
    day_files: int
    gap_days: int
    first_day: str | None
    last_day: str | None
    looked_through: str | None
    listings: int
    newest_listing_at: str
    failed_symbols: int
    content_sha256: str
    code_version: str
    license: str
    attribution: str
