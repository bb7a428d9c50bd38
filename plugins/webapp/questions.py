"""The canned queries of metadata.yml as the API offers them: SQL, parameters, columns."""

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from webapp.parameters import Parameter

_TYPES = {"INTEGER": "integer", "REAL": "number", "TEXT": "string"}


class Column(NamedTuple):
    """One column of an answer."""

    name: str
    type: str  # string, integer or number, as JSON Schema has them
    description: str


class Question(NamedTuple):
    """One canned query."""

    name: str
    title: str
    description: str
    sql: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    totals: tuple[str, ...]  # columns whose sum stands before the rows
    fragment: str  # how the explorer opens


_KNOWN: dict[str, Question] = {}


def learn(about: Mapping[str, Any], con: sqlite3.Connection) -> None:
    """Read every query that the database's metadata declares; columns are typed and described as in the tables."""
    tables = {name: told for name, told in about["tables"].items() if not told.get("hidden")}
    _KNOWN.clear()
    for name, query in about["queries"].items():
        parameters = tuple(_parameter(each, told) for each, told in query.get("parameters", {}).items())
        own = query.get("columns", {})
        names = _columns(con, query["sql"], parameters)
        columns = tuple(
            _own(each, own[each], con, tables) if each in own else _known(each, con, tables) for each in names
        )
        _KNOWN[name] = Question(
            name,
            query["title"],
            query["description"],
            query["sql"],
            parameters,
            columns,
            tuple(query.get("totals", ())),
            query.get("fragment", ""),
        )


def all_questions() -> list[Question]:
    """Return every canned query, in the order of metadata.yml."""
    return list(_KNOWN.values())


def question(name: str) -> Question | None:
    """Return one canned query."""
    return _KNOWN.get(name)


def _parameter(name: str, told: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name,
        told["kind"],
        told["description"],
        str(told.get("default", "")),
        tuple(told.get("choices", ())),
        told.get("least", 0),
        told.get("most", 1_000_000),
        told.get("required", False),
    )


def _columns(con: sqlite3.Connection, query: str, parameters: tuple[Parameter, ...]) -> list[str]:
    values = {each.name: "" for each in parameters}
    return [str(column[0]) for column in con.execute(f"SELECT * FROM ({query}\n) LIMIT 0", values).description]


def _own(name: str, told: str | Mapping[str, str], con: sqlite3.Connection, tables: Mapping[str, Any]) -> Column:
    """Return a column that a query describes itself; its type, too, where no table has its name."""
    if isinstance(told, str):
        return Column(name, _type(con, tables, name), told)
    return Column(name, told["type"], told["description"])


def _known(name: str, con: sqlite3.Connection, tables: Mapping[str, Any]) -> Column:
    return Column(name, _type(con, tables, name), _described(tables, name))


def _type(con: sqlite3.Connection, tables: Mapping[str, Any], column: str) -> str:
    """Return the JSON type of a published column of this name; what no table has is text."""
    for table in tables:
        found = con.execute("SELECT type FROM pragma_table_info(?) WHERE name = ?", [table, column]).fetchone()
        if found and found[0]:
            return _TYPES[found[0]]
    return "string"


def _described(tables: Mapping[str, Any], column: str) -> str:
    return next((str(each["columns"][column]) for each in tables.values() if column in each["columns"]), "")
