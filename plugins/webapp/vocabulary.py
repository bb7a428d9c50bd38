"""How numbers, sizes and addresses are written, and where the SQL is."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

_SQL = Path(__file__).parent / "sql"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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


def with_days_whole(said: str) -> Markup:
    """Return a sentence as markup whose days are not broken over lines."""
    marked = _DAY.sub(r'<span class="nowrap">\g<0></span>', str(escape(said)))
    return Markup(marked)  # noqa: S704 - it was escaped


def symbol_url(symbol: str, elsewhere: str = "") -> str:
    """Return the page of a symbol, in another archive than the default one where it is named."""
    return in_archive(f"/symbol/{quote(symbol, safe='')}", elsewhere)


def day_url(day: str, elsewhere: str = "") -> str:
    """Return the page of a day, of another archive than the default one where it is named."""
    return in_archive(f"/day/{day}", elsewhere)


def in_archive(address: str, elsewhere: str) -> str:
    """Return an address of a page or of the API with the archive that it is to be asked about."""
    if not elsewhere:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'dataset': elsewhere}, safe='/')}"


def _here(write: Callable[[str, str], str]) -> Callable[[Context, str], str]:
    """Let the addresses in a template stay in the archive that its page is about."""

    @pass_context
    def written(context: Context, what: str) -> str:
        return write(what, context.get("elsewhere", ""))

    return written


FILTERS = {"number": number, "bytes": size, "percent": percent, "plural": plural, "days_whole": with_days_whole}
GLOBALS = {"symbol_url": _here(symbol_url), "day_url": _here(day_url), "in_archive": _here(in_archive)}
