"""The configuration: what is wrong is named by key and value, and a secret is never shown."""

import json
from pathlib import Path

import pytest
import yaml

from etl import log
from etl.errors import UsageError
from etl.vault.config import S3, Config, Secret, Storage, check_storage_settings, read_config

EXAMPLE = Path(__file__).parents[2] / "docs" / "vault-config.yaml"
HUSH = "hush-hush-0123"


def of(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return read_config(file, environ)


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(UsageError) as refused:
        of(tmp_path, text, **environ)
    said = str(refused.value)
    assert HUSH not in said
    return said.replace(str(tmp_path / "config.yaml"), "FILE")


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert of(tmp_path, "") == Config()


def test_a_file_says_where_the_vault_lies(tmp_path: Path) -> None:
    text = f"""
storage:
  backend: s3
  base_dir: /srv/vault
  s3: {{bucket: b, region: eu-central-1, prefix: p/q, access_key_id: k, secret_access_key: {HUSH}}}
"""
    found = of(tmp_path, text).storage
    wanted = S3("b", "p/q", "eu-central-1", access_key_id="k", secret_access_key=Secret(HUSH))
    assert found == Storage("s3", Path("/srv/vault"), wanted)


def test_the_environment_wins_unless_it_is_empty(tmp_path: Path) -> None:
    text = "storage: {backend: s3, s3: {bucket: b, region: r}}"
    environ = {"AVAILABILITY_VAULT_STORAGE_S3_BUCKET": "other", "AVAILABILITY_VAULT_STORAGE_S3_REGION": ""}
    found = of(tmp_path, text, **environ).storage.s3
    assert (found.bucket, found.region) == ("other", "r")
    environ = {"AVAILABILITY_VAULT_STORAGE_S3_ANONYMOUS": "yes", "AVAILABILITY_VAULT_CONFIG": "elsewhere"}
    assert of(tmp_path, text, **environ).storage.s3.anonymous


def test_a_home_folder_is_one(tmp_path: Path) -> None:
    assert of(tmp_path, "storage: {base_dir: ~/vault}").storage.base_dir == Path.home() / "vault"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("storage: {backend: ftp}", "FILE: storage.backend is 'ftp', must be local or s3."),
        ("storage: {bakend: s3}", "FILE: storage.bakend is no setting of the vault. Did you mean backend?"),
        ("stor: 1", "FILE: stor is no setting of the vault. Did you mean storage?"),
        ("- a", "FILE: the file must hold keys and values."),
        (f"storage: {HUSH}", "FILE: storage must hold keys and values."),
        ("storage: {base_dir: 7}", "FILE: storage.base_dir is 7, which must be text: put it between quotes."),
        ("storage: {base_dir: ''}", "FILE: storage.base_dir is '', must name a folder."),
        ("storage: {base_dir: ~no-one/x}", "FILE: storage.base_dir is '~no-one/x', and there is no such home."),
        ("capture: {segment_mb: 1e999}", "FILE: capture.segment_mb is '1e999', must be a number above 0."),
        ("storage: {s3: {anonymous: maybe}}", "FILE: storage.s3.anonymous is 'maybe', must be true or false."),
        ("storage: {s3: {session_token: [1]}}", "FILE: storage.s3.session_token must be text: put it between quotes."),
        (f"a: b\nsecret: *{HUSH}", "FILE, line 2, is no YAML."),
        (f"a: b\nsecret: '{HUSH}", "FILE, line 2, is no YAML."),
        ("storage: {backend: s3}", "FILE: storage.s3.bucket is missing, and the backend s3 needs it."),
        ("storage: {backend: s3, s3: {bucket: b}}", "FILE: storage.s3.region is missing, and the backend s3 needs it."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"bucket": "b/c"}, "must be a bare name"),
        ({"prefix": "/p"}, "must be a bare name"),
        ({"endpoint_url": "minio:9000"}, "storage.s3.endpoint_url 'minio:9000' must begin with http:// or https://."),
        ({"endpoint_url": f"https://user:{HUSH}@host"}, "must hold no user and no password"),
        ({"access_key_id": "k"}, "go together"),
        ({"secret_access_key": HUSH}, "go together"),
        ({"session_token": HUSH}, "storage.s3.session_token belongs to an access_key_id"),
        ({"anonymous": True, "profile": "p"}, "storage.s3.anonymous and storage.s3.profile exclude each other"),
    ],
)
def test_settings_that_do_not_go_together_are_named(tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    s3 = {"bucket": "b", "region": "r"} | wrong
    assert said in refusal(tmp_path, json.dumps({"storage": {"backend": "s3", "s3": s3}}))


def test_a_variable_that_sets_nothing_is_named(tmp_path: Path) -> None:
    said = refusal(tmp_path, "", AVAILABILITY_VAULT_STORAGE_BUCKET=HUSH)
    assert said.startswith("AVAILABILITY_VAULT_STORAGE_BUCKET is no setting of the vault. Did you mean ")
    said = refusal(tmp_path, "", AVAILABILITY_VAULT_STORAGE_BACKEND="ftp")
    assert said == "AVAILABILITY_VAULT_STORAGE_BACKEND is 'ftp', must be local or s3."


def test_a_file_that_is_not_there_is_named_with_the_example(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config.yaml is not there: copy docs/vault-config.yaml"):
        read_config(tmp_path / "config.yaml", {})


def test_a_secret_is_never_shown_and_one_in_a_file_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure()
    keys = f"{{bucket: b, region: r, access_key_id: k, secret_access_key: {HUSH}}}"
    found = of(tmp_path, f"storage: {{backend: s3, s3: {keys}}}")
    said = capsys.readouterr().err
    assert "a secret lies in a file" in said
    assert "storage.s3.secret_access_key" in said
    assert HUSH not in said + repr(found) + str(found) + f"{found.storage.s3.secret_access_key}"
    assert found.storage.s3.secret_access_key.reveal() == HUSH
    of(tmp_path, "", AVAILABILITY_VAULT_STORAGE_S3_SESSION_TOKEN=HUSH)
    assert capsys.readouterr().err == ""


def test_the_example_is_whole_and_says_the_defaults() -> None:
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    found = read_config(EXAMPLE, {})
    assert list(example) == list(Config._fields)
    for name, section in found._asdict().items():
        assert list(example[name]) == list(section._fields)
    assert list(example["storage"]["s3"]) == list(S3._fields)
    check_storage_settings(found.storage, "s3", "the example")
    assert found._replace(storage=found.storage._replace(s3=S3())) == Config()
