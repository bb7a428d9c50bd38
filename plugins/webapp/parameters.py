"""One way to read the parameters of a question, whether a page or a program asks: every doubt is a Refusal."""

import datetime as dt
import difflib
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from webapp.build import today
from webapp.refusals import Refusal

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOST = 60_000  # characters of a query string that are looked at; a URL of more is no question
_ODD = re.compile(r"[\x00-\x1f\x7f]")
_OF = "(:dataset = '' OR dataset = :dataset)"  # of the archive that is asked, or of any
FLAGS = {"1": 1, "on": 1, "true": 1, "yes": 1, "0": 0, "off": 0, "false": 0, "no": 0}
Value = str | int | float


class Parameter(NamedTuple):
    """One parameter as metadata.yml or a page declares it."""

    name: str
    kind: str  # dataset, channel, day, symbol, symbols, product, part, quote, text, integer, number, flag, choice
    description: str = ""
    default: str = ""  # as it is written in an address; empty = said by the description
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = 1_000_000
    required: bool = False


def read(query: str, parameters: Iterable[Parameter], con: sqlite3.Connection) -> dict[str, Value]:
    """Return a value for each parameter, its default where it is empty or absent; raise Refusal for anything else."""
    declared = {each.name: each for each in parameters}
    given, errors = _given(query, declared)
    values: dict[str, Value] = {}
    for name, parameter in sorted(declared.items(), key=lambda each: each[0] != "dataset"):
        dataset = str(values.get("dataset", ""))
        try:
            values[name] = _value(parameter, given.get(name, ""), con, dataset)
        except ValueError as error:
            errors.append(str(error))
    if not errors:
        errors += _reversed(values)
    if errors:
        raise Refusal(400, "bad_parameter", *errors)
    return values


