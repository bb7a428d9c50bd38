"""Write docs/cli.md, docs/tables.md and docs/schema from the program itself; ``--check`` only compares.

Run from the root of the checkout: ``python docs/generate.py [--check]``.
"""

import datetime as dt
import inspect
import json
import re
import sqlite3
import sys
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import UnionType
from typing import Any, NamedTuple, get_args, get_type_hints

import click
import yaml

from etl import queries
from etl.cli import cli
from etl.warehouse import VIEWS, open_warehouse, sql

DOCS = Path(__file__).parent
METADATA = yaml.safe_load((DOCS.parent / "metadata.yml").read_text(encoding="utf-8"))
TABLES: dict[str, Any] = METADATA["databases"]["availability"]["tables"]
TYPES = {str: "string", int: "integer", float: "number", dt.date: "string", dt.datetime: "string"}
FORMATS = {dt.date: "date", dt.datetime: "date-time"}
# What each question's rows are, and the published tables that describe their columns, the first one that has it.
QUESTIONS: dict[str, tuple[type[NamedTuple], tuple[str, ...]]] = {
    "snapshot": (queries.SnapshotRow, ("day_files",)),
    "timeline": (queries.TimelineRow, ("day_files",)),
    "range": (queries.RangeRow, ("day_files",)),
    "coverage": (queries.CoverageRow, ("extents", "symbols")),
    "timespans": (queries.TimespanRow, ("timespans",)),
    "gaps": (queries.GapRow, ("gaps",)),
    "new": (queries.NewRow, ("extents", "symbols")),
    "ended": (queries.EndedRow, ("extents", "symbols")),
    "summary": (queries.SummaryRow, ("daily_counts",)),
    "revisions": (queries.RevisionRow, ("revisions",)),
    "universe": (queries.UniverseRow, ("symbols",)),
    "freshness": (queries.FreshnessRow, ("freshness",)),
    "datasets": (queries.DatasetRow, ("datasets",)),
    "vault-days": (queries.VaultDayRow, ("vault_days",)),
}
NOTE = "<!-- written by docs/generate.py: change the program, then `make format` -->\n"


def commands() -> Iterator[str]:
    """Yield docs/cli.md: the help of every command, as a terminal of 100 columns shows it."""
    yield f"{NOTE}\n# Commands\n\nEvery option can be given as the environment variable that its help names.\n"
    yield "Exit code: 0 done; 1 something failed or was incomplete, and what was complete is kept; 2 wrong usage.\n"
    context = cli.make_context("availability", [], resilient_parsing=True, terminal_width=100, max_content_width=100)
    yield f"\n```\n{plain(cli.get_help(context))}\n```\n"
    yield from subcommands(cli, context)


def subcommands(group: click.Group, context: click.Context) -> Iterator[str]:
    """Yield the help of every command of a group, and of the groups in it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = command.make_context(
            name, [], context, resilient_parsing=True, terminal_width=100, max_content_width=100
        )
        called = inner.command_path.removeprefix("availability ")
        yield f"\n## {called}\n\n```\n{plain(command.get_help(inner))}\n```\n"
        if isinstance(command, click.Group):
            yield from subcommands(command, inner)


def plain(text: str) -> str:
    """Take out what depends on the day of the run."""
    return re.sub(r"default:\s+[(]?(dynamic|today)[)]?", "default: today", text)


def tables() -> Iterator[str]:
    """Yield docs/tables.md: every column of both databases."""
    yield f"{NOTE}\n# Tables\n\nThe words are in the [glossary](glossary.md). All times are UTC, all days UTC days.\n"
    yield "\n## The published SQLite file\n\nWhat readers and scripts may rely on; more columns may follow.\n"
    yield from published()
    yield "\n## The warehouse (DuckDB)\n\nTables hold facts, views judgements. It may change from version to version.\n"
    yield from facts()
    yield from judgements()


def published() -> Iterator[str]:
    """Yield the published tables: names and types from the schema, words from metadata.yml."""
    site = sqlite3.connect(":memory:")
    site.executescript(sql("published"))
    for name, words in TABLES.items():
        described = words.get("description") or re.sub("<.*?>", "", words["description_html"])
        yield f"\n### {name}\n\n{described.strip()}\n\n| column | type | meaning |\n|---|---|---|\n"
        for _, column, kind, *_ in site.execute(f"PRAGMA table_info({name})"):
            yield f"| {column} | {kind.lower() or 'text'} | {words['columns'][column]} |\n"
    site.close()


def facts() -> Iterator[str]:
    """Yield the fact tables, documented in schema.sql itself."""
    pattern = r"-- ([^\n]*)\nCREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\);"
    for described, name, body in re.findall(pattern, sql("schema"), re.DOTALL):
        yield f"\n### {name}\n\n{described}\n\n| column | type | meaning |\n|---|---|---|\n"
        for column, kind, meaning in re.findall(r"^ {4}(\w+) (\w+).*? -- (.*)$", body, re.MULTILINE):
            yield f"| {column} | {kind.lower()} | {meaning} |\n"


def judgements() -> Iterator[str]:
    """Yield the views: columns as DuckDB has them, words from the head of each file."""
    with TemporaryDirectory() as folder, open_warehouse(Path(folder) / "empty.duckdb") as con:
        for view in VIEWS:
            described = " ".join(line[3:] for line in sql(f"views/{view}").splitlines() if line.startswith("-- "))
            columns = con.execute(f"SELECT column_name FROM (DESCRIBE {view})").fetchall()
            yield f"\n### {view}\n\n{described}\n\nColumns: {', '.join(name for (name,) in columns)}.\n"


def schemas() -> Iterator[tuple[str, str]]:
    """Yield name and text of every JSON Schema: one row of each published table and of each question's answer."""
    with closing(sqlite3.connect(":memory:")) as site:
        site.executescript(sql("published"))
        for name, words in TABLES.items():
            if not words.get("hidden"):
                about = f"One row of the published table {name}."
                yield f"{name}.json", schema(name, about, dict(table_columns(site, name, words["columns"])))
    for name, (row, described_in) in QUESTIONS.items():
        about = f"One element of the array that `availability query {name} --json` prints."
        yield f"query-{name}.json", schema(f"query {name}", about, dict(row_columns(row, described_in)))
    about = "One element of the array that `availability query gaps --no-data --json` prints."
    names = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "query gaps --no-data"}
    yield "query-gaps-no-data.json", f"{json.dumps({**names, 'description': about, 'type': 'string'}, indent=2)}\n"


