"""What metadata.yml documents is exactly what is published."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl import export
from etl.keys import UM_KLINES_1M
from etl.warehouse import sql

METADATA: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "metadata.yml").read_text(encoding="utf-8"))
DATABASE: dict[str, Any] = METADATA["databases"]["availability"]
TABLES: dict[str, Any] = DATABASE["tables"]
QUERIES: dict[str, Any] = DATABASE["queries"]
TERMS = ("license", "license_url", "source", "source_url", "about")


def published_columns() -> dict[str, list[str]]:
    """Return the columns of every table and view of the published schema, in order."""
    with closing(sqlite3.connect(":memory:")) as site:
        site.executescript(sql("published"))
        names = site.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        return {
            name: [column for (column,) in site.execute("SELECT name FROM pragma_table_info(?)", [name])]
            for (name,) in names
        }


PUBLISHED = published_columns()


def test_every_table_and_view_is_documented_and_no_other() -> None:
    assert TABLES.keys() == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_column_is_documented_in_order_and_no_other(name: str) -> None:
    assert list(TABLES[name]["columns"]) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_table_and_column_has_a_sentence(name: str) -> None:
    about = TABLES[name]
    sentences = [about.get("description") or about["description_html"], *about["columns"].values()]
    assert all(isinstance(sentence, str) and len(sentence) > 10 for sentence in sentences)


@pytest.mark.parametrize("name", PUBLISHED)
def test_tables_are_sorted_and_faceted_by_columns_that_they_have(name: str) -> None:
    about = TABLES[name]
    sort = [about[key] for key in ("sort", "sort_desc") if key in about]
    allowed = about.get("sortable_columns", PUBLISHED[name])
    assert len(sort) <= 1
    assert set(sort) <= set(allowed)
    assert {*allowed, *about.get("facets", [])} <= set(PUBLISHED[name])


def test_only_the_stored_form_of_day_files_is_hidden() -> None:
    assert [name for name, about in TABLES.items() if about.get("hidden")] == ["day_file_codes"]


KINDS = {
    *("dataset", "channel", "day", "symbol", "symbols", "product", "part", "quote", "number", "flag", "choice"),
}


def test_the_questions_are_these() -> None:
    assert list(QUERIES) == [
        *("snapshot", "timeline", "coverage", "range", "universe", "gaps", "timespans", "new", "ended", "revisions"),
        *("events", "freshness", "daily_counts", "manifest", "datasets", "vault_days"),
    ]


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_has_a_title_a_description_and_a_chart(name: str) -> None:
    assert all(QUERIES[name][key].strip() for key in ("title", "description", "fragment"))


@pytest.mark.parametrize("name", QUERIES)
def test_every_parameter_of_a_query_is_a_field_and_is_described(name: str) -> None:
    query = QUERIES[name]
    parameters = set(re.findall(r"(?<!:):([a-z_]+)", query["sql"]))
    assert parameters == set(query["params"]) == set(query.get("parameters", {}))
    assert all(
        about["kind"] in KINDS and len(about["description"]) > 10 for about in query.get("parameters", {}).values()
    )


@pytest.mark.parametrize("name", QUERIES)
def test_every_column_of_a_query_is_described(name: str) -> None:
    query = QUERIES[name]
    known = {column for about in TABLES.values() for column in about["columns"]} | set(query.get("columns", ()))
    with closing(sqlite3.connect(":memory:")) as site:
        site.executescript(sql("published"))
        answer = site.execute(f"SELECT * FROM ({query['sql']}\n)", dict.fromkeys(query["params"], ""))
        columns = [column[0] for column in answer.description]
    assert set(columns) <= known
    assert set(query.get("columns", ())) | set(query.get("totals", ())) <= set(columns)
    assert re.match("g.mark=(bar|line|circle)&", query["fragment"])  # the marks that the explorer has
    axes = set(re.findall(r"g\.[xy]_column=(\w+)", query["fragment"]))
    assert axes <= set(columns)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_carries_the_terms_of_the_site(name: str) -> None:
    assert {key: QUERIES[name][key] for key in TERMS} == {key: METADATA[key] for key in TERMS}


def test_the_site_and_the_published_file_name_the_same_licence() -> None:
    assert METADATA["license"].startswith(export.LICENSE.removesuffix(")"))
    assert all("independent of binance" in said.lower() for said in (METADATA["about"], export.ATTRIBUTION))


def test_arbitrary_sql_is_not_allowed() -> None:
    assert METADATA["allow_sql"] is False
    assert "allow_sql" not in DATABASE


def test_pipeline_pages_and_canned_queries_mean_the_same_archive_where_none_is_named() -> None:
    asked = [about for query in QUERIES.values() for about in query.get("parameters", {}).values()]
    assert {about["default"] for about in asked if about["kind"] == "dataset" and "default" in about} == {UM_KLINES_1M}
    assert f"(archives.dataset = '{UM_KLINES_1M}')::INTEGER AS is_default" in sql("site/datasets")
    pages = (Path(__file__).parent.parent / "plugins/webapp/build.py").read_text(encoding="utf-8")
    assert f'\nDEFAULT = "{UM_KLINES_1M}"' in pages  # which may import nothing of the pipeline
