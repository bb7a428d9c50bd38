"""Publishing: a build is judged, flipped in, proved or taken back, and readers see the old one or the new one."""

import csv
import datetime as dt
import getpass
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
import yaml
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from etl import serve
from etl.export import export_site
from etl.keys import UM_KLINES_1M
from etl.publish import build, gates, golive
from etl.publish.downloads import Told, duck_type, write_downloads
from etl.publish.gates import Overrides
from etl.publish.keep import doomed
from etl.publish.kept import Kept, read_kept
from etl.publish.run import publishing
from etl.recording import record_enumeration, record_listings
from etl.warehouse import open_warehouse
from tests.asked import command
from tests.drawn import DATASET, day, enumeration, listing
from tests.serving import serving

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
TODAY = "2024-03-01"
LEFT = {".publish.lock", "history.jsonl", "downloads", "availability.db"}
# What the archive showed, day after day: each is listed after the one before it.
DRAWN = {
    "first": {"BTCUSDT": "x" * 40, "ETHUSDT": "xxx.xx" + "x" * 34, "币安人生USDT": "x" * 40},
    "second": {"BTCUSDT": "xX" + "x" * 39, "ETHUSDT": "x" * 41, "NEWUSDT": "_" * 39 + "xx", "币安人生USDT": "x" * 41},
    "third": {"BTCUSDT": "x" * 42, "ETHUSDT": "x" * 42, "NEWUSDT": "_" * 39 + "xxx", "币安人生USDT": "x" * 42},
    "fewer": {"BTCUSDT": "x" * 42, "ETHUSDT": "x" * 42},
    "holed": dict.fromkeys(("BTCUSDT", "ETHUSDT", "币安人生USDT"), "x" * 20 + "." + "x" * 22),
}
Publish = Callable[..., Result]


@pytest.fixture(scope="session")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a warehouse for each drawing."""
    folder = tmp_path_factory.mktemp("warehouses")
    for name, drawn in DRAWN.items():
        with open_warehouse(folder / f"{name}.duckdb") as con:
            at = max(map(len, drawn.values()))
            record_enumeration(con, DATASET, enumeration(*drawn, at=at), listing_url="http://l", files_url="http://f")
            record_listings(con, DATASET, [listing(symbol, seen, at=at) for symbol, seen in drawn.items()])
    return folder


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, warehouses: Path) -> Path:
    """A site folder with the first build published: tests get copies."""
    site = tmp_path_factory.mktemp("first") / "site"
    places = ["--site-dir", str(site), "--warehouse", str(warehouses / "first.duckdb"), "--today", TODAY]
    command("publish", *places)
    return site


@pytest.fixture
def folder(tmp_path: Path, first: Path) -> Path:
    """A site folder of its own, with the first build live."""
    shutil.copytree(first, tmp_path / "site", symlinks=True)
    return tmp_path / "site"


@pytest.fixture
def publish(folder: Path, warehouses: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Run ``availability publish`` with what a drawing shows."""
    monkeypatch.setenv("AVAILABILITY_SITE_DIR", str(folder))
    monkeypatch.setenv("AVAILABILITY_TODAY", TODAY)

    def invoke(name: str, *arguments: str, code: int = 0) -> Result:
        monkeypatch.setenv("AVAILABILITY_WAREHOUSE", str(warehouses / f"{name}.duckdb"))
        return command("publish", *arguments, code=code)

    return invoke


def live(folder: Path) -> str:
    """Return the build that the link leads to."""
    return read_kept(folder / "availability.db").build_id


def history(folder: Path) -> list[dict[str, Any]]:
    """Return what was remembered."""
    return [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]


