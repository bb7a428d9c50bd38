"""Rows as a person or a program reads them: aligned text, JSON, CSV."""

import csv
import datetime as dt
import io
import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

Rows = Sequence[Sequence[Any]]


def as_text(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """Yield a table line by line: names on the left, numbers on the right, ``-`` where there is nothing to say."""
    cells = [list(columns), *([_shown(value) for value in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    numbers = [all(isinstance(value, int | float | None) for value in column) for column in zip(*rows, strict=True)]
    right = numbers or [False] * len(columns)
    for number, line in enumerate(cells):
        yield "  ".join(map(_padded, line, widths, right)).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def as_json(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """Yield a JSON array of objects, one a line."""
    if not rows:
        yield "[]"
    for number, row in enumerate(rows):
        start, end = "[" if number == 0 else " ", "]" if number == len(rows) - 1 else ","
        yield f"{start}{compact(dict(zip(columns, map(plain, row), strict=True)))}{end}"


def as_csv(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    """Yield CSV with a header, line by line; nothing between two commas where there is nothing to say."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(plain, row) for row in rows)
    yield text.getvalue().removesuffix("\n")


def compact(value: Any) -> str:  # noqa: ANN401 - whatever JSON can say
    """Return JSON without spaces; names in Chinese stay readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    """Return days and moments as text, as the published file writes them; everything else as it is."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, dt.date) else value


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    return "-" if value is None else str(plain(value))


def _padded(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - one of three columns of settings
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes: two for each Chinese character."""
    return len(text) if text.isascii() else len(text) + sum(unicodedata.east_asian_width(mark) in "WF" for mark in text)
