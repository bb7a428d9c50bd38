"""Every question through the command line: as text, JSON and CSV, from the published file and from the warehouse."""

import csv
import datetime as dt
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import tables
from tests.archive import DAYS, HOLE
from tests.asked import NEVER_LISTED, TODAY, Asked, command, query
from tests.variants import first_few

QUESTIONS = [
    ["snapshot", "2024-01-15"],
    ["timeline", "BTCUSDT_231229"],
    ["timeline", "币安人生USDT", "--start", "2024-01-07", "--end", "2024-01-08"],
    ["range", "2024-01-14", "2024-01-16"],
    ["coverage"],
    ["coverage", "ETHUSDT"],
    ["timespans", "--mergegaps", "1"],
    ["gaps"],
    ["gaps", "HOLEUSDT"],
    ["new", "2024-01-15"],
    ["ended", "2023-01-01", "2024-01-10"],
    ["summary", "2024-01-10", "2024-01-12"],
    ["revisions", "--since", "2024-01-01"],
    ["universe", "--date", "2023-12-29", "--exclude-flat"],
    ["universe", "--start", "2024-01-01", "--end", "2024-01-20", "--min-completeness", "0.9", "--quote", "USDT"],
    ["freshness"],
    ["datasets"],
]


def answer(asked: Asked, *arguments: str, warehouse: bool = False) -> Any:
    """Return what ``query ARGUMENTS --json`` says."""
    return json.loads(query(asked, *arguments, "--json", warehouse=warehouse).stdout)