def builds(folder: Path) -> list[str]:
    """Return the names of the builds as ``publish --list`` has them."""
    rows = json.loads(command("publish", "--list", "--json", "--site-dir", str(folder)).stdout)
    return [row["build_id"] for row in rows]


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask a published file."""
    with closing(sqlite3.connect(file)) as con:
        return con.execute(query).fetchall()


# -- the way of a good build -----------------------------------------------------------------------


def test_a_new_build_is_flipped_in_under_the_running_server_and_proved_there(folder: Path, publish: Publish) -> None:
    old = live(folder)
    with serving(folder / "availability.db", AVAILABILITY_TODAY=TODAY) as site:
        assert site.get("/-/healthz", 503).json()["build_id"] == old  # an old archive is stale, and no fault of a build
        said = publish("second", "--url", site.url).output
        new = live(folder)
        assert site.get("/-/healthz", 503).json()["build_id"] == new != old
        assert len(site.rows("/availability/coverage.json?_shape=array")) == 4
    assert f"Smoke test at {site.url}: passed" in said
    assert said.count(" passed\n") == len(gates.GATES) + 1
    assert (folder / "availability.db").readlink() == Path(f"availability-{new}.db")
    assert (folder / "downloads" / "latest").readlink() == Path(new)
    assert builds(folder) == [old, new]
    event = history(folder)[-1]
    assert (event["event"], event["build_id"], event["before"]) == ("published", new, old)
    left = {path.name for path in folder.iterdir()}
    assert left == LEFT | {f"availability-{each}.db" for each in (old, new)}


def test_the_same_facts_change_nothing(folder: Path, publish: Publish) -> None:
    before = {path: os.lstat(path).st_ino for path in folder.rglob("*")}
    assert "Nothing to do" in publish("first").output
    assert {path: os.lstat(path).st_ino for path in folder.rglob("*")} == before


def test_a_plain_file_of_export_is_kept_as_a_build_and_can_be_gone_back_to(
    folder: Path, publish: Publish, warehouses: Path
) -> None:
    shutil.rmtree(folder)
    command("export", "--warehouse", str(warehouses / "first.duckdb"))
    exported, bytes_of = live(folder), (folder / "availability.db").read_bytes()
    publish("second")
    assert (folder / f"availability-{exported}.db").read_bytes() == bytes_of
    assert (folder / "availability.db").is_symlink()
    publish("second", "--rollback")
    assert live(folder) == exported
    assert (folder / "downloads" / exported / "SHA256SUMS").exists()  # made when they were wanted


def test_a_foreign_file_is_not_replaced(folder: Path, publish: Publish) -> None:
    (folder / "availability.db").unlink()
    (folder / "availability.db").write_text("mine", encoding="utf-8")
    assert "is not replaced" in publish("second", code=1).output
    assert (folder / "availability.db").read_text(encoding="utf-8") == "mine"


def test_a_link_that_leads_nowhere_is_healed(folder: Path, publish: Publish) -> None:
    (folder / f"availability-{live(folder)}.db").unlink()
    publish("second")
    assert len(builds(folder)) == 1


# -- gates -----------------------------------------------------------------------------------------


def harm_sql(*statements: str) -> Callable[[Path], None]:
    def harm(file: Path) -> None:
        with closing(sqlite3.connect(file)) as con:
            for statement in statements:
                con.execute(statement)
            con.commit()

    return harm


def torn(file: Path) -> None:
    """Overwrite every tenth page but the first ones."""
    whole = bytearray(file.read_bytes())
    for page in range(10, len(whole) // 4096, 10):
        whole[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
    file.write_bytes(whole)


ERROR_ROW = "INSERT INTO findings VALUES ('A401', 'error', NULL, NULL, NULL, 'twice the same', '{dataset}')"
HARMS = {
    "quick_check": torn,
    "counts": harm_sql("UPDATE build SET symbols = symbols + 1"),
    "columns": harm_sql("ALTER TABLE freshness ADD COLUMN surprise"),
    "findings": harm_sql(ERROR_ROW.format(dataset=UM_KLINES_1M)),
    "size": harm_sql("INSERT INTO events VALUES ('2024-01-01', NULL, 'listed', zeroblob(30000000), 0, '')"),
    "questions": harm_sql("DELETE FROM extents WHERE symbol = 'BTCUSDT'", "DROP TABLE freshness"),
}


@pytest.mark.parametrize("gate", HARMS)
def test_a_harmed_build_is_refused_by_its_gate(
    folder: Path, publish: Publish, gate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmed_by(HARMS[gate], monkeypatch)
    refused(folder, publish("second", code=1), gate)


def harmed_by(harm: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every export be followed by a harm to the file that it wrote."""

    def harmed(con: duckdb.DuckDBPyConnection, target: Path, *, today: dt.date) -> object:
        made = export_site(con, target, today=today)
        harm(target)
        return made

    monkeypatch.setattr(build, "export_site", harmed)


def refused(folder: Path, result: Result, *expected: str) -> None:
    """Insist that the old site stays, and that the refused build lies beside with its report."""
    (report,) = folder.glob("refused-*.json")
    told = json.loads(report.read_text(encoding="utf-8"))
    assert set(expected) <= {each["gate"] for each in told["gates"] if each["outcome"] == "refused"}
    assert {each["gate"] for each in told["gates"]} >= set(gates.GATES)  # all are passed, all reported
    assert report.with_suffix(".db").exists()
    assert (len(builds(folder)), history(folder)[-1]["event"]) == (1, "refused")
    assert [live(folder)] == builds(folder)
    assert "The site stays with" in result.output
    assert not list(folder.glob(".building*"))
    assert not (folder / "downloads" / told["build_id"]).exists()


