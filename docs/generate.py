"""Write docs/cli.md and docs/tables.md from the program itself; ``--check`` only compares.

Run from the root of the checkout: ``python docs/generate.py [--check]``.
"""

import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml

from etl.cli import cli
from etl.warehouse import VIEWS, open_warehouse, sql

DOCS = Path(__file__).parent
NOTE = "<!-- written by docs/generate.py: change the program, then `make format` -->\n"


def commands() -> Iterator[str]:
    """Yield docs/cli.md: the help of every command, as a terminal of 100 columns shows it."""
    yield f"{NOTE}\n# Commands\n\nEvery option can be given as the environment variable that its help names.\n"
    yield "Exit code: 0 done; 1 something failed or was incomplete, and what was complete is kept; 2 wrong usage.\n"
    context = click.Context(cli, info_name="availability", terminal_width=100, max_content_width=100)
    yield f"\n```\n{plain(cli.get_help(context))}\n```\n"
    for name, command in cli.commands.items():
        inner = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
        yield f"\n## {name}\n\n```\n{plain(command.get_help(inner))}\n```\n"


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
    metadata = yaml.safe_load((DOCS.parent / "metadata.yml").read_text(encoding="utf-8"))
    documented = metadata["databases"]["availability"]["tables"]
    site = sqlite3.connect(":memory:")
    site.executescript(sql("published"))
    for name, words in documented.items():
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


def main() -> None:
    """Write both files, or fail where one is not what the program says."""
    stale = []
    for name, lines in (("cli.md", commands()), ("tables.md", tables())):
        path, text = DOCS / name, "".join(lines)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path))
    if stale:
        sys.exit(f"{' and '.join(stale)} differ from the program: run `make format`.")


if __name__ == "__main__":
    main()