@pytest.mark.parametrize("question", first_few(QUESTIONS, 6), ids=[" ".join(each) for each in QUESTIONS])
def test_the_three_forms_and_both_sources_say_the_same(asked: Asked, question: list[str]) -> None:
    rows = answer(asked, *question)
    assert rows
    written = list(csv.DictReader(io.StringIO(query(asked, *question, "--csv").stdout)))
    assert written == [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    text = query(asked, *question).stdout.splitlines()
    assert text[0].split() == list(rows[0])
    assert text[len(rows) + 2].startswith(f"{len(rows)} row")
    cited = {"build_id": None} if question[0] == "universe" else {}
    assert answer(asked, *question, warehouse=True) == [row | cited for row in rows]


def test_a_table_is_aligned_whatever_the_alphabet(asked: Asked) -> None:
    heading, rule, row = query(asked, "range", "2024-01-07", "2024-01-07").stdout.splitlines()[:3]
    assert heading == "date        symbol        file_size_bytes  condition  reason  dataset"
    assert rule == "----------  ------------  ---------------  ---------  ------  ------------"
    assert row.startswith("2024-01-07  BLZUSDT                  ")
    assert list(tables.as_text(["name", "n"], [["币安", 5], ["A", None]])) == [
        "name  n",
        "----  -",
        "币安  5",
        "A     -",
    ]


def test_an_answer_without_rows_is_still_an_answer(asked: Asked) -> None:
    assert query(asked, "new", "2022-01-01", "--json").stdout == "[]\n"
    assert query(asked, "new", "2022-01-01", "--csv").stdout.startswith("symbol,earliest,latest,")
    assert query(asked, "new", "2022-01-01").stdout.splitlines()[2].startswith("0 rows of build 2")


# -- what they say -------------------------------------------------------------------------------------


def test_a_snapshot_has_every_symbol_held_that_day(asked: Asked) -> None:
    names = [row["symbol"] for row in answer(asked, "snapshot", "2024-01-15")]
    assert names == ["BLZUSDT", "BTCUSDT", "ETHUSDT", "HOLEUSDT", "SOLUSDT", "币安人生USDT"]


def test_days_15_17_19_have_the_gaps_16_and_18(asked: Asked) -> None:
    found = answer(asked, "gaps", "HOLEUSDT")
    assert [(gap["first_day"], gap["last_day"]) for gap in found] == [
        ("2024-01-16", "2024-01-16"),
        ("2024-01-18", "2024-01-18"),
    ]
    assert answer(asked, "gaps", "HOLEUSDT", "--mergegaps", "1") == []
    assert [span["days"] for span in answer(asked, "timespans", "HOLEUSDT")] == [1, 1, 2]
    (joined,) = answer(asked, "timespans", "HOLEUSDT", "--mergegaps", "1")
    assert (joined["first_day"], joined["last_day"], joined["days"], joined["days_held"]) == (
        "2024-01-15",
        "2024-01-20",
        6,
        4,
    )


def test_gaps_name_the_symbols_that_were_discovered_and_have_no_data(asked: Asked) -> None:
    assert query(asked, "gaps", "--no-data", "--json").stdout == '["NEW1USDT","NEW2USDT"]\n'
    assert answer(asked, "gaps", "--no-data", warehouse=True) == NEVER_LISTED
    assert query(asked, "gaps", "--no-data").stdout.splitlines() == NEVER_LISTED
    assert query(asked, "gaps", "--no-data", "--csv").stdout.splitlines() == ["symbol", *NEVER_LISTED]
    assert query(asked, "gaps").stdout.splitlines()[-1] == "never listed: NEW1USDT, NEW2USDT"
    assert query(asked, "gaps", "NEW1USDT").stdout.splitlines()[-1] == "never listed: NEW1USDT"
    assert "never" not in query(asked, "gaps", "ETHUSDT").stdout


def test_coverage_knows_nothing_of_a_symbol_that_nobody_looked_at(asked: Asked) -> None:
    found = {row["symbol"]: row for row in answer(asked, "coverage")}
    assert found["NEW1USDT"]["days_held"] is None
    assert found["BTCUSDT"]["days_held"] == DAYS["BTCUSDT"] + 1
    assert (found["ETHUSDT"]["days_missing"], found["ETHUSDT"]["longest_gap"]) == (1, 1)
    assert found["BLZUSDT"]["state"] == "flat"


def test_new_and_ended_are_read_from_the_files_themselves(asked: Asked) -> None:
    assert [row["symbol"] for row in answer(asked, "new", "2024-01-15")] == ["HOLEUSDT", "SOLUSDT"]
    assert [row["symbol"] for row in answer(asked, "new", "2023-12-01", "2024-01-05")] == [
        "ETHUSDT",
        "WAVESUSDC",
        "币安人生USDT",
    ]
    ended = answer(asked, "ended", "2023-12-30", "2024-01-06")
    assert [(row["symbol"], row["first_day"], row["latest"]) for row in ended] == [
        ("BTCUSDT_231229", "2023-12-30", "2023-12-29"),
        ("WAVESUSDC", "2024-01-06", "2024-01-05"),
    ]


def test_revisions_say_what_changed_and_what_vanished(asked: Asked) -> None:
    found = answer(asked, "revisions")
    assert [(row["symbol"], row["date"], row["change"], row["new_file_size_bytes"]) for row in found] == [
        ("BTCUSDT", "2024-01-15", "changed", 50_000),
        ("SOLUSDT", "2024-01-16", "vanished", None),
    ]
    tomorrow = str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2))
    assert answer(asked, "revisions", "--since", tomorrow) == []
    assert answer(asked, "revisions", "ETHUSDT") == []


def test_a_universe_is_of_its_day_and_names_the_build(asked: Asked) -> None:
    found = answer(asked, "universe", "--date", "2023-12-29")
    assert [row["symbol"] for row in found] == ["BLZUSDT", "BTCUSDT", "BTCUSDT_231229", "ETHUSDT", "WAVESUSDC"]
    assert {row["build_id"] for row in found} == {query(asked, "new", "2022-01-01").stdout.split()[-1]}
    traded = answer(asked, "universe", "--date", "2023-12-29", "--exclude-flat", "--kind", "perpetual")
    assert [row["symbol"] for row in traded] == ["BTCUSDT", "ETHUSDT", "WAVESUSDC"]
    whole = answer(
        asked, "universe", "--start", str(HOLE), "--end", str(TODAY - dt.timedelta(days=1)), "--quote", "USDT"
    )
    assert {row["symbol"]: (row["days_held"], row["days_missing"], row["completeness"]) for row in whole} == {
        "BLZUSDT": (11, 0, 1.0),
        "BTCUSDT": (11, 0, 1.0),
        "ETHUSDT": (10, 1, 0.909091),
        "HOLEUSDT": (4, 2, 0.666667),
        "SOLUSDT": (5, 1, 0.833333),
        "币安人生USDT": (11, 0, 1.0),
    }


