"""The API, one section a canned query, as metadata.yml declares it."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from webapp.answers import OPTIONS
from webapp.build import DATABASE
from webapp.parameters import Parameter
from webapp.questions import Question, all_questions
from webapp.routing import Asked, Page

PATTERN = r"/api$"
CASES = {
    "bad_parameter": (
        400,
        "no such day, a reversed range, a number out of range, a word not in the list, a Host that is none",
    ),
    "unknown_parameter": (400, "a parameter that the question does not take, with the likeliest one that it does"),
    "unknown_symbol": (404, "a symbol that was never seen, with the nearest names"),
    "unknown_dataset": (404, "an archive that there is not, with the nearest names"),
    "no_data": (404, "an honest empty answer, where nodata=404 asked for it"),
    "not_found": (404, "an address that there is not"),
    "method_not_allowed": (405, "anything but GET, HEAD and OPTIONS"),
    "build_changed": (409, "a page of an answer whose pages before were of another build: start again"),
    "sql_is_off": (403, "SQL of your own, which this site does not run"),
    "busy": (503, "more questions than the site takes at once: ask again in a second"),
    "too_slow": (503, "a question that takes longer than the site allows: ask for less"),
    "broken": (503, "the published file cannot be read"),
    "failed": (500, "a mistake of the site"),
}
_KINDS = {
    "flag": "1 or 0",
    "day": "a day, YYYY-MM-DD",
    "symbol": "a whole symbol",
    "symbols": "whole symbols, separated by commas",
    "part": "any part of a name",
    "quote": "a quote there is, such as USDT",
    "dataset": "an archive there is, see datasets",
    "channel": "a channel of the vault, see datasets",
    "product": "a whole name of a product",
}
_DEFAULT = "dataset = (SELECT dataset FROM build)"
_BEST_KNOWN = (
    f"SELECT symbol FROM extents WHERE {_DEFAULT} ORDER BY symbol = 'BTCUSDT' DESC, days_held DESC, symbol LIMIT 1"
)
_NEWEST = f"SELECT date FROM daily_counts WHERE files > 0 AND {_DEFAULT} ORDER BY date DESC LIMIT 30"
_EXAMPLES = {
    "snapshot": {"date": "{last}"},
    "timeline": {"symbol": "{symbol}", "start": "{first}"},
    "range": {"start": "{first}", "end": "{last}"},
    "universe": {"start": "{first}", "end": "{last}", "min_completeness": "0.99", "exclude_flat": "1"},
    "timespans": {"symbol": "{symbol}"},
    "gaps": {"reason": "symbol_gap"},
    "coverage": {"symbol": "BTC"},
    "new": {"start": "{month}"},
    "ended": {"start": "{month}"},
    "events": {"event": "listed", "start": "{month}"},
    "daily_counts": {"start": "{first}"},
    "manifest": {"symbols": "{symbol}", "start": "{first}", "end": "{last}"},
}


class Section(NamedTuple):
    """A question and examples of it that answer on this very build."""

    question: Question
    examples: list[tuple[str, str]]  # form, address


def api(asked: Asked) -> Page:
    """Gather the questions, with examples of days and a symbol that there are."""
    there = _there(asked)
    sections = [Section(question, list(_addresses(question, there))) for question in all_questions()]
    options = {each.name: each for form in OPTIONS.values() for each in form}
    shown = {
        "sections": [(each, _told(each.question.parameters)) for each in sections],
        "options": [
            (_told([each])[0], [form for form, takes in OPTIONS.items() if each in takes]) for each in options.values()
        ],
        "cases": CASES,
        "there": there,
        "database": DATABASE,
        "origin": asked.origin,
    }
    return Page("api", shown)


def _told(parameters: Iterable[Parameter]) -> list[tuple[Parameter, str]]:
    return [(each, limits(each)) for each in parameters]


def limits(parameter: Parameter) -> str:
    """Say which values a parameter takes."""
    if parameter.kind == "choice":
        return f"one of {', '.join(parameter.choices)}"
    if parameter.kind in ("integer", "number"):
        return f"{parameter.kind}, {parameter.least:,} to {parameter.most:,}"
    return _KINDS.get(parameter.kind, parameter.kind)


def _there(asked: Asked) -> dict[str, str]:
    """Return a symbol and days for the examples: a well-known symbol, and the newest days with files."""
    row: Any = asked.con.execute(_BEST_KNOWN).fetchone()
    days = [each[0] for each in asked.con.execute(_NEWEST)]
    return {
        "symbol": row[0] if row else "BTCUSDT",
        "last": days[0] if days else asked.today,
        "first": days[min(6, len(days) - 1)] if days else asked.today,
        "month": days[-1] if days else asked.today,
    }


def _addresses(question: Question, there: dict[str, str]) -> list[tuple[str, str]]:
    names = {each.name for each in question.parameters}
    example = {name: text.format(**there) for name, text in _EXAMPLES.get(question.name, {}).items() if name in names}
    forms = [("JSON", "json", {"_shape": "array"}), ("NDJSON", "ndjson", {}), ("CSV", "csv", {})]
    if question.name == "manifest":
        forms += [("addresses", "txt", {}), ("aria2", "aria2", {})]
    return [(form, _address(question.name, ending, example | extra)) for form, ending, extra in forms]


def _address(name: str, ending: str, pairs: dict[str, str]) -> str:
    return f"/{DATABASE}/{name}.{ending}" + (f"?{urlencode(pairs)}" if pairs else "")