def schema(title: str, about: str, columns: Mapping[str, dict[str, Any]]) -> str:
    """Return a JSON Schema of an object; columns may be added later, so more properties are allowed."""
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": about,
        "type": "object",
        "properties": columns,
        "required": list(columns),
    }
    return f"{json.dumps(whole, indent=2, ensure_ascii=False)}\n"


def table_columns(
    site: sqlite3.Connection, table: str, words: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the columns of a published table; SQLite cannot tell which of a view may be empty, its question can."""
    view = get_type_hints(queries.SnapshotRow) if table == "day_files" else {}
    for _, column, kind, required, _, key in site.execute(f"PRAGMA table_info({table})"):
        known = {"INTEGER": int, "REAL": float}.get(kind) or moment(column)
        optional = not (required or key or type(None) not in get_args(view.get(column, str | None)))
        yield column, typed(known | None if optional else known, words[column])


def moment(column: str) -> type:
    """Tell from the name of a column of text whether it holds days, moments or words."""
    if column.endswith(("_at", "last_modified")):
        return dt.datetime
    days = {"date", "today", "earliest", "latest", "looked_through"}
    return dt.date if column in days or column.endswith("_day") else str


def row_columns(row: type[NamedTuple], described_in: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the columns of a question's rows: types from the annotations, words beside them or of the table."""
    own = dict(re.findall(r"^    (\w+): .*?  # (.*)$", inspect.getsource(row), re.MULTILINE))
    for column, hint in get_type_hints(row).items():
        words = [own, *(TABLES[table]["columns"] for table in described_in)]
        yield column, typed(hint, ChainMap(*words)[column])


def typed(hint: type | UnionType, words: str) -> dict[str, Any]:
    """Return a property: its JSON type, null too where the column may be empty, and its description."""
    kind, *nothing = get_args(hint) or (hint,)
    said = {"type": [TYPES[kind], "null"] if nothing else TYPES[kind], "description": words.strip()}
    return said | ({"format": FORMATS[kind]} if kind in FORMATS else {})


def main() -> None:
    """Write all files, or fail where one is not what the program says."""
    wanted = {DOCS / "cli.md": "".join(commands()), DOCS / "tables.md": "".join(tables())}
    wanted |= {DOCS / "schema" / name: text for name, text in schemas()}
    there = {path: path.read_text(encoding="utf-8") for path in (*DOCS.glob("schema/*"), *wanted) if path.exists()}
    if "--check" in sys.argv:
        stale = sorted(str(path) for path in {*wanted, *there} if wanted.get(path) != there.get(path))
        sys.exit(f"{', '.join(stale)}: not what the program says. Run `make format`." if stale else 0)
    (DOCS / "schema").mkdir(exist_ok=True)
    for path in there.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
