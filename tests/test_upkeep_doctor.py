"""The doctor looks at everything that could stand in the way, names the remedy, and touches nothing."""

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from etl import clock
from etl.replica.faults import Fault
from etl.replica.server import Replica
from tests.archive import NOW
from tests.conftest import Run

CHECKS = [
    "python",
    "packages",
    "warehouse",
    "writer",
    "permissions",
    "site folder",
    "disk",
    "listing",
    "files",
    "clock",
]


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set this machine's clock, which only etl.clock reads, to the archive's."""
    monkeypatch.setattr(clock, "now", lambda: NOW.replace(tzinfo=None))


def examined(run: Run, code: int = 0) -> dict[str, tuple[str, str, str | None]]:
    """Return verdict, words and remedy of each check."""
    told = json.loads(run("doctor", "--json", code=code).stdout)
    assert told["ok"] is (code == 0)
    return {line["check"]: (line["verdict"], line["said"], line["remedy"]) for line in told["checks"]}


@pytest.mark.usefixtures("at_noon")
def test_where_all_is_well_every_line_says_so_and_nothing_is_touched(filled: Run, archive: Replica) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in Path().rglob("*")}
    archive.reset_stats()
    lines = filled("doctor").stdout.splitlines()
    assert [(line[:9].strip(), line[9:22].strip()) for line in lines] == [
        ("ok", name) for name in (*CHECKS, "settings")
    ]
    asked = archive.stats()
    assert (asked["list_pages"], asked["heads"]) == (1, 1)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in Path().rglob("*")} == before


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, "ok"), (-59, "ok"), (70, "warning"), (-3500, "warning"), (3700, "problem")]
)
def test_the_clock_is_compared_with_the_archives(
    run: Run, monkeypatch: pytest.MonkeyPatch, seconds: int, verdict: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW.replace(tzinfo=None) + dt.timedelta(seconds=seconds))
    found, said, remedy = examined(run, code=int(verdict == "problem"))["clock"]
    assert found == verdict
    assert ("ahead of" if seconds > 0 else "behind") in said
    assert (remedy is None) == (verdict == "ok")


@pytest.mark.usefixtures("at_noon")
def test_a_misspelt_setting_is_named_with_the_one_that_is_meant(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVAILABILITY_WAREHOSE", "elsewhere.duckdb")
    monkeypatch.setenv("AVAILABILITY_VAULT_STORAGE_TYPE", "local")
    verdict, said, _ = examined(run)["settings"]
    assert (verdict, said) == (
        "warning",
        "no command knows AVAILABILITY_WAREHOSE (did you mean AVAILABILITY_WAREHOUSE?)",
    )


def spoil(what: str, archive: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    if what == "not ours":
        Path("warehouse.duckdb").write_bytes(b"something else")
    elif what == "newer":
        with duckdb.connect("warehouse.duckdb") as con:
            con.execute("UPDATE warehouse SET schema_version = 99")
    elif what == "no folder":
        Path("site").write_text("a file")
        monkeypatch.setenv("AVAILABILITY_SITE_DIR", "site/below")
    elif what == "refusing":
        archive.set_faults([Fault("status", status=403)])


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize(
    ("what", "check", "said"),
    [
        ("not ours", "warehouse", "warehouse.duckdb is not a DuckDB file."),
        ("newer", "warehouse", "was written by a newer version of this program (schema 99)"),
        ("no folder", "site folder", "site is no folder"),
        ("refusing", "listing", "HTTP 403, the archive refuses: AccessDenied"),
    ],
)
def test_a_problem_is_named_with_its_remedy_and_is_exit_code_1(
    filled: Run, archive: Replica, monkeypatch: pytest.MonkeyPatch, what: str, check: str, said: str
) -> None:
    spoil(what, archive, monkeypatch)
    found = examined(filled, code=1)
    verdict, words, remedy = found[check]
    assert (verdict, said in words) == ("problem", True), words
    assert remedy
    assert [name for name, line in found.items() if line[0] == "problem"] == [check]


@pytest.mark.usefixtures("at_noon")
def test_what_warehouse_and_site_need_of_the_same_disk_is_added_up(filled: Run) -> None:
    filled("export")
    needed = 3 * Path("site/availability.db").stat().st_size + Path("warehouse.duckdb").stat().st_size
    _, said, _ = examined(filled)["disk"]
    assert said.endswith(f" bytes free, {needed:,} are needed")
    assert said.count("are needed") == 1


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user to whom nothing is given; whoever is not root is one already."""
    if os.getuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


