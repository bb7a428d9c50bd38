"""The policy of docs/vault.md, enforced by moto: it is enough, and nothing in it is too much."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from etl.vault import check_storage as steps
from etl.vault import storage as room
from etl.vault.config import S3, Secret, Storage
from etl.vault.storage import StorageError

pytestmark = pytest.mark.long

DOCS = Path(__file__).parents[2] / "docs" / "vault.md"
NEEDED_BY = {"s3:PutObject": "write", "s3:GetObject": "read", "s3:ListBucket": "list", "s3:DeleteObject": "delete"}
USERS = ("all", *NEEDED_BY)


def policy(without: str) -> str:
    """The policy as it is documented, less one action."""
    found = re.search(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    json.loads(found[1])
    return found[1].replace(f'"{without}"', '"s3:Nothing"')


@pytest.fixture(scope="module")
def vaults() -> Iterator[dict[str, Storage]]:
    """A server that asks what is allowed, and for each user how the vault is reached; one action is taken from each."""
    setting_up = 1 + 3 * len(USERS)  # requests that it lets pass before it begins to ask
    environ = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(setting_up), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ) as server:
        try:
            assert server.stdout
            printed = (re.search(r"Running on (http://127\.0\.0\.1:\d+)", line) for line in server.stdout)
            url = next(found[1] for found in printed if found)
            settings = {"endpoint_url": url, "region_name": "us-east-1"}
            root = boto3.Session("root", "hush")
            root.client("s3", **settings).create_bucket(Bucket="my-vault")
            iam = root.client("iam", **settings)
            yield {user: reached(iam, user, url) for user in USERS}
        finally:
            server.terminate()


def reached(iam: Any, user: str, url: str) -> Storage:
    name = user.replace(":", "-")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="vault", PolicyDocument=policy(without=user))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"access_key_id": key["AccessKeyId"], "secret_access_key": Secret(key["SecretAccessKey"])}
    return Storage("s3", s3=S3("my-vault", "market-data", "us-east-1", url, **keys))


def test_the_policy_is_enough(vaults: dict[str, Storage]) -> None:
    assert {step.outcome for step in steps.check_storage(vaults["all"])} == {steps.OK}
    vault = room.open_storage(vaults["all"])
    room.write(vault, "a", b"hello")
    room.move(vault, "a", "b")
    assert (room.exists(vault, "a"), room.read(vault, "b")) == (False, b"hello")
    vault.client.abort_multipart_upload(**begun(vault))


def begun(vault: Any) -> dict[str, str]:
    where = {"Bucket": vault.bucket, "Key": f"{vault.prefix}upload"}
    return {**where, "UploadId": vault.client.create_multipart_upload(**where)["UploadId"]}


def test_the_policy_ends_at_the_prefix(vaults: dict[str, Storage]) -> None:
    elsewhere = room.open_storage(vaults["all"]._replace(s3=vaults["all"].s3._replace(prefix="other")))
    with pytest.raises(StorageError, match="AccessDenied"):
        room.write(elsewhere, "a", b"x")


@pytest.mark.parametrize("action", NEEDED_BY)
def test_without_any_of_its_actions_the_step_that_needs_it_fails_and_names_it(
    vaults: dict[str, Storage], action: str
) -> None:
    found = {step.name: step for step in steps.check_storage(vaults[action])}
    assert next(name for name, step in found.items() if step.outcome == steps.FAILED) == NEEDED_BY[action]
    assert found[NEEDED_BY[action]].fix.startswith(f"Allow {action} on the bucket my-vault")
