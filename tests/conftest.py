"""Every test runs offline, in a folder of its own, with its own archive on loopback."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import settings

from etl import log
from etl.cli import cli
from etl.replica.server import Replica, running
from etl.warehouse import open_warehouse
from tests.archive import NOW, UNIVERSE
from tests.asked import Asked, build
from tests.published import publish
from tests.serving import Site, serving

settings.register_profile("ours", deadline=None)  # a machine that stops for a moment makes nothing wrong
settings.load_profile("ours")


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the operator of this machine has set: no test may touch a real warehouse."""
    for name in [name for name in os.environ if name.startswith("AVAILABILITY_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a test wants to leave this machine: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def archive() -> Iterator[Replica]:
    """A small archive: see tests/archive.py for what lies in it."""
    with running(UNIVERSE, now=NOW) as replica:
        yield replica


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """A larger archive, listed on two days and published: see tests/asked.py."""
    return build(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that holds nothing: tests get copies, for making one takes longer than most of what they do."""
    path = tmp_path_factory.mktemp("blank") / "warehouse.duckdb"
    with open_warehouse(path):
        return path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The small published file of tests/published.py behind a real server, a day after its newest day."""
    with serving(publish(tmp_path_factory.mktemp("site")), AVAILABILITY_TODAY="2030-11-05") as running_site:
        yield running_site


Run = Callable[..., Result]


@pytest.fixture
def run(archive: Replica, blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``availability ARGUMENTS`` against the small archive, in a folder of its own with a blank warehouse."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(blank, "warehouse.duckdb")
    monkeypatch.setenv("AVAILABILITY_LISTING_URL", archive.listing_url)
    monkeypatch.setenv("AVAILABILITY_FILES_URL", archive.files_url)
    monkeypatch.setenv("AVAILABILITY_TODAY", f"{NOW:%Y-%m-%d}")
    monkeypatch.setenv("AVAILABILITY_WORKERS", "4")

    def invoke(*arguments: str, code: int = 0) -> Result:
        log.configure()
        result = CliRunner().invoke(cli, arguments, prog_name="availability")
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    return invoke


@pytest.fixture
def bare(run: Run) -> Run:
    """``run`` in a folder without a warehouse."""
    Path("warehouse.duckdb").unlink()
    return run


@pytest.fixture(scope="session")
def listed_whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of the small archive, listed whole by the real commands, once a session: tests get copies."""
    path = tmp_path_factory.mktemp("filled") / "warehouse.duckdb"
    with running(UNIVERSE, now=NOW) as replica:
        places = ["--warehouse", str(path), "--listing-url", replica.listing_url]
        for step in (["discover", "--files-url", replica.files_url], ["backfill", "--today", f"{NOW:%Y-%m-%d}"]):
            log.configure()
            result = CliRunner().invoke(cli, [*step, *places], prog_name="availability")
            assert result.exit_code == 0, result.output
    return path


@pytest.fixture
def filled(run: Run, listed_whole: Path) -> Run:
    """``run`` in a folder with the small archive listed whole."""
    shutil.copy(listed_whole, "warehouse.duckdb")
    return run
