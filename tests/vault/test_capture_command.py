"""`availability vault capture` as a process: how it begins, how it is told to stop, how it is killed."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from etl.cli import cli
from etl.replay.recording import read_recording
from etl.replay.server import Replay
from etl.replay.server import running as replaying
from etl.vault.config import Config
from etl.vault.segments import ACTIVE, cut, orphans
from etl.vault.storage import Storage
from tests.vault import played
from tests.vault.played import SESSION

KILLS = int(os.environ.get("KILLS", "10"))  # on each backend
ENOUGH = len(read_recording(SESSION).updates) - 20


class Command(NamedTuple):
    """How the command is started, and where it writes."""

    config: Path
    spool: Path

    def start(self, url: str, *more: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "etl", "vault", "capture", "--config", str(self.config), "--url", url, *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def command(config: Config, tmp_path: Path) -> Command:
    """The command for the backend that ``config`` says."""
    path, bucket = tmp_path / "config.yaml", config.storage.s3
    local = config.storage.backend == "local"
    storage: dict[str, Any] = {"backend": config.storage.backend, "base_dir": str(config.storage.base_dir)}
    if not local:
        keys = {"access_key_id": "key", "secret_access_key": "hush"}
        storage["s3"] = {name: getattr(bucket, name) for name in ("bucket", "prefix", "region", "endpoint_url")} | keys
    capture = {"spool_dir": str(tmp_path / "spool"), "segment_mb": 0.1 if local else 0.4}
    path.write_text(json.dumps({"storage": storage, "capture": capture}), encoding="utf-8")  # JSON is YAML
    return Command(path, config.storage.base_dir / ACTIVE if local else tmp_path / "spool")


@pytest.fixture
def local_command(tmp_path: Path) -> Command:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({"storage": {"base_dir": str(tmp_path / "vault")}}), encoding="utf-8")
    return Command(path, tmp_path / "vault" / ACTIVE)


@contextmanager
def started(command: Command, url: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    with command.start(url, *more) as process:
        try:
            yield process
        finally:
            process.kill()


def test_told_to_stop_it_brings_on_what_it_has_and_says_what_that_is(
    local_command: Command, local_storage: Storage
) -> None:
    with replaying(SESSION) as replay, started(local_command, replay.url) as process:
        played.wait_for(lambda: replay.sent and len(replay.sent[0]) >= ENOUGH)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    kept = played.frames(local_storage)
    segments = len(played.ready(local_storage))
    assert out == f"captured {len(kept):,} frames into {segments} segments; 0 frames lost in 0 jumps, 0 breaks\n"
    assert kept[:ENOUGH] == replay.sent[0][:ENOUGH]


@pytest.mark.long
def test_told_to_stop_twice_it_ends_at_once_and_the_next_one_brings_on_what_was_flushed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, replaying(SESSION) as replay:
        command = silent_store(tmp_path, silent)
        with started(command, replay.url) as process:
            played.wait_for(lambda: _kept(command).get("kept", 0) > 100)
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 15  # told once, it would wait 25
    assert (process.returncode, out) == (1, "")
    assert "Traceback" not in err
    assert (
        sum(played.unpacked((command.spool / name).read_bytes()).count(b"\n") for name in orphans(command.spool)) > 100
    )


@pytest.mark.long
def test_a_refused_subscription_is_wrong_usage(local_command: Command) -> None:
    with replaying(SESSION) as replay, started(local_command, replay.url, "--products", "NO-SUCH, BTC-USD") as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"{replay.url} refuses the subscription: 'NO-SUCH is not a valid product'." in " ".join(err.split())
    assert "Traceback" not in err


@pytest.mark.parametrize("key", ["products", "channels"])
def test_a_configuration_that_asks_for_nothing_is_wrong_usage(local_command: Command, key: str) -> None:
    settings = json.loads(local_command.config.read_text(encoding="utf-8"))
    local_command.config.write_text(json.dumps({**settings, "capture": {key: []}}), encoding="utf-8")
    done = CliRunner().invoke(cli, ["vault", "capture", "--config", str(local_command.config)])
    assert done.exit_code == 2
    assert f"capture.{key} names none" in done.output


@pytest.mark.long
def test_a_token_is_sent_with_the_subscription_and_never_shown(
    local_command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AVAILABILITY_VAULT_CAPTURE_JWT", "wrong")
    with replaying(SESSION) as replay, started(local_command, replay.url) as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "authentication failure" in err
    assert "with a token" in " ".join(err.split())
    assert "wrong" not in err
    for path in (tmp_path / "vault").rglob("segment_*"):
        assert b"wrong" not in played.unpacked(path.read_bytes())


def killed(command: Command, replay: Replay, wait: Callable[[int], object], copy: Path) -> list[bytes]:
    """Kill a capture after a wait and return the lines that were flushed by then and not brought on.

    The wait gets how many connections there were before.
    """
    before = len(replay.sent)
    with started(command, replay.url) as process:
        wait(before)
        process.kill()
        process.communicate()
    shutil.rmtree(copy, ignore_errors=True)
    if not command.spool.exists():
        return []
    shutil.copytree(command.spool, copy)
    found = []
    for name in orphans(copy):
        cut(copy / name)
        if (copy / name).exists():
            found += played.unpacked((copy / name).read_bytes()).splitlines(keepends=True)
    return found


@pytest.mark.long
def test_what_was_flushed_before_a_kill_is_ready_once_after_the_next_start(
    command: Command, storage: Storage, tmp_path: Path
) -> None:
    dice, flushed, acknowledged = random.Random(KILLS), list[bytes](), 0
    with replaying(SESSION, speed=60, repeat=0) as replay:
        for number in range(KILLS + 1):
            before = _kept(command)

            def wait(connections: int, *, number: int = number, pid: object = before.get("pid")) -> None:
                if number % 3:  # else it may not even have begun
                    played.wait_for(lambda: len(replay.sent) > connections)
                if number < KILLS:
                    time.sleep(dice.uniform(0.2, 3))
                else:
                    played.wait_for(lambda: _kept(command).get("pid") != pid and _kept(command)["kept"] > 100)

            flushed += killed(command, replay, wait, tmp_path / "copy")
            after = _kept(command)
            acknowledged += after["kept"] if after.get("pid") != before.get("pid") else 0
        for _ in range(5):
            with started(command, replay.url, "--seconds", "0.5") as process:
                _, err = process.communicate(timeout=60)
            if process.returncode == 0:
                break
        assert process.returncode == 0, err
    assert orphans(command.spool) == []
    lines = played.lines(storage)
    times = Counter(lines)
    assert len(flushed) > 100
    assert {line for line in flushed if times[line] != 1} == set()
    assert len(lines) >= acknowledged > 100
    kept = dict[str, list[bytes]]()
    for line in lines:
        if b',"data":' in line:
            connection, text = json.loads(line)["connection"], line.partition(b',"data":')[2].removesuffix(b"}\n")
            kept.setdefault(connection, []).append(text)
    for texts in kept.values():  # of each connection the frames that it was sent first, in order, each once
        assert any(sent[: len(texts)] == texts for sent in replay.sent)


def _kept(command: Command) -> dict[str, Any]:
    path = command.spool / ".capture.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def silent_store(folder: Path, server: socket.socket) -> Command:
    """The command for a store that takes connections and says nothing."""
    endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
    keys = {"bucket": "b", "region": "r", "endpoint_url": endpoint, "access_key_id": "k", "secret_access_key": "s"}
    settings = {"storage": {"backend": "s3", "s3": keys}, "capture": {"spool_dir": str(folder / "spool")}}
    (folder / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return Command(folder / "config.yaml", folder / "spool")


@pytest.mark.long
def test_a_store_that_never_answers_does_not_hold_up_the_end_for_more_than_30_seconds(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        replaying(SESSION) as replay,
        started(silent_store(tmp_path, silent), replay.url) as process,
    ):
        played.wait_for(lambda: replay.sent and len(replay.sent[0]) >= ENOUGH)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == 1
    assert re.search("[12] segments wait in the spool", err), err  # two where an hour ended
