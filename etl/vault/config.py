"""config.yaml -> Config; every value can be given by the environment as well, which wins.

The key storage.s3.bucket is AVAILABILITY_VAULT_STORAGE_S3_BUCKET there. docs/vault-config.yaml shows every key.
"""

import difflib
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import yaml

from etl.errors import UsageError

PREFIX = "AVAILABILITY_VAULT_"
NOT_OURS = frozenset({f"{PREFIX}CONFIG"})  # where the file is, said to the command line
_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_log = logging.getLogger(__name__)
Section = TypeVar("Section")


class Secret:
    """A word that no log line, message or print ever shows."""

    def __init__(self, word: str) -> None:
        """Keep the word."""
        self._word = word

    def reveal(self) -> str:
        """Return the word, to be handed on at once."""
        return self._word

    def __repr__(self) -> str:
        """Show that there is one."""
        return "<secret>" if self._word else "<none>"

    def __eq__(self, other: object) -> bool:
        """Compare the words."""
        return isinstance(other, Secret) and other._word == self._word

    def __hash__(self) -> int:
        """Hash the word."""
        return hash(self._word)


class S3(NamedTuple):
    """Where the bucket is and who asks; keys left empty are looked for in the environment and in the AWS profile."""

    bucket: str = ""
    prefix: str = ""  # the folder in the bucket below which everything lies, without "/" at its ends
    region: str = ""
    endpoint_url: str = ""  # "" = AWS itself
    profile: str = ""  # of ~/.aws/config; "" = the default one
    anonymous: bool = False  # unsigned requests, for a bucket that everybody may read
    access_key_id: str = ""
    secret_access_key: Secret = Secret("")
    session_token: Secret = Secret("")


class Storage(NamedTuple):
    """Which backend holds the vault; both may be configured, so that `vault sync` can copy between them."""

    backend: Literal["local", "s3"] = "local"
    base_dir: Path = Path("vault")
    s3: S3 = S3()


class Capture(NamedTuple):
    """What is captured, from where, and where it is written first."""

    url: str = "wss://advanced-trade-ws.coinbase.com"
    products: tuple[str, ...] = ("BTC-USD", "ETH-USD")
    channels: tuple[str, ...] = ("ticker", "level2", "market_trades")
    jwt: Secret = Secret("")  # "" = none; the public channels need none
    segment_mb: float = 100  # of lines, before compression; then, or at the hour, a new segment begins
    spool_dir: Path = Path("spool")  # for the backend s3: segments that the bucket does not have yet
    spool_limit_mb: float = 1000  # of such segments; then receiving waits


class Refine(NamedTuple):
    """How segments become Parquet."""

    workers: int = 2  # segments refined side by side, each on a core
    by_hour: bool = False  # a folder hour=HH below each day's
    keep_segments: bool = False  # move a refined segment to raw/archive/, instead of deleting it


class Config(NamedTuple):
    """The whole configuration."""

    storage: Storage = Storage()
    capture: Capture = Capture()
    refine: Refine = Refine()


