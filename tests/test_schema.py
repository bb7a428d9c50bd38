"""docs/schema says what really comes out."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.asked import Asked
from tests.test_asking import QUESTIONS, answer

SCHEMA = Path(__file__).parent.parent / "docs" / "schema"
TABLES = sorted(path.stem for path in SCHEMA.glob("*.json") if not path.stem.startswith("query-"))
ASKED = sorted(path.stem.removeprefix("query-") for path in SCHEMA.glob("query-*.json"))


def validator(name: str) -> Draft202012Validator:
    """Return the validator of one documented schema, formats of days and times included."""
    schema = json.loads((SCHEMA / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker(["date", "date-time"]))


def check(rows: list[Any], name: str) -> None:
    """Check every row, and that no column lacks in the schema, in order."""
    valid = validator(name)
    for row in rows:
        valid.validate(row)
        assert list(row) == list(valid.schema["properties"])


@pytest.mark.parametrize("table", TABLES)
def test_the_rows_of_a_published_table_are_what_its_schema_says(asked: Asked, table: str) -> None:
    with closing(sqlite3.connect(asked.site_dir / "availability.db")) as site:
        site.row_factory = sqlite3.Row
        check([dict(row) for row in site.execute(f"SELECT * FROM {table} LIMIT 500")], table)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_the_answer_to_a_question_is_what_its_schema_says(asked: Asked, question: list[str]) -> None:
    check(answer(asked, *question), f"query-{question[0]}")


def test_the_names_of_symbols_without_data_are_what_their_schema_says(asked: Asked) -> None:
    for name in answer(asked, "gaps", "--no-data"):
        validator("query-gaps-no-data").validate(name)


def test_every_question_and_every_table_has_a_schema(asked: Asked) -> None:
    assert {question[0] for question in QUESTIONS} | {"gaps-no-data", "vault-days"} == set(ASKED)
    with closing(sqlite3.connect(asked.site_dir / "availability.db")) as site:
        names = {name for (name,) in site.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    assert names - {"day_file_codes"} == set(TABLES)


def test_a_wrong_row_is_refused() -> None:
    row = {"symbol": "A", "first_day": "2024-01-32", "last_day": "2024-01-02", "days": "1", "dataset": "um/klines/1m"}
    assert {error.validator for error in validator("timespans").iter_errors(row)} == {"format", "type"}
