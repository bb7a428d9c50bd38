"""Questions to Datasette's own pages of tables and rows: what it would answer by a 500 or by nonsense is refused."""

import difflib
import json
import re
import sqlite3
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from datasette.utils import tilde_decode

from webapp.build import DATABASE
from webapp.parameters import known_symbol, past_day
from webapp.refusals import Refusal, shortened

_OPERATORS = frozenset(
    (
        *(
            "exact",
            "not",
            "contains",
            "notcontains",
            "endswith",
            "startswith",
            "gt",
            "gte",
            "lt",
            "lte",
            "like",
            "notlike",
        ),
        *("glob", "in", "notin", "date", "isnull", "notnull", "isblank", "notblank"),
    )
)
_FLAGS = frozenset(("_nofacet", "_nocount", "_nosuggest", "_nl", "_labels", "_stream", "_dl", "_sort_by_desc"))
_PLAIN = frozenset(
    ("_sort", "_sort_desc", "_size", "_next", "_facet", "_facet_size", "_shape", "_header", "_col", "_nocol")
)
_FORM = re.compile(r"_filter_(column|op|value)(_\d{1,3})?")
_LISTS = frozenset(("_facet", "_col", "_nocol"))
_SHAPES = frozenset(("array", "arrays", "object", "objects", "arrayfirst"))
_TABLE = re.compile(rf"/{DATABASE}/(?P<table>[^/.]+)(?:\.(?P<format>json|csv))?")
_ROW = re.compile(rf"/{DATABASE}/(?P<table>[^/]+)/(?P<row>[^/]+?)(?:\.(?P<format>json))?")
_MOST = 8_000  # characters of a question
_DIGITS = 18  # of a number that SQLite holds for certain
_MOST_SHOWN = 1000  # rows of a page that a phone can still open
_MOST_HELD = 50_000  # rows of one answer; a CSV of more is a stream
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Table(NamedTuple):
    """A published table or view."""

    name: str
    columns: list[str]
    keys: list[str]  # of the primary key in its order, rowid where there is none; empty for a view


def check(path: str, query: str, con: sqlite3.Connection, about: dict[str, Any]) -> None:
    """Raise a Refusal unless Datasette can answer: ``about`` is what metadata.yml says of the tables."""
    if found := _TABLE.fullmatch(path):
        _check_table(_table(con, found["table"]), query, found["format"], about, con)
    elif found := _ROW.fullmatch(path):
        table = _table(con, found["table"])
        _no_parameters(query, {"_shape": "arrays"} if found["format"] else {})
        if not table.keys or len(found["row"].split(",")) != len(table.keys):
            raise Refusal(
                404, "not_found", f"A row of {table.name} is addressed by its {', '.join(table.keys) or 'table alone'}."
            )
        _check_row(table, found["row"], con)
    else:
        raise Refusal(404, "not_found", f"There is nothing at {shortened(path)}.")


def is_long(path: str, con: sqlite3.Connection) -> bool:
    """Tell whether the table at an address has more rows than are held at once; what is no table has none."""
    found = _TABLE.fullmatch(path)
    name = tilde_decode(found["table"]) if found else ""
    if not con.execute("SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", [name]).fetchone():
        return False
    quoted = name.replace('"', '""')
    counted = con.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{quoted}" LIMIT ?)', [_MOST_HELD + 1]).fetchone()
    return int(counted[0]) > _MOST_HELD