@pytest.mark.usefixtures("at_noon")
def test_what_this_user_may_not_see_is_a_problem_and_no_end_of_the_looking(
    filled: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined(filled)["warehouse"][0] == "ok"
    Path("closed/site").mkdir(parents=True)
    Path("warehouse.duckdb").rename("closed/warehouse.duckdb")
    monkeypatch.setenv("AVAILABILITY_WAREHOUSE", str(Path("closed/warehouse.duckdb").absolute()))
    monkeypatch.setenv("AVAILABILITY_SITE_DIR", str(Path("closed/site").absolute()))
    Path("closed").chmod(0)
    try:
        with nobody():
            found = examined(filled, code=1)
    finally:
        Path("closed").chmod(0o755)
    for check in ("warehouse", "writer", "site folder", "disk"):
        verdict, said, remedy = found[check]
        assert (verdict, remedy) == ("problem", "run as its owner, or give it to this user")
        assert re.match(r"user \d+ may not look at ", said)
    assert [found[check][0] for check in ("listing", "files", "clock")] == ["ok"] * 3


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize(
    ("left", "check"),
    [
        (".warehouse.duckdb.lock", "permissions"),
        ("site/.publish.lock", "site folder"),
        ("site/history.jsonl", "site folder"),
        ("site/downloads/20240120T120000Z-0a1b2c3d", "site folder"),
    ],
)
def test_what_another_users_run_has_left_is_named(
    filled: Run, left: str, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined(filled)
    warehouse = Path("warehouse.duckdb").absolute()
    with TemporaryDirectory() as folder:  # where nobody may look, which cannot be said of tmp_path
        monkeypatch.chdir(folder)
        shutil.copy(warehouse, "warehouse.duckdb")
        Path("site/downloads").mkdir(parents=True)
        for each in (".", "site", "site/downloads", "warehouse.duckdb"):
            Path(each).chmod(0o777)
        Path(left).touch(mode=0o444)
        with nobody():
            found = examined(filled, code=1)
        monkeypatch.chdir(warehouse.parent)
    assert re.fullmatch(rf"user \d+ may not write to \S*{re.escape(left)}", found[check][1])
    assert [name for name, line in found.items() if line[0] == "problem"] == [check]


def test_an_archive_that_is_not_there_is_one_line(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVAILABILITY_LISTING_URL", "http://127.0.0.1:9/bucket")
    found = examined(bare, code=1)
    verdict, said, _ = found["listing"]
    assert (verdict, said.startswith("http://127.0.0.1:9/bucket?")) == ("problem", True)
    assert said.endswith("&max-keys=1: the connection is refused")
    assert found["warehouse"] == ("warning", "there is none at warehouse.duckdb", "availability discover")


def test_the_doctor_needs_no_package_of_the_vault(archive: Replica, tmp_path: Path) -> None:
    without = (
        "import sys; sys.modules.update(dict.fromkeys(('boto3', 'botocore', 'msgspec', 'websockets', 'zstandard')))"
    )
    words = ["doctor", "--listing-url", archive.listing_url, "--files-url", archive.files_url, "--json"]
    program = [sys.executable, "-c", f"{without}; from etl.__main__ import main; main()", *words]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["checks"], done.stderr
