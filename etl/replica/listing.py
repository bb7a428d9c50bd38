"""What a listing question selects: S3's rules for prefix, delimiter, marker and page size, over any bucket."""

from typing import Final, NamedTuple

from etl.replica.bucket import Bucket, Place, Run

PAGE_ENTRIES: Final = 1000


class Question(NamedTuple):
    """One page asked for: keys and common prefixes above `after`, at most `limit` of both together."""

    prefix: bytes
    delimiter: bytes
    after: bytes
    limit: int


class Slice(NamedTuple):
    """Keys at places start..stop-1 of a run."""

    run: Run
    start: int
    stop: int


class Selection(NamedTuple):
    """One page: its keys, its common prefixes, whether more follows, and the last key or prefix of the page."""

    slices: list[Slice]
    prefixes: list[bytes]
    truncated: bool
    last: bytes

    def entries(self) -> int:
        """Entries on the page."""
        return sum(part.stop - part.start for part in self.slices) + len(self.prefixes)


def successor(prefix: bytes) -> bytes | None:
    """The smallest key above every key that starts with `prefix`; None when there is no such bound."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def _is_plain(run: Run, question: Question) -> bool:
    """Whether no key of the run can hold the delimiter after the prefix, so that whole slices may be taken."""
    if not question.delimiter:
        return True
    plain = run.plain_from()
    return plain is not None and question.delimiter == b"/" and question.prefix.startswith(plain)


class _Page:
    """One page while it fills: the place reached, the room left."""

    def __init__(self, bucket: Bucket, question: Question) -> None:
        self.bucket, self.question = bucket, question
        self.room = min(question.limit, PAGE_ENTRIES)
        self.end = successor(question.prefix)
        self.slices: list[Slice] = []
        self.prefixes: list[bytes] = []
        self.last = b""
        start = question.prefix
        if question.after and question.after >= start:
            start = question.after + b"\0"
        self.place: Place = bucket.seek(start)

    def next_run(self) -> Run | None:
        """The run that holds the next key below the prefix; None at the end."""
        runs = self.bucket.runs
        number, index = self.place
        while number < len(runs) and index >= len(runs[number]):
            number, index = number + 1, 0
        self.place = number, index
        if number < len(runs) and runs[number].key(index).startswith(self.question.prefix):
            return runs[number]
        return None

    def take_slice(self, run: Run, *, whole: bool) -> None:
        """Take keys of a run: as many as fit and match, or just one."""
        number, start = self.place
        stop = start + 1
        if whole:
            stop = len(run) if self.end is None else run.lower(self.end)
            stop = min(stop, start + self.room)
        self.slices.append(Slice(run, start, stop))
        self.room -= stop - start
        self.last = run.key(stop - 1)
        self.place = number, stop

    def take_one(self, run: Run) -> None:
        """Take the next key, or the common prefix that stands for it and all its siblings."""
        key, delimiter = run.key(self.place[1]), self.question.delimiter
        cut = key.find(delimiter, len(self.question.prefix))
        if cut < 0:
            self.take_slice(run, whole=False)
            return
        common = key[: cut + len(delimiter)]
        if common > self.question.after:
            self.prefixes.append(common)
            self.room -= 1
            self.last = common
        beyond = successor(common)
        self.place = (len(self.bucket.runs), 0) if beyond is None else self.bucket.seek(beyond)


def select(bucket: Bucket, question: Question) -> Selection:
    """The page a question asks for, from what is published now."""
    bucket.catch_up()
    page = _Page(bucket, question)
    run = page.next_run()
    if page.room <= 0:
        return Selection([], [], truncated=False, last=b"")
    while run is not None and page.room:
        if _is_plain(run, question):
            page.take_slice(run, whole=True)
        else:
            page.take_one(run)
        run = page.next_run()
    return Selection(page.slices, page.prefixes, truncated=run is not None, last=page.last)
