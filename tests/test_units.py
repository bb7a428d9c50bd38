"""The systemd units: what they say is understood, hardened, installed as shown, and runs, in a booted systemd too."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from etl.replica.server import Replica
from etl.serve import free_port
from etl.vault.capture import DRAIN_SECONDS
from tests import booted
from tests.archive import TODAY

ROOT = Path(__file__).parent.parent
UNITS = ROOT / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMER = UNITS / "availability-update.timer"
FILES = ["availability.env", "sysusers.d/availability.conf"]
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def settings(unit: Path) -> dict[str, list[str]]:
    """Return what a unit file sets: a name may be set several times."""
    found = defaultdict(list)
    for line in unit.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and "=" in line:
            name, value = line.split("=", 1)
            found[name].append(value)
    return found


def tool(*arguments: str | Path, code: int = 0, **environment: str) -> str:
    """Run a program and return all that it says."""
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment}, cwd=ROOT
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    return said


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder in which the program seems to be installed."""
    commands = tmp_path / "program" / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "availability").write_text("#!/bin/sh\n", encoding="utf-8")
    (commands / "availability").chmod(0o755)
    (commands / "python").symlink_to("/bin/sh")
    return tmp_path / "program"


def units(what: str, folder: Path, program: Path, code: int = 0, **more: str) -> str:
    """Run ``make install-units`` or ``make uninstall-units`` on a folder in place of /."""
    return tool(
        "make", "--no-print-directory", f"{what}-units", f"DESTDIR={folder}", f"PREFIX={program}", code=code, **more
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# -- what they say ---------------------------------------------------------------------------------


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_installed_units(tmp_path: Path, program: Path) -> None:
    units("install", tmp_path / "root", program, CONFIRM="1")
    installed = sorted((tmp_path / "root/etc/systemd/system").iterdir())
    assert [path.name for path in installed] == sorted([*SERVICES, TIMER.name])
    assert tool("systemd-analyze", "verify", "--man=no", *installed) == ""


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_exposed_at_most_2_5(name: str) -> None:
    said = tool("systemd-analyze", "security", "--offline=true", "--threshold=25", UNITS / name)
    assert float(re.findall(r"exposure level for .*: ([\d.]+)", said)[0]) <= 2.5


@needs_systemd
@pytest.mark.parametrize("line", settings(TIMER)["OnCalendar"])
def test_every_calendar_line_is_understood_and_in_utc(line: str) -> None:
    said = tool("systemd-analyze", "calendar", line, TZ="Asia/Tokyo")
    assert f"Normalized form: {line}" in said
    assert line.endswith(" UTC")


def test_the_timer_looks_several_times_in_the_morning_and_once_late_and_makes_up_for_what_it_missed() -> None:
    said = settings(TIMER)
    assert said["OnCalendar"] == ["*-*-* 07..10:05:00 UTC", "*-*-* 22:05:00 UTC"]
    assert (said["Persistent"], said["RandomizedDelaySec"]) == (["true"], ["10min"])
    assert settings(UNITS / "availability-update.service")["Type"] == ["oneshot"]  # one at work is not started again


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_in_memory_and_what_has_an_end_in_time(name: str) -> None:
    said = settings(UNITS / name)
    assert said["MemoryMax"]
    assert said["Type"] == ["exec"] or said["TimeoutStartSec"] != ["infinity"]


def test_every_setting_of_the_example_is_one_that_something_reads() -> None:
    named = set(re.findall(r"AVAILABILITY_\w+", (UNITS / "availability.env").read_text(encoding="utf-8")))
    read = (ROOT / "docs/cli.md").read_text(encoding="utf-8") + (UNITS / "notify.sh").read_text(encoding="utf-8")
    assert named <= set(re.findall(r"AVAILABILITY_\w+", read))


# -- how they come and go --------------------------------------------------------------------------


def test_without_a_word_of_consent_all_is_shown_and_nothing_done(tmp_path: Path, program: Path) -> None:
    said = units("install", tmp_path / "root", program)
    assert not (tmp_path / "root").exists()
    for name in (
        *SERVICES,
        TIMER.name,
        *FILES,
        "daemon-reload",
        "enable --now",
        "Nothing was done. CONFIRM=1 does it.",
    ):
        assert name in said


def test_they_are_installed_with_the_place_of_the_program_and_removed_again(tmp_path: Path, program: Path) -> None:
    root = tmp_path / "root"
    shown = units("install", root, program)
    assert units("install", root, program, CONFIRM="1") + "Nothing was done. CONFIRM=1 does it.\n" == shown
    assert files(root / "etc") == {*(f"systemd/system/{name}" for name in (*SERVICES, TIMER.name)), *FILES}
    for name in SERVICES:
        text = (root / "etc/systemd/system" / name).read_text(encoding="utf-8")
        assert "/opt/availability" not in text
        assert f"{program}/" in text
    settings_file = root / "etc/availability.env"
    settings_file.write_text("AVAILABILITY_KEEP=9\n", encoding="utf-8")
    assert "stays as it is" in units("install", root, program, CONFIRM="1")
    units("uninstall", root, program)
    assert len(files(root)) == len(SERVICES) + 3
    units("uninstall", root, program, CONFIRM="1")
    assert files(root) == {"etc/availability.env"}
    assert settings_file.read_text(encoding="utf-8") == "AVAILABILITY_KEEP=9\n"
    assert "are not installed" in units("uninstall", root, program, code=2, CONFIRM="1")


def test_the_vault_is_started_only_where_that_is_asked_for(tmp_path: Path, program: Path) -> None:
    start = "systemctl enable --now --no-block availability-vault-capture.service availability-vault-refine.service"
    assert start not in units("install", tmp_path / "root", program)
    assert start in units("install", tmp_path / "root", program, VAULT="1")
    assert "availability-vault-refine.service" in units("install", tmp_path / "root", program, CONFIRM="1")
    assert "disable --now availability-update.timer" in units("uninstall", tmp_path / "root", program)


@pytest.mark.parametrize("name", [name for name in SERVICES if "vault" in name])
def test_the_vault_is_started_again_unless_its_configuration_is_wrong_and_has_the_time_to_end(name: str) -> None:
    said = settings(UNITS / name)
    assert (said["Restart"], said["RestartPreventExitStatus"]) == (["on-failure"], ["2"])
    assert said["TimeoutStopSec"] == ["30"]
    assert float(said["TimeoutStopSec"][0]) > DRAIN_SECONDS


def test_a_program_that_is_not_there_or_cannot_be_seen_is_refused(tmp_path: Path, program: Path) -> None:
    assert "run `make install`" in units("install", tmp_path / "root", tmp_path / "else", code=2)
    python = program / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/home/somebody/python3")
    said = units("install", tmp_path / "root", program, code=2, CONFIRM="1")
    assert "/home/somebody/python3 lies where the units cannot look" in said
    assert not (tmp_path / "root").exists()


# -- what they run ---------------------------------------------------------------------------------


def test_who_is_to_be_told_gets_a_subject_and_the_text(tmp_path: Path) -> None:
    command = settings(UNITS / "availability-notify@.service")["ExecStart"][0]
    words = [word.replace("/opt/availability", str(ROOT)).replace("%i", "some-unit") for word in shlex.split(command)]
    told = tmp_path / "told"
    tool(*words, AVAILABILITY_NOTIFY=f'{{ echo "$AVAILABILITY_SUBJECT!"; cat; }} > {told}')
    subject, first, *_ = told.read_text(encoding="utf-8").splitlines()
    assert subject == f"{first}!" == f"some-unit failed on {os.uname().nodename}!"
    assert "nobody is told, for AVAILABILITY_NOTIFY is not set" in tool(*words)
    tool(*words, code=3, AVAILABILITY_NOTIFY="exit 3")  # who could not be told is a failure of its own


def started(name: str, folder: Path, port: int, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Run the ExecStart lines of a unit as systemd would, one after the other, with its paths in a folder."""
    own = Path(sys.executable).parent / "availability"

    def mapped(text: str) -> str:
        text = text.replace("/opt/availability/.venv/bin/availability", str(own)).replace("8001", str(port))
        return text.replace("/var/lib/availability", str(folder))

    said = settings(UNITS / name)
    given = dict(word.split("=", 1) for line in said["Environment"] for word in shlex.split(mapped(line)))
    for line in (*said["ExecStartPre"], *said["ExecStart"]):
        yield subprocess.Popen(shlex.split(mapped(line)), env={**os.environ, **given, **more}, cwd=folder, text=True)


@pytest.mark.long
def test_the_commands_of_the_units_build_prove_and_serve_the_site(archive: Replica, tmp_path: Path) -> None:
    port = free_port("127.0.0.1", 0)
    where = {"AVAILABILITY_LISTING_URL": archive.listing_url, "AVAILABILITY_FILES_URL": archive.files_url}
    update = {**where, "AVAILABILITY_TODAY": str(TODAY)}
    site = started("availability-site.service", tmp_path, port, AVAILABILITY_TODAY=str(TODAY))
    wait = next(site)
    assert [each.wait(60) for each in started("availability-update.service", tmp_path, port, **update)] == [0]
    assert wait.wait(10) == 0  # until there was something to serve
    with next(site) as server:
        try:
            first = healthy(port)["build_id"]
            archive.edit("add_symbol", symbol="NEWUSDT", first_day="2024-01-10")
            assert [each.wait(60) for each in started("availability-update.service", tmp_path, port, **update)] == [0]
            assert healthy(port)["build_id"] != first
        finally:
            server.terminate()
    assert "published" in (tmp_path / "site/history.jsonl").read_text(encoding="utf-8")


def healthy(port: int) -> dict[str, Any]:
    """Return what the site says of itself, as soon as it answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            answer = urllib3.request("GET", f"http://127.0.0.1:{port}/-/healthz", retries=False)
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline, "the site did not come up"
            time.sleep(0.05)
            continue
        assert answer.status == 200, answer.data
        told: dict[str, Any] = answer.json()
        return told


@pytest.mark.long
def test_in_a_booted_systemd_the_timer_rebuilds_the_site_and_a_failure_is_told(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    try:
        booted.boot(tmp_path, booted.installed(tmp_path), (ROOT / "tests/booted.sh").read_text(encoding="utf-8"))
    except booted.NotBootedError as error:
        pytest.skip(f"no systemd can be booted here: {error}")

    def seen(name: str) -> str:
        return (shared / name).read_text(encoding="utf-8")

    show = seen("show")
    assert "User=availability\n" in show
    assert "DynamicUser=yes\n" in show
    assert "MemoryMax=1572864000\n" in show
    assert re.search(r"NextElapseUSecRealtime=\w+ 20", show)
    assert set(seen("owners").split()[::3]) == {"availability"}
    builds = [json.loads(seen(f"{name}.json"))["build_id"] for name in ("first", "second_health", "third_health")]
    assert builds[0] != builds[1]
    assert "NEWUSDT" in seen("second.json")
    # refused by the archive
    assert seen("refused") == "1\n"
    assert seen("told").startswith("subject: availability-update failed on ")
    assert "discover failed: http" in seen("told")
    assert "HTTP 403" in seen("told")
    # stopped in the middle
    log = [json.loads(line) for line in seen("log").splitlines() if line.startswith("{")]
    assert [line["outcome"] for line in log if line["component"] == "nightly"][-5:] == [
        *("done", "interrupted", "not run", "not run", "not run")
    ]
    assert "Killing process" not in seen("journal")
    assert "status" in json.loads(seen("fourth_health.json"))  # killed, and there again
    left = seen("left")
    assert "availability-" not in left
    assert "warehouse.duckdb" in left