def _table(con: sqlite3.Connection, name: str) -> Table:
    wanted = tilde_decode(name)
    published = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
    names = [row[0] for row in con.execute(published)]
    if wanted not in names:
        near = difflib.get_close_matches(wanted[:60], names, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise Refusal(404, "not_found", f"There is no table or query {wanted[:60]!r}.{meant}")
    info = con.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", [wanted]).fetchall()
    keys = [row[0] for row in sorted(info, key=lambda row: int(row[1])) if row[1]]
    is_view = con.execute("SELECT type = 'view' FROM sqlite_master WHERE name = ?", [wanted]).fetchone()[0]
    return Table(wanted, [row[0] for row in info], keys if is_view else keys or ["rowid"])


def _check_row(table: Table, row: str, con: sqlite3.Connection) -> None:
    values = [tilde_decode(part) for part in row.split(",")]
    where = " AND ".join(f'"{key}" = ?' for key in table.keys)
    if not con.execute(f'SELECT 1 FROM "{table.name}" WHERE {where}', values).fetchone():
        told = ", ".join(f"{key} {value[:60]!r}" for key, value in zip(table.keys, values, strict=True))
        raise Refusal(404, "not_found", f"{table.name} has no row of {told}.")


def _check_table(table: Table, query: str, form: str | None, about: dict[str, Any], con: sqlite3.Connection) -> None:
    pairs = _pairs(query)
    given = dict(pairs)
    if any(name in _PLAIN and name not in _LISTS and given[name] != value for name, value in pairs):
        raise _wrong("A setting is given twice, with different values.")
    told = about.get(table.name, {})
    for name, value in pairs:
        _check_pair(table, name, value, form)
        _check_exact(table, name.removesuffix("__exact"), value, con)
    sortable = told.get("sortable_columns", [*table.columns, *table.keys])
    for name in ("_sort", "_sort_desc"):
        if given.get(name) and given[name] not in sortable:
            raise _wrong(f"{table.name} can be sorted by {', '.join(sortable)}, not by {given[name][:60]!r}.")
    if {"_col", "_nocol"} <= given.keys():
        raise _wrong("Give _col or _nocol, not both.")
    if given.get("_sort") and given.get("_sort_desc"):
        raise _wrong("Give _sort or _sort_desc, not both.")
    if given.get("_stream") and given.get("_size", "max") != "max":
        raise _wrong("A stream is whole: _size can only be max with it.")
    if given.get("_next"):
        is_sorted = any(given.get(name) or told.get(name[1:]) for name in ("_sort", "_sort_desc"))
        _check_next(table, given["_next"], is_sorted=is_sorted)


def _pairs(query: str) -> list[tuple[str, str]]:
    if len(query) > _MOST:
        raise Refusal(414, "bad_parameter", f"The question is longer than {_MOST:,} characters.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise _wrong("The question is not percent-encoded UTF-8, or has more than 100 parts.") from error
    if any(_ODD.search(text) for pair in pairs for text in pair):
        raise _wrong("The question holds a control character.")
    return pairs


def _check_pair(table: Table, name: str, value: str, form: str | None) -> None:
    if name in _FLAGS or _FORM.fullmatch(name):
        return
    if name in _PLAIN:
        _check_plain(table, name, value, form)
        return
    if name == "_where":
        raise Refusal(403, "sql_is_off", "Only the canned queries and the filters of tables are answered.")
    column, _, operator = name.partition("__")
    if column not in [*table.columns, "rowid"] or (operator and operator not in _OPERATORS):
        near = difflib.get_close_matches(column, table.columns, n=1)
        meant = f"Did you mean {near[0]}?" if near else f"{table.name} has {', '.join(table.columns)}."
        raise Refusal(400, "unknown_parameter", f"There is no parameter {name[:60]!r}. {meant}")
    if value.isdigit() and (not value.isascii() or len(value) > _DIGITS):
        raise _wrong(f"{name} is a number of more than {_DIGITS} digits, or one that is not written as 0 to 9.")
    if operator in ("in", "notin") and value.startswith("["):
        _check_list(name, value)


def _check_exact(table: Table, name: str, value: str, con: sqlite3.Connection) -> None:
    """Raise a Refusal where a filter asks for a day or a symbol that cannot be: nothing would be the answer."""
    if name not in table.columns or not value:
        return
    if name == "symbol":
        known_symbol(con, value)
    if name == "date" or name.endswith("_day"):
        try:
            past_day(name, value)
        except ValueError as error:
            raise _wrong(str(error)) from error


def _check_plain(table: Table, name: str, value: str, form: str | None) -> None:
    if name in ("_size", "_facet_size"):
        most = _MOST_SHOWN if form is None or name == "_facet_size" else _MOST_HELD
        is_number = re.fullmatch(r"\d{1,6}", value, re.ASCII) and 1 <= int(value) <= most
        if not (is_number or (value == "max" and form is not None) or not value):
            raise _wrong(f"{name} is {value[:60]!r}, and must be a number from 1 to {most:,}.")
    if name in ("_facet", "_col", "_nocol") and value not in table.columns:
        raise _wrong(f"{name} is {value[:60]!r}, and must be one of {', '.join(table.columns)}.")
    if name == "_shape" and value == "object" and table.keys in ([], ["rowid"]):
        raise _wrong(f"_shape=object needs a primary key, which {table.name} has not.")
    if name == "_shape" and value not in _SHAPES:
        raise _wrong(f"_shape is {value[:60]!r}, and must be one of {', '.join(sorted(_SHAPES))}.")


def _check_list(name: str, value: str) -> None:
    try:
        found = json.loads(value)
        value.encode()
        plain = all(isinstance(each, str | int | float) and len(str(each).encode()) < _MOST for each in found)
    except (ValueError, RecursionError) as error:  # of which what is no UTF-8 is one
        raise _wrong(f"{name} begins like a JSON array and is none.") from error
    if not plain or any(isinstance(each, int) and abs(each) >= 10**_DIGITS for each in found):
        raise _wrong(f"{name} must be a JSON array of texts or of numbers of at most {_DIGITS} digits.")


def _check_next(table: Table, token: str, *, is_sorted: bool) -> None:
    if not table.keys:
        if not re.fullmatch(r"\d{1,9}", token, re.ASCII):
            raise _wrong("_next is not one that a page gave.")
    elif len(token.split(",")) != len(table.keys) + is_sorted:
        raise _wrong("_next is not one that a page gave.")


def _no_parameters(query: str, allowed: dict[str, str]) -> None:
    for name, value in _pairs(query):
        if name not in allowed or (allowed[name] and value not in _SHAPES):
            raise Refusal(400, "unknown_parameter", f"There is no parameter {name[:60]!r} here.")


def _wrong(sentence: str) -> Refusal:
    return Refusal(400, "bad_parameter", sentence)
