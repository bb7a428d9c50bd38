"""The coverage: every symbol over all months, to sort and to filter."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup, escape

from webapp.charts import matrix
from webapp.charts.matrix import Series
from webapp.pages.archives import ARCHIVE, about_archive, elsewhere
from webapp.parameters import Parameter, Value
from webapp.routing import Asked, Page
from webapp.vocabulary import percent, sql, symbol_url

PATTERN = r"/coverage$"
_KINDS = ("perpetual", "delivery", "settled", "spot")
_CHOICES = ("all", "yes", "no")
_SORTS = {
    "first_day": "first day",
    "symbol": "symbol",
    "latest_day": "latest day",
    "days_held": "days held",
    "gaps": "days missing",
    "completeness": "completeness",
}
PARAMETERS = (
    Parameter("quote", "quote", "What it is priced in, such as USDT. Empty: all."),
    Parameter("kind", "choice", "Kind of contract, by its name. Empty: all kinds.", "", _KINDS),
    Parameter("ended", "choice", "yes: only symbols that get no files any more; no: without them.", "all", _CHOICES),
    Parameter("flat", "choice", "yes: only symbols whose newest files show no trade; no: without.", "all", _CHOICES),
    Parameter("sort", "choice", "What the symbols are ordered by.", "first_day", tuple(_SORTS)),
    ARCHIVE,
)


class Covered(NamedTuple):
    """A symbol and its extent, as webapp/sql/coverage_symbols.sql selects them."""

    symbol: str
    kind: str
    quote: str
    looked_through: str | None
    earliest: str | None
    latest: str | None
    days_held: int
    days_missing: int
    completeness: float
    state: str | None


_ORDERS: dict[str, Callable[[Covered], tuple[Any, ...]]] = {
    "first_day": lambda each: (each.earliest, each.symbol),
    "symbol": lambda each: (each.symbol,),
    "latest_day": lambda each: (each.latest, each.symbol),
    "days_held": lambda each: (-each.days_held, each.symbol),
    "gaps": lambda each: (-each.days_missing, each.symbol),
    "completeness": lambda each: (each.completeness, each.symbol),
}


def coverage(asked: Asked) -> Page:
    """Gather the symbols that were asked for, with a picture of each."""
    about = about_archive(asked)
    everyone = [Covered(*row) for row in _plain(asked, "coverage_symbols")]
    found = [each for each in everyone if _is_asked(each, asked.values)]
    held = sorted((each for each in found if each.earliest), key=_ORDERS[str(asked.values["sort"])])
    first, count = _months(everyone)
    shown = {
        "total": len(everyone),
        "found": len(found),
        "days_held": sum(each.days_held for each in held),
        "days_missing": sum(each.days_missing for each in held),
        "with_gaps": sum(each.days_missing > 0 for each in held),
        "is_all": len(found) == len(everyone),
        "rows": _rows(asked, held, first, count),
        "fileless": sorted(each.symbol for each in found if not each.earliest),
        "key": matrix.key(),
        "shared": matrix.shared(first, count),
        "years": matrix.header(first, count),
        "quotes": sorted({each.quote for each in everyone if each.quote}),
        "kinds": _KINDS[-1:] if about["elsewhere"] else _KINDS[:-1],
        "values": asked.values,
        "sorts": _SORTS,
        "sort_links": {name: _link(asked.values, name) for name in _SORTS},
        **about,
    }
    return Page("coverage", shown)


def _is_asked(each: Covered, values: Mapping[str, Value]) -> bool:
    return (
        values["quote"] in ("", each.quote)
        and values["kind"] in ("", each.kind)
        and _agrees(str(values["ended"]), each.state == "ended")
        and _agrees(str(values["flat"]), each.state == "flat")
    )


def _agrees(wanted: str, found: bool) -> bool:  # noqa: FBT001 - one of two is the question
    return wanted == "all" or (wanted == "yes") == found


def _months(everyone: Iterable[Covered]) -> tuple[int, int]:
    """Return the first month with files and how many months there are: the same for every filter."""
    held = [(each.earliest, each.latest) for each in everyone if each.earliest and each.latest]
    if not held:
        return 0, 1
    first = matrix.month_of(min(earliest for earliest, _ in held))
    return first, matrix.month_of(max(latest for _, latest in held)) - first + 1


def _rows(asked: Asked, held: Iterable[Covered], first: int, count: int) -> Markup:
    """Write the rows of the table. A template would take four times as long for a thousand of them."""
    absent: dict[str, list[tuple[str, str, bool]]] = defaultdict(list)
    for symbol, first_day, last_day, is_looked in _plain(asked, "coverage_absences"):
        absent[symbol].append((first_day, last_day, bool(is_looked)))
    flat: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for symbol, first_day, last_day in _plain(asked, "coverage_flat"):
        flat[symbol].append((first_day, last_day))
    rows, where = [], elsewhere(asked, str(asked.values["dataset"]))
    for each in held:
        series = Series(str(each.earliest), str(each.latest), absent.get(each.symbol, ()), flat.get(each.symbol, ()))
        rows.append(_row(each, symbol_url(each.symbol, where), matrix.row(matrix.runs(series), first, count)))
    return Markup("\n".join(rows))  # noqa: S704 - names are escaped, everything else is a number or a day


def _row(each: Covered, address: str, picture: str) -> str:
    state = f" <i>{each.state}</i>" if each.state in ("ended", "flat") else ""
    return (
        f'<tr><th scope="row"><a href="{address}">{escape(each.symbol)}</a></th>'
        f'<td class="months"><a href="{address}" tabindex="-1" aria-hidden="true">{picture}</a></td>'
        f"<td>{each.earliest}</td><td>{each.latest}{state}</td><td>{each.days_held:,}</td>"
        f"<td>{each.days_missing:,}</td><td>{percent(each.completeness)}</td></tr>"
    )


def _plain(asked: Asked, name: str) -> list[Any]:
    """Return rows as tuples: Datasette's own rows cost more than the query."""
    cursor = asked.con.cursor()
    cursor.row_factory = None
    return cursor.execute(sql(name), {"dataset": asked.values["dataset"]}).fetchall()


def _link(values: Mapping[str, Value], sort: str) -> str:
    """Return the address of the same filters in another order."""
    defaults = {each.name: each.default for each in PARAMETERS}
    pairs = {name: value for name, value in {**values, "sort": sort}.items() if value != defaults[name]}
    return f"/coverage?{urlencode(pairs)}" if pairs else "/coverage"