# -- wrong questions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "sentence"),
    first_few(
        [
            (["snapshot", "2024-02-30"], "'2024-02-30' is no day: write YYYY-MM-DD"),
            (
                ["snapshot", "2024-01-21"],
                "Nobody has looked at 2024-01-21 yet: the newest day looked at is 2024-01-20.",
            ),
            (["range", "2024-01-14", "2024-01-13"], "The range ends on 2024-01-13, before it starts on 2024-01-14."),
            (["range", "2024-01-14"], "Missing argument 'END'"),
            (["new", "2024-01-14", "2024-01-13"], "The range ends on 2024-01-13"),
            (["timeline", "BTCUSTD"], "Unknown symbol BTCUSTD. Did you mean BTCUSDT"),
            (["timeline", "btcusdt"], "Unknown symbol btcusdt. Did you mean BTCUSDT"),
            (["timeline", "\udcff"], r"Unknown symbol '\udcff'"),
            (["universe", "--date", "2024-01-01", "--kind", "\udcff"], r"Unknown kind '\udcff'"),
            (["timeline", "%"], "Unknown symbol %. `availability query coverage` lists all names."),
            (["coverage", "ETHUSD"], "Did you mean ETHUSDT"),
            (["gaps", ""], "Unknown symbol ''."),
            (["gaps", "SOLUSD"], "Did you mean SOLUSDT"),
            (["gaps", "ETHUSDT", "--mergegaps", "-1"], "-1 is not in the range x>=0"),
            (["gaps", "ETHUSDT", "--no-data"], "leave SYMBOL out"),
            (["revisions", "--since", "yesterday"], "'yesterday' is no day"),
            (["revisions", "NEWUSDT"], "Did you mean NEW2USDT, NEW1USDT"),
            (["universe"], "Give either --date, or --start and --end."),
            (["universe", "--date", "2024-01-01", "--end", "2024-01-02"], "Give either --date, or --start and --end."),
            (["universe", "--start", "2024-01-01"], "Give either --date, or --start and --end."),
            (["universe", "--date", "2024-01-01", "--min-completeness", "1.1"], "1.1 is not in the range 0<=x<=1"),
            (["universe", "--date", "2024-01-01", "--min-completeness", "nan"], "nan"),
            (
                ["universe", "--date", "2024-01-01", "--quote", "USDX"],
                "No symbol has the quote 'USDX': there are USDC, USDT.",
            ),
            (["universe", "--date", "2024-01-01", "--kind", "spot"], "there are delivery, perpetual, settled."),
        ],
        12,
    ),
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("warehouse", [False, True], ids=["published", "warehouse"])
def test_a_wrong_question_gets_one_sentence(
    asked: Asked, question: list[str], sentence: str, *, warehouse: bool
) -> None:
    result = query(asked, *question, code=2, warehouse=warehouse)
    assert sentence in result.stderr
    assert result.stderr.count("Error:") == 1
    assert not result.stdout


def test_without_anything_to_ask_it_says_so_and_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        "no published file at site/availability.db: run `availability export`"
        in command("query", "gaps", code=1).stderr
    )
    told = command("query", "gaps", "--warehouse", code=1, env={"AVAILABILITY_WAREHOUSE": "here.duckdb"}).stderr
    assert "There is no warehouse at here.duckdb" in told
    assert "no warehouse at w.duckdb" in command("query", "gaps", "--warehouse", "w.duckdb", "--json", code=1).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"no database at all, only some words", b""])
def test_a_file_of_something_else_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "availability.db"
    path.write_bytes(content)
    told = command("query", "gaps", "--site-dir", str(tmp_path), code=1).stderr
    assert told.startswith(f"Error: {path} cannot be asked: ")
    assert path.read_bytes() == content


def test_a_file_without_a_build_is_named(tmp_path: Path) -> None:
    path = tmp_path / "availability.db"
    for rows in ("", "INSERT INTO build VALUES (NULL)"):
        with sqlite3.connect(path) as con:
            con.executescript(f"DROP TABLE IF EXISTS build; CREATE TABLE build (build_id TEXT); {rows}")
        told = command("query", "gaps", "--site-dir", str(tmp_path), code=1).stderr
        assert told.startswith(f"Error: {path} cannot be asked: it names no build.")