def _given(query: str, declared: Mapping[str, Parameter]) -> tuple[dict[str, str], list[str]]:
    """Split a query string; a name that is not declared or stands there twice is refused."""
    if len(query) > _MOST:
        raise Refusal(414, "bad_parameter", f"The question is longer than {_MOST:,} characters.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=False, errors="strict", max_num_fields=100)
    except ValueError as error:  # of which a UnicodeDecodeError is one
        told = "The question is not percent-encoded UTF-8, or has more than 100 parts."
        raise Refusal(400, "bad_parameter", told) from error
    unknown = [name for name, _ in pairs if name not in declared]
    if unknown:
        raise Refusal(400, "unknown_parameter", *(_unknown(name, declared) for name in dict.fromkeys(unknown)))
    names = [name for name, _ in dict.fromkeys(pairs)]  # the explorer says the same thing twice
    twice = [name for name in declared if names.count(name) > 1]
    return dict(pairs), [f"{name} is given more than once." for name in twice]


def _unknown(name: str, declared: Mapping[str, Parameter]) -> str:
    near = difflib.get_close_matches(name, declared, n=1)
    names = [each for each in declared if not each.startswith("_")]
    there_are = f"It takes {', '.join(names)}." if names else "It takes none."
    meant = f"Did you mean {near[0]}?" if near else there_are
    return f"There is no parameter {name[:60]!r}. {meant}"


def _value(parameter: Parameter, text: str, con: sqlite3.Connection, dataset: str) -> Value:
    """Read one value, names as those of an archive or of any; ValueError says what is wrong and what would be right."""
    name, text = parameter.name, text or parameter.default
    if _ODD.search(text):
        raise ValueError(f"{name} holds a control character.")
    if text:
        return _READERS[parameter.kind](parameter, text, con, dataset)
    if parameter.required:
        raise ValueError(f"{name} is needed: {parameter.description}")
    return 0 if parameter.kind in ("integer", "number", "flag") else ""


def read_day(name: str, text: str) -> str:
    """Return a calendar day as it is written in ISO 8601; ValueError where there is none such."""
    if not _DAY.fullmatch(text) or not _is_day(text):
        raise ValueError(f"{name} is {text[:60]!r}, which is no day: write YYYY-MM-DD, as 2024-02-29.")
    return text


def past_day(name: str, text: str) -> str:
    """Return a day that has begun; a Refusal for the others, of which nothing can be known."""
    day, now = read_day(name, text), today().isoformat()
    if day > now:
        raise Refusal(404, "no_data", f"{name} is {day}, which lies in the future: today is {now}, UTC.")
    return day


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _number(parameter: Parameter, text: str) -> float | int:
    pattern = r"-?\d{1,15}" if parameter.kind == "integer" else r"-?\d{1,15}(\.\d{1,30})?([eE]-?\d{1,3})?"
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(f"{parameter.name} is {text[:60]!r}, which is no {parameter.kind}.")
    number = int(text) if parameter.kind == "integer" else float(text)
    if not parameter.least <= number <= parameter.most:
        raise ValueError(f"{parameter.name} is {text}, and must lie from {parameter.least:,} to {parameter.most:,}.")
    return number


def _flag(parameter: Parameter, text: str) -> int:
    if text not in FLAGS:
        raise ValueError(f"{parameter.name} is {text[:60]!r}, and must be 1 or 0.")
    return FLAGS[text]


def _choice(parameter: Parameter, text: str) -> str:
    if text not in parameter.choices:
        raise ValueError(f"{parameter.name} is {text[:60]!r}, and must be one of {', '.join(parameter.choices)}.")
    return text


def _symbols(con: sqlite3.Connection, text: str, dataset: str) -> str:
    names = [each.strip() for each in text.split(",") if each.strip()]
    if not names:
        raise ValueError("symbols names none: leave it away for all of them.")
    return ",".join(known_symbol(con, each, dataset) for each in dict.fromkeys(names))


def _part(con: sqlite3.Connection, text: str, dataset: str) -> str:
    """Return a part of at least one symbol's name."""
    held = f"SELECT 1 FROM symbols WHERE instr(lower(symbol), lower(:text)) > 0 AND {_OF} LIMIT 1"
    if con.execute(held, {"text": text, "dataset": dataset}).fetchone():
        return text
    near = nearest(con, text, dataset)
    meant = f" Did you mean {', '.join(near)}?" if near else ""
    raise Refusal(404, "unknown_symbol", f"No symbol has {text[:60]!r} in its name.{meant}", near=near)


def _quote(con: sqlite3.Connection, text: str, dataset: str) -> str:
    quotes = f"SELECT DISTINCT quote FROM symbols WHERE quote <> '' AND {_OF} ORDER BY quote"
    known = [str(row[0]) for row in con.execute(quotes, {"dataset": dataset})]
    if text not in known:
        raise ValueError(f"quote is {text[:60]!r}, and must be one of {', '.join(known)}.")
    return text


def _dataset(con: sqlite3.Connection, text: str, *, of_vault: bool = False) -> str:
    rows = con.execute("SELECT dataset, is_default FROM datasets ORDER BY is_default DESC, dataset")
    known = [str(dataset) for dataset, is_default in rows if not (of_vault and is_default)]
    if text not in known:
        near = difflib.get_close_matches(text[:60], known, n=3, cutoff=0.4) or known
        meant = f"Did you mean {' or '.join(near)}?" if near else "There is no vault in this build."
        what = "channel of the vault" if of_vault else "archive"
        raise Refusal(404, "unknown_dataset", f"There is no {what} {text[:60]!r}. {meant}")
    return text


def _product(con: sqlite3.Connection, text: str, dataset: str) -> str:
    """Return a symbol of a channel of the vault, or of any."""
    held = "SELECT 1 FROM symbols INNER JOIN datasets USING (dataset) WHERE symbol = ? AND NOT is_default LIMIT 1"
    name = known_symbol(con, text, dataset)
    if dataset or con.execute(held, [name]).fetchone():
        return name
    raise Refusal(404, "unknown_symbol", f"The vault has no product {text[:60]!r}.")


def known_symbol(con: sqlite3.Connection, text: str, dataset: str = "") -> str:
    """Return a symbol that an archive, or any, has; a Refusal with the nearest names where there is none such."""
    held = "SELECT dataset FROM symbols WHERE symbol = ? ORDER BY dataset"
    found = [str(row[0]) for row in con.execute(held, [text])]
    if dataset in found or (found and not dataset):
        return text
    near = nearest(con, text, dataset)
    meant = f"Did you mean {', '.join(near)}?" if near else "The coverage lists all names."
    if found:
        meant = f"{dataset} has none of that name; it is in {' and '.join(found)}: ask with dataset={found[0]}."
    raise Refusal(404, "unknown_symbol", f"There is no symbol {text[:60]!r}. {meant}", near=near)


def nearest(con: sqlite3.Connection, text: str, dataset: str = "", count: int = 5) -> tuple[str, ...]:
    """Return the names of an archive, or of any, most like a text, the likeliest first."""
    everyone = f"SELECT DISTINCT symbol FROM symbols WHERE {_OF} ORDER BY symbol"
    names = [str(row[0]) for row in con.execute(everyone, {"dataset": dataset})]
    wanted = text.upper()[:60]
    close = difflib.get_close_matches(wanted, names, n=count, cutoff=0.6)
    beginning = [name for name in names if wanted and name.startswith(wanted)]
    return tuple(dict.fromkeys([*beginning, *close]))[:count]


def _reversed(values: Mapping[str, Value]) -> Sequence[str]:
    start, end = str(values.get("start", "")), str(values.get("end", ""))
    if start and end and end < start:
        return [f"The range is reversed: start is {start} and end is {end}."]
    return []


_READERS: dict[str, Callable[[Parameter, str, sqlite3.Connection, str], Value]] = {
    "channel": lambda _, text, con, __: _dataset(con, text, of_vault=True),
    "dataset": lambda _, text, con, __: _dataset(con, text),
    "day": lambda parameter, text, *_: past_day(parameter.name, text),
    "symbol": lambda _, text, con, dataset: known_symbol(con, text, dataset),
    "product": lambda _, text, con, dataset: _product(con, text, dataset),
    "symbols": lambda _, text, con, dataset: _symbols(con, text, dataset),
    "part": lambda _, text, con, dataset: _part(con, text, dataset),
    "quote": lambda _, text, con, dataset: _quote(con, text, dataset),
    "integer": lambda parameter, text, *_: _number(parameter, text),
    "number": lambda parameter, text, *_: _number(parameter, text),
    "flag": lambda parameter, text, *_: _flag(parameter, text),
    "choice": lambda parameter, text, *_: _choice(parameter, text),
    "text": lambda _, text, *__: text,
}
