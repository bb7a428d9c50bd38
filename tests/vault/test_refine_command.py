"""`availability vault refine` and `compact`, as a user or systemd runs them, and an S3 that fails meanwhile."""

import json
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from etl.vault import storage as stores
from etl.vault.alone import alone
from etl.vault.config import S3, Config, Refine, Storage
from etl.vault.refine import PROCESSED, refine_all
from etl.vault.segments import PROCESSING
from etl.vault.storage import Storage as Opened
from etl.vault.storage import open_storage
from tests.vault import lines as told
from tests.vault.conftest import Vault
from tests.vault.faulty import Fault, Faulty
from tests.vault.found import command, paths, records


@pytest.mark.long
def test_refine_and_compact_say_what_they_did(vault_command: Vault, config: Config, storage: Opened) -> None:
    told.make_ready(storage, told.caught([told.trades(), told.levels({}, {}), told.HEARTBEAT, b"odd"]))
    said = vault_command(config.storage, "refine").stdout
    assert said.startswith("1 segments refined in ")
    assert said.endswith("4 lines became 3 rows in 2 parts, 1 lines rejected; 0 segments stuck.\n")
    assert vault_command(config.storage, "refine").stdout == ""  # nothing was ready
    said = vault_command(config.storage, "compact", "--today", "2026-08-10").stdout
    assert said.startswith("2 days merged: 2 parts with 3 rows; 0 parts removed")


def test_a_stuck_segment_is_named_with_exit_code_1(vault_command: Vault, local_storage: Opened, tmp_path: Path) -> None:
    name = told.make_ready(local_storage, told.caught([told.trades()]))
    stores.write(local_storage, f"{PROCESSING}/{name}", b"no zstd")
    result = vault_command(Storage("local", tmp_path / "vault"), "refine", code=1)
    assert "1 segments are stuck in processing" in result.stderr
    assert f"First cause: {name}: it is no zstd file" in result.stderr


FAULTS = [
    Fault("status", "PUT", "/part_", count=99, status=403, code="AccessDenied"),
    Fault("other", "GET", "/part_"),
    Fault("cut", "GET", "/processing/", count=99),
    Fault("status", "DELETE", "/processing/", status=403, code="AccessDenied"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.method} {fault.kind} {fault.target}")
@pytest.mark.long
def test_while_s3_fails_the_segment_is_kept_and_the_next_round_completes_it(
    s3_settings: S3, faulty: Faulty, s3_storage: Opened, fault: Fault
) -> None:
    told.make_ready(s3_storage, told.caught([told.trades(), told.ticker()]))
    faulty.faults = [replace(fault)]
    through = open_storage(Storage("s3", s3=s3_settings._replace(endpoint_url=faulty.url)))
    assert len(refine_all(through, Refine()).stuck) == 1
    assert len(paths(s3_storage, PROCESSING)) == 1
    faulty.faults = []
    assert refine_all(through, Refine()).stuck == []
    assert paths(s3_storage, "raw") == []
    assert records(s3_storage, "market_trades", "ticker").total() == 2


@pytest.mark.long
def test_watching_takes_up_what_comes_later_and_ends_whole_on_sigterm(
    config: Config, storage: Opened, tmp_path: Path
) -> None:
    process = command(config, "refine", "--watch", "0.2", folder=tmp_path)
    for number in range(2):
        told.make_ready(storage, told.caught([told.trades()]), number=number)
        while paths(storage, "raw"):
            assert process.poll() is None
            time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert said.count("1 segments refined") == 2
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [each["rows"] for each in events if each["event"] == "segment refined"] == [1, 1]
    assert len(paths(storage, PROCESSED)) == 2


@pytest.mark.long
def test_watching_goes_on_while_another_refiner_is_at_work(local_storage: Opened, tmp_path: Path) -> None:
    process = command(Config(Storage("local", tmp_path / "vault")), "refine", "--watch", "0.2", folder=tmp_path)
    assert process.stderr
    assert process.stdout
    told.make_ready(local_storage, told.caught([told.trades()]))
    assert "1 segments refined" in process.stdout.readline()  # told when it holds nothing any more
    with alone(local_storage, "refine"):
        told.make_ready(local_storage, told.caught([told.trades()]), number=1)
        while "is held for `vault refine` by process" not in process.stderr.readline():
            assert process.poll() is None
    while paths(local_storage, "raw"):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.long
def test_a_segment_of_100_mb_in_frames_of_5_mb_takes_half_a_gigabyte(local_storage: Opened, tmp_path: Path) -> None:
    book = [{"price_level": f"{number}.{number % 97}", "new_quantity": f"0.{number}"} for number in range(1, 52_001)]
    frames = [told.levels(*book, kind="snapshot", sequence_num=number) for number in range(20)]
    assert sum(map(len, frames)) > 100_000_000
    told.make_ready(local_storage, told.caught(frames))
    process = command(Config(Storage("local", tmp_path / "vault")), "refine", folder=tmp_path)
    peak = 0  # kB, of the process itself: what its parent had when it began counts in ru_maxrss
    while process.poll() is None:
        if found := re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")):
            peak = int(found[1])
        time.sleep(0.01)
    assert process.returncode == 0
    assert 100_000 < peak < 600_000
    assert records(local_storage, "l2_data").total() == 20 * 52_000
