"""A warehouse of any earlier version becomes one of today's, whole or not at all, and only by who may write."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import warehouse
from etl.errors import WarehouseError
from etl.replica.server import Replica
from etl.upkeep.copying import proof
from etl.warehouse import MIGRATIONS, SCHEMA_VERSION, open_any_version, open_warehouse
from tests.conftest import Run

pytestmark = pytest.mark.long

DATA = Path(__file__).parent / "data"
FOLDER = Path(warehouse.__file__).parent.parent / "sql" / "migrate"
READERS = (["status"], ["check"], ["export"], ["query", "coverage", "--warehouse"])


@pytest.fixture
def old(bare: Run) -> Path:
    """A warehouse that the first draft of the program wrote, in the folder of ``run``."""
    path = Path("warehouse.duckdb").resolve()
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.4.0"}) as con:
        con.execute((DATA / "warehouse_v1.sql").read_text(encoding="utf-8"))
    assert bare
    return path


def columns(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return all that is declared of the tables' columns, and the names of the views."""
    declared = (
        "SELECT table_name, column_index, column_name, data_type, is_nullable, column_default"
        " FROM duckdb_columns() JOIN duckdb_tables() USING (table_name) ORDER BY ALL"
    )
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    return con.execute(declared).fetchall() + con.execute(views).fetchall()


def test_every_version_before_this_one_has_its_file(blank: Path) -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.sql")) == list(MIGRATIONS)
    assert [int(name[:3]) for name in MIGRATIONS] == list(range(1, SCHEMA_VERSION))
    with open_warehouse(blank, read_only=True) as con:
        assert con.execute("SELECT schema_version FROM warehouse").fetchall() == [(SCHEMA_VERSION,)]


def test_a_file_of_the_first_draft_becomes_what_a_new_one_is_and_keeps_its_facts(old: Path, blank: Path) -> None:
    with duckdb.connect(str(old)) as con:
        before = proof(con, "warehouse")
    with open_warehouse(old) as migrated, duckdb.connect() as fresh:
        fresh.execute(f"ATTACH '{blank}' AS blank (READ_ONLY)")
        fresh.execute("USE blank")
        assert columns(migrated) == columns(fresh)
        after = proof(migrated, "warehouse")
    assert {name: rows for name, (rows, _) in after.items() if rows} == {
        "archives": 1, "listings": 3, "day_files": 54, "symbols": 6, "warehouse": 1
    }  # fmt: skip
    assert all(after[name][0] == rows for name, (rows, _) in before.items())
    assert all(after[name] == before[name] for name in ("archives", "symbols", "strangers"))


@pytest.mark.long
def test_who_writes_brings_an_old_file_up_to_date_and_goes_on_with_it(old: Path, run: Run) -> None:
    run("backfill")
    status = json.loads(run("status", "--json").stdout)
    assert (status["symbols_listed"], status["day_files"]) == (6, 1680)
    with duckdb.connect(str(old), read_only=True) as con:
        assert con.execute(
            "SELECT count(DISTINCT listing_id) = count(*), min(listing_id) FROM listings"
        ).fetchall() == [(True, 1)]


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_who_reads_changes_nothing_and_says_what_to_do(old: Path, run: Run, arguments: list[str]) -> None:
    before = old.read_bytes()
    said = run(*arguments, code=1).stderr
    assert f"was written by an earlier version of this program (schema 1, now it is {SCHEMA_VERSION})" in said
    assert "`availability backup` keeps it as it is, `availability discover` brings it up to date." in said
    assert old.read_bytes() == before


@pytest.mark.long
def test_what_is_advised_works(old: Path, run: Run) -> None:
    kept = run("backup", "kept.duckdb").stdout
    assert kept.startswith("kept.duckdb: ")
    run("discover")
    run("restore", "kept.duckdb")
    with open_any_version(old) as (_, version):
        assert version == 1
    run("discover")
    with open_any_version(old) as (_, version):
        assert version == SCHEMA_VERSION


def test_a_migration_that_fails_leaves_the_file_as_it_was(old: Path, run: Run, archive: Replica) -> None:
    with duckdb.connect(str(old)) as con:  # something that the second migration cannot get past
        con.execute("ALTER TABLE warehouse ADD COLUMN folded_listings VARCHAR")
        facts = {name: said for name, said in proof(con, "warehouse").items() if name != "warehouse"}
    said = run("discover", code=1).stderr
    assert "could not be brought from schema 2 to 3 (" in said
    assert "it is left at schema 2, with all its facts. `availability backup` keeps a copy of it." in said
    assert "Traceback" not in said
    assert archive.stats()["list_pages"] == 0
    with open_any_version(old) as (con, version):
        assert version == 2
        assert con.execute("SELECT typeof(folded_listings) FROM warehouse").fetchall() == [("VARCHAR",)]
        assert {name: rows for name, (rows, _) in proof(con, "warehouse").items() if rows and name != "warehouse"} == {
            name: rows for name, (rows, _) in facts.items() if rows
        }


def test_one_migration_is_one_transaction(old: Path) -> None:
    with duckdb.connect(str(old)) as con:  # the third statement of the first migration refuses this; two went well
        con.execute("ALTER TABLE listings ADD COLUMN method VARCHAR")
        before = columns(con), proof(con, "warehouse")
    with pytest.raises(WarehouseError, match=r"from schema 1 to 2 .* it is left at schema 1"), open_warehouse(old):
        pass
    with open_any_version(old) as (con, version):
        assert (version, (columns(con), proof(con, "warehouse"))) == (1, before)


def test_a_file_of_a_newer_version_is_left_alone(old: Path, run: Run) -> None:
    with duckdb.connect(str(old)) as con:
        con.execute("UPDATE warehouse SET schema_version = 99")
    shutil.copy(old, "newer.duckdb")
    for arguments in (["discover"], ["status"], ["backup"], ["restore", "newer.duckdb", "--warehouse", "other.duckdb"]):
        assert (
            "was written by a newer version of this program (schema 99): update it." in run(*arguments, code=1).stderr
        )
    assert not Path("other.duckdb").exists()


@pytest.mark.long
def test_a_migration_that_is_killed_is_begun_again(old: Path, run: Run) -> None:
    program = (
        "import os, sys; from pathlib import Path; from etl.warehouse import schema; original = schema.sql\n"
        "def sql(name):\n    if name.startswith('migrate/002'): os._exit(9)\n    return original(name)\n"
        "schema.sql = sql\nfrom etl.warehouse import open_warehouse\nwith open_warehouse(Path(sys.argv[1])): pass"
    )
    assert subprocess.run([sys.executable, "-c", program, str(old)], check=False).returncode == 9
    with open_any_version(old) as (_, version):
        assert version == 2
    run("discover")
    with open_any_version(old) as (_, version):
        assert version == SCHEMA_VERSION
