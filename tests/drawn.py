"""Facts drawn as text: one character a day, so that a test reads like a picture.

``x`` a file with its checksum, ``c`` a file without, ``X`` the day uploaded again, ``f`` a flat file, ``C`` a flat one
without checksum, ``s`` a small file, ``z`` one without a byte, ``l`` a file that came two days late, ``u`` one uploaded
again a year later, ``.`` no file, ``_`` not looked at.
"""

import datetime as dt
import re
from typing import NamedTuple

from etl.records import Enumeration, Listing, Window, day_files

FIRST = dt.date(2024, 1, 1)
DATASET = "um/klines/1m"
SIZES = {"x": 40_000, "c": 40_000, "X": 40_000, "f": 8_000, "C": 8_000, "s": 12_000, "z": 0, "l": 40_000, "u": 40_000}
LATER = {"l": 2, "u": 365}  # days


def day(number: int) -> dt.date:
    """Return the day under the character at this place."""
    return FIRST + dt.timedelta(days=number)


def moment(number: int) -> dt.datetime:
    """Return noon of the day under the character at this place."""
    return dt.datetime.combine(day(number), dt.time(12))


def listing(symbol: str, drawn: str, *, at: int | None = None, whole: bool = False) -> Listing:
    """Return a complete listing of the days that are not ``_`` at both ends, done on day ``at``."""
    begin = len(drawn) - len(drawn.lstrip("_"))
    end = len(drawn.rstrip("_"))
    held = [number for number in range(begin, end) if drawn[number] not in "._"]
    files = day_files(
        [day(number).isoformat() for number in held],
        [str(SIZES[drawn[number]]) for number in held],
        [f"{day(number + 1 + LATER.get(drawn[number], 0))}T07:30:00.000Z" for number in held],
        [etag(symbol, number, drawn[number]) for number in held],
        ["0" if drawn[number] in "cC" else "1" for number in held],
    )
    when = moment(len(drawn) if at is None else at)
    window = Window(symbol, None if whole else day(begin), day(end - 1))
    return Listing(window, f"p/{symbol}/", "", "http://archive", when, when, 1, len(held) * 2, files, [])


def etag(symbol: str, number: int, mark: str) -> str:
    """Return an MD5-like text that differs by symbol, day and upload."""
    return f"{hash_of(symbol + str(number) + str(mark == 'X')):032x}"


def hash_of(text: str) -> int:
    """Return a number that is the same in every process."""
    return int.from_bytes(text.encode()) % 2**128


def enumeration(*symbols: str, at: int = 0) -> Enumeration:
    """Return a complete listing of the symbol level."""
    return Enumeration("p/", moment(at), moment(at), 1, sorted(symbols), [])


class Drawing(NamedTuple):
    """A drawn example of docs/conditions.md: what listings saw, one after the other, and what the views say."""

    title: str
    seen: list[tuple[str, str]]  # symbol and picture
    said: dict[str, str]  # symbol and one letter a day


def drawings(markdown: str) -> list[Drawing]:
    """Read the ``drawn`` blocks of a page; ``M*12`` stands for twelve symbols that look alike."""
    found = []
    for title, block in re.findall(
        r"^### (.+?)$(?:(?!^### ).)*?^```drawn\n(.*?)^```$", markdown, re.DOTALL | re.MULTILINE
    ):
        lines = [(name, verb, picture) for row in block.splitlines() for name, verb, picture in [row.split()]]
        seen = [(symbol, picture) for name, verb, picture in lines if verb == "sees" for symbol in alike(name)]
        said = {symbol: picture for name, verb, picture in lines if verb == "says" for symbol in alike(name)}
        found.append(Drawing(title, seen, said))
    return found


def alike(name: str) -> list[str]:
    """Return the symbols that ``M*12`` or a plain name stands for."""
    stem, star, count = name.partition("*")
    return [f"{stem}{number:02d}USDT" for number in range(int(count))] if star else [name]
