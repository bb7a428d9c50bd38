"""One process writes; who comes second is told who does; readers are answered all the same."""

import json
import logging
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from etl import locks
from etl.errors import AvailabilityError
from etl.replica.faults import Fault
from etl.replica.server import Replica
from etl.warehouse import open_warehouse
from tests.conftest import Run

pytestmark = pytest.mark.long

KLINES = "data/futures/um/daily/klines/"
Writer = subprocess.Popen[str]
HOLDER = r"process {pid} on {host} \(backfill\) since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def writing(filled: Run, archive: Replica) -> Iterator[Writer]:
    """A real `backfill --full` that holds the warehouse and waits for an answer that takes a minute."""
    archive.set_faults([Fault("slow", prefix=f"{KLINES}SOLUSDT/", seconds=60)])
    archive.reset_stats()
    command = [sys.executable, "-m", "etl", "backfill", "--full", "--symbols", "SOLUSDT"]
    assert filled
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: archive.stats()["list_pages"])
        try:
            yield process
        finally:
            process.kill()


def holder(process: Writer) -> str:
    """Return the pattern of the words that name a writer."""
    return HOLDER.format(pid=process.pid, host=re.escape(socket.gethostname()))


def test_who_comes_second_is_told_who_writes_and_since_when(writing: Writer, run: Run) -> None:
    for arguments in (["update"], ["discover"], ["compact"], ["restore", "warehouse.duckdb.copy"]):
        Path("warehouse.duckdb.copy").write_bytes(b"")
        said = run(*arguments, code=1).stderr.splitlines()[-1]
        assert re.fullmatch(
            f"Error: warehouse.duckdb is being written by {holder(writing)}: try again when it is done.", said
        )


@pytest.mark.long
def test_readers_are_answered_while_somebody_writes_and_told_of_it(
    writing: Writer, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    status = json.loads(run("status", "--json").stdout)
    assert (status["day_files"], status["last_command"]) == (1680, "backfill")
    assert re.fullmatch(holder(writing), status["writer"])
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["event"]) == ("warning", "the warehouse is being written; this is how it was before")
    assert re.fullmatch(holder(writing), line["writer"])
    assert run("query", "coverage", "BTCUSDT", "--warehouse", "--json").stdout.count("BTCUSDT") == 1
    for arguments in (["check"], ["export"], ["backup", "meanwhile.duckdb"]):
        run(*arguments)
        assert "this is how it was before" in capsys.readouterr().err
    with open_warehouse(Path("meanwhile.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM day_files").fetchall() == [(1680,)]
    assert writing.poll() is None


@pytest.mark.long
def test_a_killed_writer_blocks_nobody_and_leaves_nothing(writing: Writer, run: Run, archive: Replica) -> None:
    writing.kill()
    writing.communicate()
    assert Path(".warehouse.duckdb.before").exists()
    status = json.loads(run("status", "--json", code=1).stdout)
    assert (status["writer"], status["last_outcome"], status["day_files"]) == (None, "died", 1680)
    archive.set_faults([])
    run("backfill", "--full", "--symbols", "SOLUSDT")
    assert {path.name for path in Path().iterdir()} == {"warehouse.duckdb", ".warehouse.duckdb.lock"}
    status = json.loads(run("status", "--json").stdout)
    assert (status["healthy"], status["last_outcome"]) == (True, "done")


@contextmanager
def another(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program in another process until it is told to end; it has printed a line by then."""
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


READING = (
    "import duckdb, sys, time; con = duckdb.connect('warehouse.duckdb', read_only=True); print(flush=True);"
    " sys.stdin.readline(); con.close(); time.sleep(60)"
)


@pytest.mark.long
def test_a_writer_waits_for_readers_to_leave(
    filled: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with another(READING) as reader:
        log = logging.getLogger("etl.warehouse")
        say = log.info

        def said(*words: Any, **more: Any) -> None:
            say(*words, **more)
            if reader.stdin:  # it leaves once the writer says that it waits
                reader.stdin.write("\n")
                reader.stdin.flush()

        monkeypatch.setattr(log, "info", said)
        filled("discover")
        assert reader.poll() is None
    assert '"event": "waiting for readers"' in capsys.readouterr().err


@pytest.mark.long
def test_what_is_made_for_the_first_time_has_nothing_to_read_yet(bare: Run, archive: Replica, tmp_path: Path) -> None:
    archive.set_faults([Fault("slow", prefix=KLINES, seconds=60)])
    with subprocess.Popen([sys.executable, "-m", "etl", "discover"], stderr=subprocess.PIPE, text=True) as process:
        until(lambda: archive.stats()["list_pages"])
        said = bare("status", code=1).stderr
        process.kill()
    assert f"warehouse.duckdb is being made by process {process.pid} on " in said
    assert (tmp_path / "warehouse.duckdb").exists()


def test_a_link_and_the_file_it_leads_to_are_one_warehouse(filled: Run) -> None:
    assert filled
    Path("elsewhere").mkdir()
    Path("elsewhere/link.duckdb").symlink_to(Path("warehouse.duckdb").resolve())
    with (
        open_warehouse(Path("warehouse.duckdb"), command="update"),
        pytest.raises(AvailabilityError, match=r"link.duckdb is being written by process \d+ on .* \(update\) since "),
        open_warehouse(Path("elsewhere/link.duckdb")),
    ):
        pass


def test_who_only_looks_who_holds_a_lock_stands_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from pathlib import Path; from etl import locks\nprint(flush=True)\n"
        "while True: locks.holder(Path(sys.argv[1]))"
    )
    lock = tmp_path / "lock"
    assert locks.holder(lock) is None
    lock.touch()
    monkeypatch.setattr(locks, "_A_MOMENT", 30)  # a machine may stop whoever looks for a while
    with another(program, str(lock)):
        for _ in range(50):
            with locks.held(lock, "test", "it is held"):
                pass
    assert locks.holder(lock) is None
