"""A new build takes the place of the old one under a running server: no answer fails, none is mixed."""

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import urllib3

from etl.export import export_site
from etl.recording import record_enumeration, record_listings
from etl.warehouse import open_warehouse
from tests.drawn import DATASET, day, enumeration, listing
from tests.serving import Site, serving

pytestmark = pytest.mark.long

FLIPS = 6
BUILDS = 3
DAYS = 40


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Builds of ever more symbols: build N holds N + 1 of them, so that every answer tells which one gave it."""
    folder = tmp_path_factory.mktemp("builds")
    files = [folder / f"availability-{number}.db" for number in range(BUILDS)]
    for number, file in enumerate(files):
        with open_warehouse(folder / f"{number}.duckdb") as con:
            names = [f"S{each}USDT" for each in range(number + 1)]
            record_enumeration(con, DATASET, enumeration(*names), listing_url="http://l", files_url="http://f")
            record_listings(con, DATASET, [listing(name, "x" * DAYS, at=DAYS + number) for name in names])
            export_site(con, file, today=day(DAYS))
    return files


def flip(link: Path, target: Path) -> None:
    """Let the link lead to another file, as publishing does."""
    beside = link.with_name("next")
    beside.symlink_to(target)
    beside.replace(link)


def test_the_pages_of_one_answer_are_all_of_one_build(tmp_path: Path, builds: list[Path]) -> None:
    link = tmp_path / "availability.db"
    link.symlink_to(builds[2])
    with serving(link) as site:
        first = site.get("/availability/coverage.json?limit=1").json()
        assert site.get(first["next"]).json()["rows"][0]["symbol"] == "S1USDT"
        flip(link, builds[1])
        told = site.get(first["next"], 409).json()
        assert told["case"] == "build_changed"
        start = told["error"].rpartition("start again at ")[2].rstrip(".")
        assert start == "/availability/coverage.json?limit=1"
        again = site.get(start).json()
        assert again["build_id"] != first["build_id"]
        assert site.get(again["next"]).json()["build_id"] == again["build_id"]
        assert site.get(first["next"].replace(".json", ".csv"), 409).data.startswith(b"build is ")


def test_readers_do_not_notice_a_new_build(tmp_path: Path, builds: list[Path]) -> None:
    link = tmp_path / "availability.db"
    link.symlink_to(builds[0])
    said: list[tuple[str, int, int]] = []
    done = threading.Event()

    def keep_asking(site: Site, path: str) -> None:
        with urllib3.PoolManager() as http:
            while not done.is_set():
                answer = http.request("GET", site.url + path, retries=False)
                rows = answer.json() if answer.status == 200 else []
                said.append((answer.headers.get("availability-build", ""), answer.status, len(rows)))

    with serving(link, AVAILABILITY_TODAY=str(day(DAYS))) as site:
        paths = ["/availability/coverage.json?_shape=array", "/availability/symbols.json?_shape=array"] * 2
        readers = [threading.Thread(target=keep_asking, args=(site, path)) for path in paths]
        for reader in readers:
            reader.start()
        names, tags = [], set()
        for number in range(FLIPS):
            flip(link, builds[(number + 1) % BUILDS])
            told = site.get("/availability/build.json?_shape=array").json()[0]
            rows = site.rows("/availability/coverage.json?_shape=array")
            assert len(rows) == told["symbols"] == (number + 1) % BUILDS + 1  # nothing stale after the flip
            whole = site.get("/availability.db")
            assert whole.data == builds[(number + 1) % BUILDS].read_bytes()
            tags.add(whole.headers["etag"])
            names.append((told["build_id"], len(rows)))
        done.set()
        for reader in readers:
            reader.join()
    known = {*names, *(pair[:1] + pair[2:] for pair in said[:1])}
    assert len(tags) == BUILDS
    assert {status for _, status, _ in said} == {200}
    assert all((build, count) in known for build, _, count in said)
    assert len(Counter(build for build, *_ in said)) == BUILDS


@pytest.mark.parametrize("harm", ["garbage", "truncated", "foreign"])
def test_what_is_no_whole_build_is_refused_and_named(tmp_path: Path, builds: list[Path], harm: str) -> None:
    link, bad = tmp_path / "availability.db", tmp_path / "bad.db"
    link.symlink_to(builds[1])
    whole = builds[0].read_bytes()
    if harm == "foreign":
        with closing(sqlite3.connect(bad)) as con:
            con.execute("CREATE TABLE build (x)")
    else:
        bad.write_bytes(b"no database" * 999 if harm == "garbage" else whole[: len(whole) // 2 // 4096 * 4096])
    with serving(link, AVAILABILITY_TODAY=str(day(DAYS))) as site:
        before = site.get("/-/healthz").json()
        flip(link, bad)
        assert len(site.rows("/availability/coverage.json?_shape=array")) == 2
        after = site.get("/-/healthz", 503).json()
        assert (before["refused_file"], after["build_id"]) == (None, before["build_id"])
        assert (after["status"], [check["ok"] for check in after["checks"]]) == ("refused", [True, False, True])
        assert after["refused_file"] in after["checks"][1]["said"]
        flip(link, builds[1])  # what is right again is well again
        assert site.get("/-/healthz").json()["refused_file"] is None
        flip(link, bad)
        site.get("/-/healthz", 503)
        flip(link, builds[2])
        assert len(site.rows("/availability/coverage.json?_shape=array")) == 3
        assert site.get("/-/healthz").json()["refused_file"] is None