def test_a_file_that_lacks_what_the_warehouse_holds_is_refused(
    folder: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmed_by(harm_sql("DELETE FROM day_file_codes WHERE date = '2024-01-03'"), monkeypatch)
    result = publish("second", code=1)
    refused(folder, result, "findings", "counts")
    assert "A501" in result.output


def test_a_build_that_took_too_long_is_refused(folder: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MAX_SECONDS", 0)
    refused(folder, publish("second", code=1), "build_time")


@pytest.mark.parametrize(
    ("more", "said"), [(" LIMIT 1", "1 rows, the file holds 4"), (" LIMIT oops", "did not come up")]
)
def test_a_canned_query_that_does_not_answer_well_refuses_the_build(
    folder: Path, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, said: str
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("plugins", "templates", "static"):
        (checkout / name).symlink_to(ROOT / name)
    metadata = yaml.safe_load((ROOT / "metadata.yml").read_text(encoding="utf-8"))
    metadata["databases"]["availability"]["queries"]["coverage"]["sql"] += more
    (checkout / "metadata.yml").write_text(yaml.safe_dump(metadata, sort_keys=False), encoding="utf-8")
    monkeypatch.setattr(serve, "ROOT", checkout)
    result = publish("second", code=1)
    refused(folder, result, "questions")
    assert said in result.output


def test_fewer_symbols_are_refused_until_the_operator_says_so(folder: Path, publish: Publish) -> None:
    result = publish("fewer", code=1)
    refused(folder, result, "shrink")
    assert "1 of 3 symbols are gone: 币安人生USDT" in result.output
    assert "overruled" in publish("fewer", "--allow-shrink").output
    assert not list(folder.glob("refused-*"))  # it is published now
    told = json.loads((folder / "downloads" / "latest" / "build.json").read_text(encoding="utf-8"))
    assert told["overrides"] == {"accept": [], "allow_shrink": True}
    assert "symbols are gone" in " ".join(history(folder)[-1]["overruled"])


def test_a_known_hole_blocks_until_it_is_accepted(folder: Path, publish: Publish) -> None:
    refused(folder, publish("holed", code=1), "findings")
    publish("holed", "--accept", "A201")
    assert history(folder)[-1]["overrides"]["accept"] == ["A201"]
    assert "A999" in publish("holed", "--accept", "A999", code=2).output


def test_an_error_of_the_vault_is_published_as_such_and_holds_up_nothing(
    folder: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = live(folder)
    harmed_by(harm_sql(ERROR_ROW.format(dataset="coinbase/ticker")), monkeypatch)
    publish("second")
    assert live(folder) != before


def test_only_the_last_refused_builds_stay(folder: Path, publish: Publish) -> None:
    for number in range(5):
        for ending in ("db", "json"):
            (folder / f"refused-{number}.{ending}").touch()
    publish("fewer", code=1)
    assert len(list(folder.glob("refused-*.db"))) == len(list(folder.glob("refused-*.json"))) == 3


# -- proved, or taken back -------------------------------------------------------------------------


def test_a_site_that_does_not_take_it_over_gets_the_old_build_back(
    folder: Path, publish: Publish, first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golive, "WAITS", 0.5)
    old, address = live(folder), "http://127.0.0.1:9"
    result = publish("second", "--url", address, code=1)
    assert f"flipped back: after 0.5 s, {address}/-/healthz: no answer" in result.output
    with serving(shutil.copytree(first, folder.parent / "else", symlinks=True) / "availability.db") as other:
        assert "not by" in publish("second", "--url", other.url, code=1).output
    assert (live(folder), builds(folder)) == (old, [old])
    assert (folder / "downloads" / "latest").readlink() == Path(old)
    assert [each["event"] for each in history(folder)] == ["published", "flipped back", "flipped back"]
    (report,) = folder.glob("refused-*.json")
    told = json.loads(report.read_text(encoding="utf-8"))["gates"][-1]
    assert (told["gate"], told["outcome"]) == ("smoke", "refused")
    assert not (folder / ".unproved.json").exists()


def test_the_first_build_of_a_site_is_not_asked_for_where_nothing_can_serve_it(folder: Path, publish: Publish) -> None:
    shutil.rmtree(folder)
    assert "skipped, for there was no site before" in publish("first", "--url", "http://127.0.0.1:9").output


def started(folder: Path, warehouse: Path, *arguments: str) -> subprocess.Popen[bytes]:
    places = ["--site-dir", str(folder), "--warehouse", str(warehouse), "--today", TODAY]
    return subprocess.Popen(
        [sys.executable, "-m", "etl", "publish", *places, *arguments], stdout=subprocess.DEVNULL, cwd=ROOT
    )


def wait_until(happened: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def processes_in(folder: Path) -> list[str]:
    """Return the command lines that name a folder."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(line.read_bytes().decode())
        except OSError:  # it has ended
            continue
    return [each for each in found if str(folder) in each]


def test_killed_between_export_and_flip_the_old_site_stays_and_the_next_run_heals(
    folder: Path, publish: Publish, warehouses: Path
) -> None:
    old = live(folder)
    with started(folder, warehouses / "second.duckdb") as process:
        wait_until(lambda: list(folder.glob(".building-*/availability.log")))  # the gates' server starts
        process.send_signal(signal.SIGKILL)
    assert (live(folder), builds(folder)) == (old, [old])
    wait_until(lambda: not processes_in(folder))  # the server of the gates ends with it
    publish("second")
    assert len(builds(folder)) == 2
    assert not list(folder.glob(".building*"))


def test_killed_between_flip_and_proof_the_next_run_proves_it_or_takes_it_back(
    folder: Path, publish: Publish, warehouses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golive, "WAITS", 0.5)
    old, nobody = live(folder), "http://127.0.0.1:9"
    with started(folder, warehouses / "second.duckdb", "--url", nobody) as process:
        wait_until(lambda: live(folder) != old)
        process.send_signal(signal.SIGKILL)
    assert "did not prove it" in publish("second", "--url", nobody, code=1).output
    assert live(folder) == old
    assert not (folder / ".unproved.json").exists()


def test_a_note_about_a_proof_that_cannot_be_read_is_named(folder: Path, publish: Publish) -> None:
    for text in ('{"buil', "[]", "{}"):
        (folder / ".unproved.json").write_text(text, encoding="utf-8")
        assert ".unproved.json does not say which build" in publish("first", code=1).output


# -- going back, listing, keeping, comparing -------------------------------------------------------


@pytest.fixture(scope="session")
def all_three(tmp_path_factory: pytest.TempPathFactory, first: Path, warehouses: Path) -> Path:
    """A site folder with three builds published one after the other: tests get copies."""
    site = tmp_path_factory.mktemp("three") / "site"
    shutil.copytree(first, site, symlinks=True)
    for name in ("second", "third"):
        places = ["--site-dir", str(site), "--warehouse", str(warehouses / f"{name}.duckdb"), "--today", TODAY]
        command("publish", *places)
    return site


@pytest.fixture
def three(folder: Path, all_three: Path) -> list[str]:
    """Names of three builds in the folder; the last is live."""
    shutil.rmtree(folder)
    shutil.copytree(all_three, folder, symlinks=True)
    return builds(folder)


def test_rollback_goes_back_one_by_one_and_to_a_name(folder: Path, publish: Publish, three: list[str]) -> None:
    publish("third", "--rollback")
    assert live(folder) == three[1]
    publish("third", "--rollback")
    assert live(folder) == three[0]
    assert (folder / "downloads" / "latest").readlink() == Path(three[0])
    assert "no build before" in publish("third", "--rollback", code=1).output
    publish("third", "--rollback", three[2])
    assert "Nothing to do" in publish("third", "--rollback", three[2]).output
    assert [each["build_id"] for each in history(folder) if each["event"] == "rolled back"] == [
        *(three[1], three[0], three[2]),
    ]
    unknown = publish("third", "--rollback", "20200101T000000Z-00000000", code=2).output
    assert all(name in unknown for name in three)
    assert "no build without a name" in publish("first", "--rollback", "", code=2).output  # "$EMPTY"
    assert live(folder) == three[2]


def test_a_spoiled_build_is_not_gone_back_to(folder: Path, publish: Publish, three: list[str]) -> None:
    file = folder / f"availability-{three[1]}.db"
    ((page,),) = ask(file, "SELECT rootpage FROM sqlite_master WHERE name = 'day_file_codes'")
    content = bytearray(file.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096  # its row about the build can be read
    file.write_bytes(content)
    for name in ([], [three[1]]):
        said = publish("third", "--rollback", *name, code=1).output
        assert f"{three[1]}.db is spoiled, the site stays as it is" in said
    assert live(folder) == three[2]


OLDER = (  # what a build had before there were datasets, as far as the gates look at it
    "CREATE TABLE kept AS SELECT symbol_id, symbol FROM symbols",
    "DROP VIEW day_files",
    "DROP TABLE symbols",
    "ALTER TABLE kept RENAME TO symbols",
)


def test_a_live_build_of_an_earlier_version_is_compared_with_and_not_gone_back_to(
    folder: Path, publish: Publish
) -> None:
    old = live(folder)
    harm_sql(*OLDER)(folder / "availability.db")
    assert "1 of 3 symbols are gone: 币安人生USDT" in publish("fewer", code=1).output
    publish("second")
    said = publish("second", "--rollback", code=1).output
    assert f"{old}.db was made by an earlier version of this program and is of no use to this one: " in said
    assert "is of no use to this one" in command("diff", old, "live", "--site-dir", str(folder), code=1).output
    assert live(folder) != old
    (folder / "availability.db").unlink()
    (folder / "availability.db").symlink_to(f"availability-{old}.db")
    assert "is of no use to this one" in command("serve", "--site-dir", str(folder), code=1).output


def test_where_there_is_no_site_nothing_is_gone_back_to_and_nothing_made(publish: Publish, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert f"no folder {nowhere}" in publish("first", "--rollback", "--site-dir", str(nowhere), code=2).output
    assert not nowhere.exists()


def test_a_rollback_stays_and_says_where_the_site_does_not_follow(
    folder: Path, publish: Publish, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golive, "WAITS", 0.2)
    publish("third", "--rollback", "--url", "http://127.0.0.1:9", code=1)
    assert live(folder) == three[1]


def test_the_list_says_what_each_build_holds(folder: Path, three: list[str]) -> None:
    lines = command("publish", "--list", "--site-dir", str(folder)).output.splitlines()
    assert lines[0].split() == [*("build_id", "built_at", "symbols", "day_files", "last_day", "size_bytes", "live")]
    assert [line.split()[0] for line in lines[2:]] == three
    assert [line.split()[2] for line in lines[2:]] == ["3", "4", "4"]
    assert lines[-1].endswith("live")
    (folder / "availability-20240101T000000Z-00000000.db").write_bytes(b"nothing")
    assert "cannot be read" in command("publish", "--list", "--site-dir", str(folder)).stderr
    nowhere = command("publish", "--list", "--site-dir", str(folder / "typo"), code=1).stderr
    assert "There is no folder" in nowhere


def test_old_builds_go_with_their_downloads(folder: Path, publish: Publish, three: list[str]) -> None:
    left = [three[0], *builds(folder)[1:]]
    publish("holed", "--keep", "2", "--accept", "A201", "--allow-shrink")
    now = builds(folder)
    assert now == [*left[2:], live(folder)]
    assert {path.name for path in (folder / "downloads").iterdir()} == {*now, "latest"}
    assert "--keep" in publish("holed", "--keep", "1", code=2).output


def kept(name: str, built_at: str) -> Kept:
    return Kept(Path(name), name, built_at, 1, 1, None, "", 1, 1)


@pytest.mark.parametrize(
    ("made", "keep", "live_one", "gone"),
    [
        (["01-01", "01-02", "01-03", "01-04"], 2, "01-04", ["01-01", "01-02"]),
        (["01-01", "01-31", "02-01", "02-28", "03-01", "03-02"], 2, "03-02", ["01-01", "02-01"]),
        (["01-01", "01-02", "01-03"], 2, "01-01", []),  # gone back to the first: it stays
        (["01-01"], 7, "01-01", []),
    ],
)
def test_the_last_ones_and_one_of_each_month_and_the_live_one_stay(
    made: list[str], keep: int, live_one: str, gone: list[str]
) -> None:
    there = [kept(each, f"2024-{each}T12:00:00Z") for each in made]
    assert [each.build_id for each in doomed(there, keep, live_one)] == gone


@given(
    days=st.lists(st.dates(dt.date(2023, 12, 25), dt.date(2024, 4, 5)), min_size=1, max_size=40),
    keep=st.integers(2, 9),
    place=st.integers(0, 39),
)
def test_whatever_was_published_when_what_stays_has_a_reason_and_what_goes_has_none(
    days: list[dt.date], keep: int, place: int
) -> None:
    there = [kept(f"{number:02d}", f"{day}T12:00:00Z") for number, day in enumerate(sorted(days))]
    live_one = there[place % len(there)].build_id
    gone = {each.build_id for each in doomed(there, keep, live_one)}
    for number, each in enumerate(there):
        newer = there[number + 1 :]
        last_of_its_month = not any(other.built_at[:7] == each.built_at[:7] for other in newer)
        assert (each.build_id in gone) is not (len(newer) < keep or last_of_its_month or each.build_id == live_one)


def test_the_difference_of_two_builds(folder: Path, three: list[str]) -> None:
    said = command("diff", three[0], "live", "--site-dir", str(folder)).output.splitlines()
    assert said == [
        f"{three[0]} -> {three[2]}",
        "symbols    1 new: NEWUSDT; 0 gone",
        "days       10 added of 4 symbols, 2024-01-04..2024-02-11; 0 gone",
        "revisions  0 changed; 0 touched",
    ]
    back = json.loads(command("diff", three[1], three[0], "--json", "--site-dir", str(folder)).stdout)
    assert (back["symbols_new"], back["symbols_gone"]) == ([], ["NEWUSDT"])
    assert back["days_gone"][0] == {
        "symbol": "BTCUSDT",
        "days": 1,
        "first_day": "2024-02-10",
        "last_day": "2024-02-10",
    }
    assert [(each["symbol"], each["date"], each["change"]) for each in back["revisions"]] == [
        ("BTCUSDT", "2024-01-02", "changed"),
    ]
    assert "no build nothing" in command("diff", "nothing", "live", "--site-dir", str(folder), code=2).output


TICKER = "coinbase/ticker"


@pytest.fixture
def captured(folder: Path, warehouses: Path) -> Path:
    """A warehouse with what the first build holds, and many more days of a vault."""
    path = folder.parent / "captured.duckdb"
    shutil.copy(warehouses / "first.duckdb", path)
    with open_warehouse(path) as con:
        record_enumeration(con, TICKER, enumeration("BTC-USD", at=40), listing_url="vault:", files_url="vault:")
        record_listings(con, TICKER, [listing("BTC-USD", "x" * 2_000, at=2_000)])
    return path


def test_the_difference_is_that_of_one_archive(folder: Path, publish: Publish, captured: Path) -> None:
    old = live(folder)
    publish("first", "--warehouse", str(captured))
    words = ["diff", old, "live", "--site-dir", str(folder)]
    assert "0 added" in command(*words).output
    said = command(*words, "--dataset", TICKER).output
    assert "1 new: BTC-USD" in said
    assert "2,000 added" in said
    assert f"There is {TICKER}, um/klines/1m." in command(*words, "--dataset", "ticker", code=2).stderr


def test_a_file_may_grow_as_what_it_holds_does(
    publish: Publish, captured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "SIZE_MORE", 0)
    monkeypatch.setattr(gates, "SIZE_FACTOR", 1)
    assert "size         passed" in publish("first", "--warehouse", str(captured)).output
    harmed_by(harm_sql("CREATE TABLE more AS SELECT zeroblob(9000000) AS bytes"), monkeypatch)
    assert "size         refused" in publish("second", "--allow-shrink", code=1).output


def test_only_one_publishes_at_a_time(folder: Path, publish: Publish) -> None:
    with publishing(folder, "publish"):
        said = publish("second", code=1).output
        assert re.search(rf"process {os.getpid()} on \S+ \(publish\) since \d{{4}}-\d\d-\d\dT[\d:]+Z", said)
        publish("second", "--rollback", code=1)
    publish("second")


def test_wrong_usage_says_so(publish: Publish) -> None:
    publish("first", "--list", "--rollback", code=2)
    publish("first", "--json", code=2)
    assert "no address" in publish("first", "--url", "somewhere", code=2).output


# -- downloads -------------------------------------------------------------------------------------


def as_published(value: object) -> object:
    """Return a value of a Parquet file as the SQLite file writes it."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, dt.date) else value


def test_the_downloads_hold_what_the_file_holds(folder: Path, first: Path) -> None:
    there = folder / "downloads" / live(folder)
    assert (first / "downloads" / "latest" / "availability.db").samefile(first / "availability.db")  # takes no room
    names = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name <> 'day_file_codes'"
    tables = {name for (name,) in ask(there / "availability.db", names)}
    assert {path.stem for path in there.glob("*.parquet")} == tables
    with duckdb.connect() as con:
        for table in tables:
            rows = con.execute(f"SELECT * FROM '{there}/{table}.parquet'").fetchall()
            wanted = ask(there / "availability.db", f"SELECT * FROM {table}")
            assert sorted(map(repr, (tuple(map(as_published, row)) for row in rows))) == sorted(map(repr, wanted))
        kinds = dict(
            con.execute(f"SELECT column_name, column_type FROM (DESCRIBE '{there}/day_files.parquet')").fetchall()
        )
    assert (kinds["date"], kinds["last_modified"]) == ("DATE", "TIMESTAMP")


def test_the_csv_files_hold_extents_gaps_and_the_universe_of_the_newest_day(folder: Path) -> None:
    there = folder / "downloads" / live(folder)
    for name in ("extents", "gaps"):
        with (there / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        wanted = ask(there / "availability.db", f"SELECT * FROM {name} ORDER BY symbol")
        assert rows == [["" if value is None else str(value) for value in row] for row in wanted]
    with (there / "universe.csv").open(encoding="utf-8", newline="") as file:
        universe = list(csv.DictReader(file))
    assert [row["symbol"] for row in universe] == ["BTCUSDT", "ETHUSDT", "币安人生USDT"]
    assert {(row["first_day"], row["build_id"]) for row in universe} == {(str(day(39)), live(folder))}


def test_hashes_and_manifest_tell_the_truth(folder: Path) -> None:
    there = folder / "downloads" / "latest"
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=there, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
    told = json.loads((there / "build.json").read_text(encoding="utf-8"))
    names = {path.name for path in there.iterdir()} - {"build.json", "SHA256SUMS"}
    assert told["files"].keys() == names
    assert len((there / "SHA256SUMS").read_text(encoding="utf-8").splitlines()) == len(names) + 1
    assert told["files"]["extents.csv"]["sha256"] == hashlib.sha256((there / "extents.csv").read_bytes()).hexdigest()
    assert told["tables"]["day_files"]["rows"] == told["build"]["day_files"] == 119
    assert told["tables"]["day_files"]["columns"]["symbol"]
    assert "CC BY-NC-SA" in told["license"]
    assert "Independent of Binance" in told["attribution"]
    assert {each["gate"]: each["outcome"] for each in told["gates"]} == dict.fromkeys(gates.GATES, "passed")


def test_the_same_build_gives_the_same_downloads(folder: Path, tmp_path: Path) -> None:
    sums = []
    for name in ("one", "two"):
        write_downloads(read_kept(folder / "availability.db"), tmp_path / name, Told([], Overrides()))
        sums.append((tmp_path / name / "SHA256SUMS").read_text(encoding="utf-8"))
    assert sums[0] == sums[1]


def test_every_published_day_and_moment_is_one_in_parquet(folder: Path) -> None:
    rows = ask(
        folder / "availability.db",
        "SELECT master.name, info.name, info.type FROM sqlite_master AS master, pragma_table_info(master.name) AS info"
        " WHERE master.type = 'table'",
    )
    looks = {"DATE": r"\d{4}-\d\d-\d\d", "TIMESTAMP": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"}
    for table, column, declared in rows:
        values = [str(value) for (value,) in ask(folder / "availability.db", f"SELECT {column} FROM {table}") if value]
        kind = duck_type(column, declared)
        alike = [name for name, look in looks.items() if values and all(re.fullmatch(look, each) for each in values)]
        assert not values or alike == [kind] or not (alike or kind in looks), (table, column)


# -- targets ---------------------------------------------------------------------------------------

rsync = pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not on the PATH")


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an ``ssh`` on the PATH that runs here what would run there, by a shell as the real one does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ssh"
    script.write_text(
        '#!/bin/sh\nwhile [ "$1" = -o ] || [ "$1" = -l ]; do shift 2; done\n'
        f'echo "$1" >> {folder}/hosts\nshift\nexec sh -c "$*"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "hosts"


@rsync
@pytest.mark.parametrize("host", ["", "me@mirror:"])
def test_another_folder_gets_the_same_flip(
    folder: Path, publish: Publish, tmp_path: Path, ssh: Path, host: str
) -> None:
    there = tmp_path / "a mirror's"
    first_one = live(folder)
    publish("first", "--target", f"{host}{there}")  # nothing new here, and all of it there
    assert live(there) == first_one
    for name in ("second", "third"):
        publish(name, "--target", f"{host}{there}", "--keep", "2")
        assert live(there) == live(folder)
    assert builds(there) == builds(folder)
    assert len(builds(there)) == 2
    assert (there / "downloads" / "latest").readlink() == Path(live(folder))
    assert (there / "downloads" / "latest" / "availability.db").samefile(there / "availability.db")
    publish("third", "--rollback", "--target", f"{host}{there}")
    assert live(there) == live(folder) == builds(folder)[0]
    assert ssh.exists() is bool(host)


SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
SSHD_SETTINGS = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
"""
SSH_SETTINGS = """
Port {port}
IdentityFile {folder}/key
IdentitiesOnly yes
UserKnownHostsFile {folder}/known
StrictHostKeyChecking accept-new
"""


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A real sshd for this user, and the settings that ~/.ssh/config would hold for it."""
    folder, port = tmp_path / "sshd", serve.free_port("127.0.0.1", 0)
    (folder / "bin").mkdir(parents=True)
    for name in ("host", "key"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    for name, text in (("sshd_config", SSHD_SETTINGS), ("config", SSH_SETTINGS)):
        (folder / name).write_text(text.format(folder=folder, port=port), encoding="utf-8")
    client = folder / "bin" / "ssh"
    client.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n', encoding="utf-8")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}/bin{os.pathsep}{os.environ['PATH']}")
    command = [SSHD or "sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        said = process.stderr.readline() if process.stderr else ""
        try:
            if "listening" not in said:
                pytest.skip(f"sshd does not run here: {said.strip()}")
            yield process
        finally:
            process.kill()


@contextmanager
def watched(link: Path) -> Iterator[Counter[str]]:
    """Ask over and over where a link leads, and count the answers; "" where it leads nowhere."""
    seen, stop = Counter[str](), threading.Event()

    def watch() -> None:
        while not stop.wait(0.0005):
            seen[link.resolve().name if link.exists() else ""] += 1

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@rsync
@pytest.mark.skipif(SSHD is None, reason="there is no sshd: apt-get install openssh-server")
def test_another_host_gets_the_same_flip_over_a_real_ssh(
    folder: Path, publish: Publish, tmp_path: Path, sshd: subprocess.Popen[str]
) -> None:
    there = tmp_path / "a mirror's"
    target = f"{getpass.getuser()}@127.0.0.1:{there}"
    publish("first", "--target", target)  # nothing new here, and all of it there
    with watched(there / "availability.db") as seen:
        publish("second", "--target", target)
        publish("second", "--rollback", "--target", target)
        publish("third", "--target", target, "--keep", "2")
    assert set(seen) == {f"availability-{each['build_id']}.db" for each in history(folder)}  # never nowhere
    assert live(there) == live(folder)
    assert builds(there) == builds(folder)
    assert (there / "downloads" / "latest" / "availability.db").samefile(there / "availability.db")
    before = live(there)
    sshd.kill()
    said = publish("fewer", "--allow-shrink", "--target", target, code=1).output
    assert f"is live here, and not everywhere: {target}: ssh ended with 255: " in said
    assert live(there) == before != live(folder)


@rsync
def test_the_live_address_is_the_targets_and_both_are_flipped_back(
    folder: Path, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, old = tmp_path / "there", live(folder)
    publish("first", "--target", str(there))
    with serving(there / "availability.db", AVAILABILITY_TODAY=TODAY) as site:
        publish("second", "--target", str(there), "--url", site.url)
        assert site.get("/-/healthz", 503).json()["build_id"] == live(folder) != old
    good = live(folder)
    monkeypatch.setattr(golive, "WAITS", 0.3)
    publish("third", "--target", str(there), "--url", site.url, code=1)  # nobody is there any more
    assert live(there) == live(folder) == good


@rsync
def test_a_target_that_cannot_be_reached_holds_up_nobody_else(folder: Path, publish: Publish, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.mkdir()
    (bad / "availability.db").write_text("no link", encoding="utf-8")
    said = publish("second", "--target", str(bad), "--target", str(good), code=1).output
    assert f"not everywhere: {bad}: sh ended with 1:" in said
    assert "is no link: move it away first" in said
    assert live(good) == live(folder) == builds(folder)[-1]
    assert (bad / "availability.db").read_text(encoding="utf-8") == "no link"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of moto's server, as the aws program finds it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="somebucket")
    yield client
    server.stop()


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not on the PATH")
def test_a_bucket_gets_the_downloads_and_a_pointer_to_the_latest(folder: Path, publish: Publish, bucket: Any) -> None:
    publish("second", "--target", "s3://somebucket/um/daily")
    there = folder / "downloads" / live(folder)
    keys = {each["Key"] for each in bucket.list_objects_v2(Bucket="somebucket")["Contents"]}
    assert keys == {
        "um/daily/latest.json",
        *(f"um/daily/{live(folder)}/{path.name}" for path in there.iterdir()),
    }
    latest = bucket.get_object(Bucket="somebucket", Key="um/daily/latest.json")
    assert json.loads(latest["Body"].read())["build_id"] == live(folder)
    assert (latest["ContentType"], latest["CacheControl"]) == ("application/json", "no-cache")
    for name, kind in (("extents.csv", "text/csv"), ("build.json", "application/json")):
        assert bucket.head_object(Bucket="somebucket", Key=f"um/daily/{live(folder)}/{name}")["ContentType"] == kind
    said = publish("third", "--target", "s3://nosuchbucket/x", code=1).output
    assert "s3://nosuchbucket/x: aws ended with" in said
    assert len(builds(folder)) == 3  # live here


@pytest.mark.parametrize(
    ("target", "program"), [("s3://bucket/x", "aws"), ("/srv/x", "rsync"), ("me@there:/srv/x", "rsync")]
)
def test_a_program_that_is_lacking_is_named_before_anything_is_done(
    folder: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch, target: str, program: str
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert f"{target} needs the program {program}" in publish("second", "--target", target, code=1).output
    assert len(builds(folder)) == 1


@pytest.mark.parametrize("target", ["", " ", "ftp://x/y", "-oProxyCommand=x:/y", "s3://", "host:relative"])
def test_what_is_no_target_is_wrong_usage(publish: Publish, target: str) -> None:
    assert "is no target" in publish("second", f"--target={target}", code=2).output


# -- the container image ---------------------------------------------------------------------------


def test_what_the_dockerfile_copies_is_there() -> None:
    """It cannot be built here, for no Docker daemon runs; this much can be looked at."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    lines = re.findall(r"^COPY (?:--\S+ )*(.+)$", text, re.MULTILINE)
    copied = [name for line in lines for name in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied if "$" not in name)
    assert not {name.rstrip("/") for name in copied} & {name.strip("/") for name in ignored}
