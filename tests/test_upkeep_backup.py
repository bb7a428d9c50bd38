"""A backup holds all there is, or is none; what it replaces is never lost."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from etl.replica.server import Replica
from etl.upkeep.copying import Proof, proof
from tests.conftest import Run
from tests.test_lock import another

pytestmark = pytest.mark.long


def facts(path: Path | str) -> Proof:
    """Return what a file holds, table by table."""
    with duckdb.connect(str(path), read_only=True) as con:
        return proof(con, con.execute("SELECT current_database()").fetchall()[0][0])


def files() -> set[str]:
    """Return what lies in this folder, but for the lock that stays."""
    return {path.name for path in Path().iterdir()} - {".warehouse.duckdb.lock"}


def test_a_backup_is_put_back_with_every_row_and_the_warehouse_it_replaces_is_kept(
    filled: Run, archive: Replica
) -> None:
    told = filled("backup").stdout
    (name,) = files() - {"warehouse.duckdb"}
    assert name.startswith("warehouse-20")
    assert told.startswith(f"{name}: ")
    assert "1,697 rows, proved equal." in told
    assert facts(name) == facts("warehouse.duckdb")
    archive.edit("add", symbol="ETHUSDT", day="2024-01-10")
    filled("update")
    newer = facts("warehouse.duckdb")
    assert newer != facts(name)
    assert "proved equal. What was there is " in filled("restore", name).stdout
    (replaced,) = Path().glob("warehouse.duckdb.replaced-20*")
    assert (facts("warehouse.duckdb"), facts(replaced)) == (facts(name), newer)
    filled("update")  # and the work goes on, with numbers that no listing had
    with duckdb.connect("warehouse.duckdb", read_only=True) as con:
        assert con.execute("SELECT count(*) - count(DISTINCT listing_id) FROM listings").fetchall() == [(0,)]
    assert json.loads(filled("status", "--json").stdout)["day_files"] == 1681


def test_nothing_is_overwritten(filled: Run) -> None:
    Path("kept").mkdir()
    filled("backup", "kept")
    (kept,) = Path("kept").iterdir()
    before = kept.read_bytes()
    said = filled("backup", str(kept), code=2).stderr
    assert f"{kept} is there already: a backup overwrites nothing, give it another name." in said
    assert kept.read_bytes() == before
    assert list(Path("kept").iterdir()) == [kept]


def test_a_folder_that_is_not_there_does_not_become_a_file(filled: Run) -> None:
    assert "There is no folder kept: make it, or name a file" in filled("backup", "kept", code=2).stderr
    assert files() == {"warehouse.duckdb"}


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (None, 2, "There is no backup at other.duckdb."),
        (b"something else altogether", 1, "other.duckdb is not a DuckDB file."),
        ("CREATE TABLE t (a INTEGER)", 1, "other.duckdb is a DuckDB file of something else"),
    ],
)
def test_what_is_no_backup_is_not_put_back(filled: Run, content: bytes | str | None, code: int, sentence: str) -> None:
    if isinstance(content, bytes):
        Path("other.duckdb").write_bytes(content)
    elif content:
        with duckdb.connect("other.duckdb") as con:
            con.execute(content)
    before = Path("warehouse.duckdb").read_bytes()
    assert sentence in filled("restore", "other.duckdb", code=code).stderr
    assert Path("warehouse.duckdb").read_bytes() == before
    assert files() <= {"warehouse.duckdb", "other.duckdb"}


def test_a_spoiled_backup_is_refused_before_anything_is_touched(filled: Run) -> None:
    filled("backup", "kept.duckdb")
    content = bytearray(Path("kept.duckdb").read_bytes())
    for place in range(20_000, len(content), 50_000):  # behind the headers, one bit in each stretch
        content[place] ^= 1
    Path("kept.duckdb").write_bytes(content)
    before = Path("warehouse.duckdb").read_bytes()
    said = filled("restore", "kept.duckdb", code=1).stderr
    assert "Traceback" not in said
    assert said.startswith("Error: kept.duckdb: ")
    assert Path("warehouse.duckdb").read_bytes() == before
    assert files() == {"warehouse.duckdb", "kept.duckdb"}


def test_the_warehouse_is_no_backup_of_itself(filled: Run) -> None:
    assert "warehouse.duckdb is the warehouse itself." in filled("restore", "warehouse.duckdb", code=2).stderr


def test_a_spoiled_or_lost_warehouse_is_replaced_too(filled: Run) -> None:
    filled("backup", "kept.duckdb")
    Path("warehouse.duckdb").write_bytes(b"nothing that DuckDB could read")
    assert "warehouse.duckdb is not a DuckDB file." in filled("status", code=1).stderr
    filled("restore", "kept.duckdb")
    (replaced,) = Path().glob("warehouse.duckdb.replaced-*")
    assert replaced.read_bytes() == b"nothing that DuckDB could read"
    Path("warehouse.duckdb").unlink()
    assert "What was there" not in filled("restore", "kept.duckdb").stdout
    assert facts("warehouse.duckdb") == facts("kept.duckdb")


@pytest.mark.long
def test_what_a_killed_writer_left_in_the_log_goes_with_the_file_that_is_replaced(filled: Run) -> None:
    filled("backup", "kept.duckdb")
    program = (
        "import duckdb, os; con = duckdb.connect('warehouse.duckdb');"
        " con.execute('PRAGMA disable_checkpoint_on_shutdown');"
        " con.execute(\"UPDATE archives SET files_url = 'in the log'\"); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert Path("warehouse.duckdb.wal").exists()
    filled("restore", "kept.duckdb")
    (replaced,) = (path for path in Path().glob("warehouse.duckdb.replaced-*") if path.suffix != ".wal")
    for path, url in ((replaced, "in the log"), (Path("warehouse.duckdb"), None)):
        with duckdb.connect(str(path), read_only=True) as con:
            assert (con.execute("SELECT files_url FROM archives").fetchall() == [("in the log",)]) == (url is not None)


@pytest.mark.long
def test_who_reads_while_a_backup_is_put_back_reads_on(filled: Run) -> None:
    filled("backup", "kept.duckdb")
    reading = (
        "import duckdb, sys; con = duckdb.connect('warehouse.duckdb', read_only=True); print(flush=True);"
        " sys.stdin.readline(); print(con.execute('SELECT count(*) FROM day_files').fetchone()[0], flush=True)"
    )
    with another(reading) as reader:
        filled("restore", "kept.duckdb")
        assert facts("warehouse.duckdb") == facts("kept.duckdb")
        assert reader.stdin
        assert reader.stdout
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "1680\n"


@pytest.mark.long
def test_no_room_for_a_backup_leaves_none(filled: Run) -> None:
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000));"
        " from etl.__main__ import main; import sys; sys.argv[1:] = ['backup', 'kept.duckdb']; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert files() == {"warehouse.duckdb"}
    assert filled