def read_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Return the checked configuration of a YAML file and the environment, or raise UsageError naming key and value."""
    settings = _section(Config, _load(path), "", environ, str(path))
    known = {_variable(key) for key in _keys(Config, "")} | NOT_OURS
    for name in environ:
        if name.startswith(PREFIX) and name not in known:
            raise UsageError(f"{name} is no setting of the vault.{_near(name, known)}")
    check_storage_settings(settings.storage, settings.storage.backend, str(path))
    return settings


def check_storage_settings(storage: Storage, backend: str, path: str) -> None:
    """Refuse settings that a backend cannot be opened with."""
    if backend == "local":
        return
    s3 = storage.s3
    for key in ("bucket", "region"):
        if not getattr(s3, key):
            raise UsageError(f"{path}: storage.s3.{key} is missing, and the backend s3 needs it.")
    if "/" in s3.bucket or "//" in s3.prefix or s3.prefix != s3.prefix.strip("/"):
        raise UsageError(
            f"{path}: storage.s3.bucket {s3.bucket!r} and storage.s3.prefix {s3.prefix!r} must be a bare name and a"
            ' folder without "/" at its ends.'
        )
    if s3.endpoint_url and not s3.endpoint_url.startswith(("http://", "https://")):
        raise UsageError(f"{path}: storage.s3.endpoint_url {s3.endpoint_url!r} must begin with http:// or https://.")
    if "@" in s3.endpoint_url:
        raise UsageError(f"{path}: storage.s3.endpoint_url must hold no user and no password: give keys instead.")
    if bool(s3.access_key_id) != bool(s3.secret_access_key.reveal()):
        raise UsageError(f"{path}: storage.s3.access_key_id and secret_access_key go together: give both or neither.")
    if s3.session_token.reveal() and not s3.access_key_id:
        raise UsageError(f"{path}: storage.s3.session_token belongs to an access_key_id, which is missing.")
    named = [name for name in ("anonymous", "profile", "access_key_id") if getattr(s3, name)]
    if len(named) > 1:
        raise UsageError(f"{path}: storage.s3.{' and storage.s3.'.join(named)} exclude each other: give one of them.")


def _load(path: Path) -> Any:  # noqa: ANN401 - what YAML gives
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"{path} is not there: copy docs/vault-config.yaml to it, or name another by --config."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text.") from error
    except yaml.YAMLError as error:  # its own text shows the line, which may hold a secret
        mark = getattr(error, "problem_mark", None)
        raise UsageError(f"{path}{f', line {mark.line + 1},' if mark else ''} is no YAML.") from error


def _section(kind: type[Section], raw: object, where: str, environ: Mapping[str, str], path: str) -> Section:
    """Fill a NamedTuple from a mapping and the environment."""
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise UsageError(f"{path}: {where or 'the file'} must hold keys and values.")
    hints = get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise UsageError(f"{path}: {_join(where, key)} is no setting of the vault.{_near(str(key), hints)}")
    found = {}
    for key, hint in hints.items():
        here = _join(where, key)
        if hasattr(hint, "_fields"):
            found[key] = _section(hint, raw.get(key), here, environ, path)
        elif (given := environ.get(_variable(here), "")) != "":
            found[key] = _value(hint, given, _variable(here))
        elif raw.get(key) is not None:
            found[key] = _value(hint, raw[key], f"{path}: {here}")
            if hint is Secret and raw[key] != "":
                _log.warning(
                    "a secret lies in a file: the environment or a profile keeps it better", extra={"key": here}
                )
    return kind(**found)


def _value(hint: Any, given: object, named: str) -> Any:  # noqa: ANN401 - a type and what is of it
    """Return a value of the type that a key has; text counts as well, as the environment has nothing else."""
    if get_origin(hint) is Literal:
        if given in get_args(hint):
            return given
        raise UsageError(f"{named} is {given!r}, must be {' or '.join(get_args(hint))}.")
    if get_origin(hint) is tuple:
        return _words(given, named)
    if hint is bool:
        word = str(given).lower()
        if word in _YES | _NO:
            return word in _YES
        raise UsageError(f"{named} is {given!r}, must be true or false.")
    if hint in {int, float}:
        return _number(hint, given, named)
    if not isinstance(given, str):  # 0123 is a number to YAML, and no longer what was written
        shown = "" if hint is Secret else f" is {given!r}, which"
        raise UsageError(f"{named}{shown} must be text: put it between quotes.")
    return _folder(given, named) if hint is Path else hint(given)


def _folder(given: str, named: str) -> Path:
    try:
        folder = Path(given).expanduser()
    except RuntimeError as error:  # of a user that nobody knows
        raise UsageError(f"{named} is {given!r}, and there is no such home.") from error
    if not given or "\0" in given:
        raise UsageError(f"{named} is {given!r}, must name a folder.")
    return folder


def _words(given: object, named: str) -> tuple[str, ...]:
    words = given.split(",") if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
        raise UsageError(f"{named} is {given!r}, must be a list of words.")
    return tuple(word.strip() for word in words)


def _number(kind: type, given: object, named: str) -> int | float:
    try:
        number: int | float = kind(str(given))
    except ValueError:
        number = 0
    if not 0 < number < math.inf or isinstance(given, bool):
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{named} is {given!r}, must be {what} above 0.")
    return number


def _keys(kind: Any, where: str) -> list[str]:  # noqa: ANN401 - a NamedTuple's class
    found = []
    for key, hint in get_type_hints(kind).items():
        here = _join(where, key)
        found += _keys(hint, here) if hasattr(hint, "_fields") else [here]
    return found


def _variable(key: str) -> str:
    return PREFIX + key.upper().replace(".", "_")


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _near(word: str, known: object) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)  # type: ignore[call-overload]
    return f" Did you mean {near[0]}?" if near else ""
