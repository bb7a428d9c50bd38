"""How numbers, sizes and addresses are written, and where the SQL is."""

from functools import cache
from pathlib import Path
from urllib.parse import quote

_SQL = Path(__file__).parent / "sql"


@cache
def sql(name: str) -> str:
    """Return the text of ``webapp/sql/NAME.sql``."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def number(value: float | None) -> str:
    """Write 1234 as 1,234, and nothing for nothing known."""
    return "" if value is None else f"{value:,}"


def size(value: float | None) -> str:
    """Write bytes as people read them: 12345678 as 12.3 MB."""
    if value is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - SI units
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def percent(share: float | None) -> str:
    """Write 0.9992 as 99.92 %, and never round to 100 % what is not whole."""
    if share is None:
        return ""
    return "100 %" if share >= 1 else f"{min(share * 100, 99.99):.2f} %"


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: 1 day, 2 days, 0 gaps."""
    ending = "" if count == 1 else "s"
    return f"{count:,} {noun}{ending}"


def symbol_url(symbol: str) -> str:
    """Return the page of a symbol."""
    return f"/symbol/{quote(symbol, safe='')}"


def day_url(day: str) -> str:
    """Return the page of a day."""
    return f"/day/{day}"


FILTERS = {"number": number, "bytes": size, "percent": percent, "plural": plural}
GLOBALS = {"symbol_url": symbol_url, "day_url": day_url}
