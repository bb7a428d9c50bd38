"""A slow and obvious reference of every judgement, made on pictures alone: one mark a day, as tests/drawn.py has them.

``v`` stands for a file that was there and is gone.
"""

import datetime as dt
from statistics import median
from typing import Any

from tests.drawn import SIZES, day

LETTERS = {
    ("available", None): "a",
    ("available", "flat"): "f",
    ("degraded", "no_checksum"): "c",
    ("degraded", "small_file"): "s",
    ("missing", "symbol_gap"): "g",
    ("missing", "market_gap"): "m",
    ("missing", "relist_break"): "r",
    ("missing", "ended"): "e",
    ("missing", "vanished"): "v",
    ("pending", "not_published_yet"): "p",
    (None, "not_looked"): "?",
}

Known = dict[str, str]


def held(mark: str) -> bool:
    return mark in SIZES


def was_there(mark: str) -> bool:
    return held(mark) or mark == "v"


def begun(known: Known) -> Known:
    """Return what is judged: symbols with a file; what vanished between two held days is a hole like any other."""
    judged = {}
    for symbol, picture in known.items():
        days = [n for n, mark in enumerate(picture) if held(mark)]
        first, last = (days[0], days[-1]) if days else (len(picture), -1)
        if any(map(was_there, picture)):
            marks = ("." if mark == "v" and first < n < last else mark for n, mark in enumerate(picture))
            judged[symbol] = "".join(marks)
    return judged


def oracle(known: Known) -> dict[str, str]:
    """Say the letters of every symbol, day by day, in the most obvious way."""
    published, judged = market(known), begun(known)
    newest = max((n for picture in known.values() for n, mark in enumerate(picture) if mark != "_"), default=-1)
    return {
        symbol: "".join(letter(judged, symbol, n, published) if n <= newest else "-" for n in range(len(picture)))
        for symbol, picture in judged.items()
    }


def market(known: Known) -> list[bool]:
    """Tell the days on which the market published."""
    columns = list(zip(*known.values(), strict=True))
    files = [sum(map(held, column)) for column in columns]
    looked = [sum(mark != "_" for mark in column) for column in columns]
    shares = {n: files[n] / looked[n] for n in range(len(columns)) if files[n]}
    published = []
    for n in range(len(columns)):
        near = [*[m for m in shares if m < n][-10:], *[m for m in shares if m > n][:10]]
        usual = round(median([shares[m] for m in near]) * looked[n], 6) if near else files[n]
        published.append(usual < 10 or files[n] >= usual / 2)
    return published


def letter(known: Known, symbol: str, n: int, published: list[bool]) -> str:
    picture = known[symbol]
    first, last = (f(m for m, mark in enumerate(picture) if was_there(mark)) for f in (min, max))
    if n < first:
        return "-"
    if held(picture[n]):
        return of_file(picture, n)
    if picture[n] in "_v":
        return {"_": "?", "v": "v"}[picture[n]]
    if n < last:
        return of_hole(known, symbol, n, published=published[n])
    return of_tail(picture, n, last, published)


def of_file(picture: str, n: int) -> str:
    days = [m for m, mark in enumerate(picture) if held(mark)]
    sizes = [SIZES[picture[m]] for m in days]
    here = days.index(n)
    low = [0 < size < 10_000 for size in sizes]
    beside_low = (here > 0 and low[here - 1]) or (here + 1 < len(low) and low[here + 1])
    inside = 0 < here < len(days) - 1 and days[here - 1] == n - 1 and days[here + 1] == n + 1
    around = [sizes[k] for k in range(max(here - 7, 0), min(here + 8, len(days))) if k != here and sizes[k] >= 10_000]
    thin = len(around) >= 3 and sizes[here] < 0.4 * sum(around) / len(around)
    flat = is_flat(picture, n)
    if sizes[here] == 0 or (not flat and inside and thin and (low[here] or not beside_low)):
        return "s"
    if picture[n] in "cC":
        return "c"
    return "f" if flat else "a"


def is_flat(picture: str, n: int) -> bool:
    """Tell whether a file is one of three of flat size in a row, whatever else is said of it."""
    days = [m for m, mark in enumerate(picture) if held(mark)]
    low = [0 < SIZES[picture[m]] < 10_000 for m in days]
    here = days.index(n)
    return any(all(low[k : k + 3]) for k in range(here - 2, here + 1) if k >= 0 and k + 3 <= len(low))


