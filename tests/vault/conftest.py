"""The vault's storage on both backends: a temporary folder, and a bucket of moto's server on loopback."""

import itertools
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
import urllib3
from click.testing import CliRunner, Result
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

from etl import log
from etl.cli import cli
from etl.vault import retries, segments, writer
from etl.vault.config import S3, Config, Secret, Storage
from etl.vault.s3 import Bucket, open_bucket
from etl.vault.storage import Storage as Opened
from etl.vault.storage import open_storage
from tests.vault.faulty import Faulty, standing_before

_BUCKETS = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def no_aws_of_the_machine() -> Iterator[None]:
    """Forget what this machine knows of AWS, and wait shorter before what failed is tried again."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
        patch.setattr(retries, "WAITS", (0.01, 0.02, 0.04))
        yield


def _one_at_a_time(put: Callable[..., Any]) -> Callable[..., Any]:
    """Let moto look whether a key is there and put it without another one between."""
    lock = Lock()

    def alone(*words: Any, **more: Any) -> Any:
        with lock:
            return put(*words, **more)

    return alone


@pytest.fixture
def no_new_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no hour end in the middle of a test, which would close a segment."""
    for module in (segments, writer):
        monkeypatch.setattr(module, "hour", lambda _: 0)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """An S3 server made by others, one for all tests of a worker."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    S3Response._key_response_put = _one_at_a_time(S3Response._key_response_put)  # noqa: SLF001 - S3 itself is atomic there
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(moto_server: str) -> str:
    """The name of a bucket of its own."""
    name = f"vault-{next(_BUCKETS)}"
    assert urllib3.request("PUT", f"{moto_server}/{name}").status == 200
    return name


@pytest.fixture
def s3_settings(moto_server: str, bucket: str) -> S3:
    """How the bucket is reached."""
    return S3(bucket, "base", "us-east-1", moto_server, access_key_id="key", secret_access_key=Secret("hush"))


@pytest.fixture(scope="session")
def opened_bucket(moto_server: str) -> Bucket:
    """One client for all buckets: making one takes longer than most tests."""
    settings = S3("any", "base", "us-east-1", moto_server, access_key_id="key", secret_access_key=Secret("hush"))
    return open_bucket(settings)


@pytest.fixture
def s3_storage(opened_bucket: Bucket, bucket: str) -> Opened:
    """An empty vault in a bucket."""
    return opened_bucket._replace(bucket=bucket)


@pytest.fixture
def local_storage(tmp_path: Path) -> Opened:
    """An empty vault in a folder."""
    return open_storage(Storage("local", tmp_path / "vault"))


@pytest.fixture(params=["local", "s3"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """A configuration of either backend, with nothing in it yet."""
    if request.param == "local":
        return Config(Storage("local", tmp_path / "vault"))
    return Config(Storage("s3", tmp_path / "vault", request.getfixturevalue("s3_settings")))


@pytest.fixture
def storage(request: pytest.FixtureRequest, config: Config) -> Opened:
    """An empty vault of either backend, the one that ``config`` says."""
    opened: Opened = request.getfixturevalue(f"{config.storage.backend}_storage")
    return opened


@pytest.fixture(scope="session")
def faulty(moto_server: str) -> Iterator[Faulty]:
    """A server before moto's, which fails as told."""
    with standing_before(moto_server) as server:
        yield server


def revealed(value: object) -> object:
    """Return what a file would hold."""
    return value.reveal() if isinstance(value, Secret) else value


Vault = Callable[..., Result]


@pytest.fixture
def vault_command(tmp_path: Path) -> Vault:
    """Run ``availability vault ARGUMENTS`` with a configuration, and insist on the exit code."""

    def invoke(storage: Storage, *arguments: str, code: int = 0) -> Result:
        file = tmp_path / "config.yaml"
        keys = {name: revealed(value) for name, value in storage.s3._asdict().items()}
        written = {"backend": storage.backend, "base_dir": str(storage.base_dir), "s3": keys}
        file.write_text(json.dumps({"storage": written}), encoding="utf-8")
        log.configure()
        result = CliRunner().invoke(cli, ["vault", *arguments, "--config", str(file)], prog_name="availability")
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        assert keys["secret_access_key"] == "" or keys["secret_access_key"] not in result.output
        return result

    return invoke