@pytest.mark.parametrize("version", ["'abc'", "NULL", "1.5"])
def test_a_warehouse_of_somebody_else_is_named(tmp_path: Path, version: str) -> None:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(path) as con:
        con.execute(f"CREATE TABLE warehouse AS SELECT {version} AS schema_version")
        con.execute("CREATE TABLE listings (i INT); CREATE TABLE day_files (i INT)")
    told = command("query", "gaps", "--warehouse", str(path), code=1).stderr
    assert told.startswith(f"Error: {path} is a DuckDB file of something else: its schema version is ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["probe", "--symbols", "A\udcff"], r"Unknown symbol 'A\udcff'"),
        (["query", "gaps", "--warehouse", "\udcff"], r"Invalid value for '--warehouse': '\udcff' is not UTF-8 text."),
        (["check", "--site-dir", "\udcff"], r"'\udcff' is not UTF-8 text."),
        (["check", "--exchange-info", "\udcff"], r"'\udcff' is not UTF-8 text."),
        (["discover", "--listing-url", "http://127.0.0.1:9/\udcff"], r"/\udcff' is not UTF-8 text."),
        (
            ["probe", "--symbols", ","],
            "Invalid value for '--symbols': it names no symbol; leave it out for all of them.",
        ),
        (["update", "--symbols", "", "--symbols", " , "], "it names no symbol"),
    ],
)
def test_what_names_nothing_or_nothing_readable_is_wrong_usage(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = command(*arguments, code=2, env={"AVAILABILITY_SITE_DIR": str(asked.site_dir)})
    assert sentence in result.stderr.encode(errors="backslashreplace").decode()
    assert list(tmp_path.iterdir()) == []


# -- the machine ---------------------------------------------------------------------------------------


def test_questions_are_answered_while_the_warehouse_is_being_written(asked: Asked) -> None:
    writer = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", writer, str(asked.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert answer(asked, "gaps", "--no-data") == NEVER_LISTED
        told = query(asked, "gaps", code=1, warehouse=True).stderr
        process.communicate()
    assert f"{asked.warehouse} is in use by another process (process {process.pid})" in told


def test_a_reader_may_leave_early(asked: Asked) -> None:
    line = f'"{sys.executable}" -m etl query summary --csv | head -n 1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env={**os.environ, "AVAILABILITY_SITE_DIR": str(asked.site_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("date,files,")


@pytest.mark.long
@pytest.mark.parametrize("question", ["query coverage", "status", "status --json", "check --json"])
@pytest.mark.parametrize("reader", ["| true", ">&-"], ids=["gone", "never there"])
def test_a_reader_who_is_not_there_changes_nothing(asked: Asked, question: str, reader: str) -> None:
    places = {"AVAILABILITY_SITE_DIR": str(asked.site_dir), "AVAILABILITY_WAREHOUSE": str(asked.warehouse)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"{sys.executable}" -m etl {question} {reader}'],
        env={**os.environ, **places, "AVAILABILITY_TODAY": str(TODAY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_who_leaves_hides_no_error(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "availability.db").write_text("something else")
    places = {"AVAILABILITY_SITE_DIR": str(tmp_path), "AVAILABILITY_WAREHOUSE": str(asked.warehouse)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"{sys.executable}" -m etl check | true'],
        env={**os.environ, **places, "AVAILABILITY_TODAY": str(TODAY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "Error: Errors found: A501 (1).\n")


def test_the_status_writes_times_as_the_questions_do(asked: Asked) -> None:
    where = ["--warehouse", str(asked.warehouse), "--today", str(TODAY)]
    at = json.loads(command("status", "--json", *where).stdout)["last_listing_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)
    assert f"last listing at        {at}\n" in command("status", *where).stdout


def test_asking_writes_nothing(asked: Asked) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in asked.site_dir.parent.rglob("*")}
    query(asked, "coverage")
    query(asked, "coverage", warehouse=True)
    after = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in asked.site_dir.parent.rglob("*")}
    assert after == before