def of_hole(known: Known, symbol: str, n: int, *, published: bool) -> str:
    picture = known[symbol]
    before = max(m for m in range(n) if was_there(picture[m]))
    after = min(m for m in range(n, len(picture)) if was_there(picture[m]))
    if not published:
        return "m"
    for twin in known:
        ends = [m for m, mark in enumerate(known[twin]) if held(mark)]
        if twin in {f"{symbol}SETTLED", f"{symbol}_SETTLED"} and ends and before + 1 - 7 <= ends[-1] <= after - 1 + 7:
            return "r"
    if set(picture[before - 2 : before + 1]) <= {*"fC"} and before >= 2 and SIZES.get(picture[after], 0) >= 10_000:
        return "r"
    return "g"


def of_tail(picture: str, n: int, last: int, published: list[bool]) -> str:
    looked = [m for m in range(last + 1, len(picture)) if picture[m] == "."]
    if sum(published[m] for m in looked) > 3:
        return "e"
    return "p" if published[n] or n > looked[-1] - 3 else "m"


def overlaid(under: str, seen: str) -> str:
    """Lay what a look saw over what was known before."""
    return "".join(after_a_look(*marks) for marks in zip(under, seen, strict=True))


def after_a_look(before: str, now: str) -> str:
    if now == "_":
        return before
    return "v" if now == "." and was_there(before) else now


def known_after(seen: list[tuple[str, str]]) -> Known:
    """Lay the looks over each other, the newest on top."""
    known: Known = {}
    for symbol, picture in seen:
        known[symbol] = overlaid(known.get(symbol, "_" * len(picture)), picture)
    return known


def counted(known: Known, expected: dict[str, str]) -> list[tuple[Any, ...]]:
    """Count the letters of each day from the first file on; of a symbol that ended nobody need look at more."""
    letters = {symbol: after_the_end(each) for symbol, each in expected.items()}
    rows = []
    for n, column in enumerate(zip(*letters.values(), strict=True)):
        if set(column) == {"-"}:
            continue
        there = [symbol for symbol in letters if held(known[symbol][n])]
        available = sum(column.count(mark) for mark in "af")
        missing = sum(column.count(mark) for mark in "gmrv")
        flat = sum(is_flat(known[symbol], n) for symbol in there)
        pending, ended, unlooked = (column.count(mark) for mark in "pe?")
        listed = sum(mark not in "-e" for mark in column)
        wanted = len(there) + missing + unlooked
        share = round(len(there) / wanted, 6) if wanted else None
        some = (available, len(there) - available, pending, flat, ended, share, unlooked)
        rows.append((day(n), len(there), missing, listed, *some))
    return rows


def after_the_end(letters: str) -> str:
    begin, end, rest = letters.partition("e")
    return begin + end + rest.replace("?", "e")


def runs_between(letters: str, picture: str) -> list[tuple[dt.date, dt.date, str]]:
    """Return the runs of one kind of missing day between the first and the last file held."""
    reasons = {mark: reason for (condition, reason), mark in LETTERS.items() if condition == "missing" and reason}
    days = [n for n, mark in enumerate(picture) if held(mark)]
    runs = []
    for n in range(days[0], days[-1]) if days else ():
        mark = letters[n]
        if mark in reasons and letters[n - 1] != mark:
            end = next(m for m in range(n, len(letters)) if letters[m] != mark) - 1
            runs.append((day(n), day(end), reasons[mark]))
    return runs


def spans_of(picture: str) -> list[tuple[dt.date, dt.date]]:
    """Return the unbroken runs of days held."""
    days = [n for n, mark in enumerate(picture) if held(mark)]
    starts, ends = ([n for n in days if n + step not in days] for step in (-1, 1))
    return [(day(start), day(end)) for start, end in zip(starts, ends, strict=True)]


def newest_day(known: Known) -> int:
    """Tell the newest day on which the market published and a file of which is held."""
    days = [n for n, published in enumerate(market(known)) if published]
    return max((n for n in days if any(held(picture[n]) for picture in known.values())), default=-1)


def state(letters: str, picture: str, newest: int) -> str:
    latest = max(n for n, mark in enumerate(picture) if held(mark))
    if "e" in letters:
        return "ended"
    if letters[latest:].count("?") > 3:
        return "unknown"
    if is_flat(picture, latest):
        return "flat"
    return "pending" if "p" in letters[: newest + 1] else "trading"
