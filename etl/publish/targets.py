"""Where else a build goes: a folder here or on another host by rsync, or the downloads into a bucket."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from etl.errors import AvailabilityError, UsageError
from etl.publish.downloads import FOLDER, LATEST, sha256
from etl.publish.kept import LINK, Kept

SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
_TIMEOUT = 3600  # seconds that one program may take
_HOST = re.compile(r"(?P<host>[A-Za-z0-9_][\w.@-]*):(?P<path>/.*)")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/[^/\s]+)*/?")
# What is run at the target, by sh: $1 is its folder.
_PREPARE = 'mkdir -p -- "$1"'
_VERIFY = """set -e
cd -- "$1/downloads/$2"
sha256sum --check --quiet SHA256SUMS
[ "$(sha256sum < "$1/availability-$2.db")" = "$3  -" ] || { echo "availability-$2.db differs" >&2; exit 1; }"""
_POINT = """set -e
cd -- "$1"
if [ -e "$2" ] && [ ! -L "$2" ]; then echo "$1/$2 is no link: move it away first" >&2; exit 1; fi
readlink -- "$2" || :
ln -sfn -- "$3" ".$2.next"
mv -T -- ".$2.next" "$2\""""
_TRIM = """set -e
cd -- "$1"
shift
live=$(readlink availability.db)
for file in availability-[0-9]*T[0-9]*Z-????????.db; do
  id=${file#availability-}
  id=${id%.db}
  case " $* " in *" $id "*) continue ;; esac
  if [ -f "$file" ] && [ "$file" != "$live" ]; then rm -rf -- "$file" "downloads/$id"; fi
done"""


class Target(NamedTuple):
    """One place, as it was given and as it was understood."""

    given: str
    kind: str  # rsync | s3
    host: str  # user@host, "" for a folder of this machine
    path: str


def understood(given: str) -> Target:
    """Read a target; UsageError where it is none."""
    if _BUCKET.fullmatch(given):
        return Target(given, "s3", "", given.rstrip("/"))
    found = _HOST.fullmatch(given)
    if found and "://" not in given:
        return Target(given, "rsync", found["host"], found["path"].rstrip("/") or "/")
    if not given.strip() or "://" in given or given.startswith("-") or ":" in given.split("/", maxsplit=1)[0]:
        raise UsageError(f"{given or 'Nothing'} is no target: write a folder, user@host:/folder or s3://bucket/prefix.")
    return Target(given, "rsync", "", str(Path(given).absolute()))


def check_programs(targets: list[Target]) -> None:
    """Refuse before anything is done what could not be finished for want of a program."""
    for target in targets:
        needed = ("aws",) if target.kind == "s3" else ("rsync", "ssh") if target.host else ("rsync",)
        for program in needed:
            if shutil.which(program) is None:
                raise AvailabilityError(f"{target.given} needs the program {program}, which is not on the PATH.")


def deliver(target: Target, build: Kept) -> None:
    """Bring a build and its downloads to a folder, verified there; nothing leads to them yet."""
    site_dir = build.file.parent.resolve()
    _there(target, _PREPARE, target.path)
    files = [f"{site_dir}/./{build.file.name}", f"{site_dir}/./{FOLDER}/{build.build_id}"]
    place = f"{target.host}:{target.path}/" if target.host else f"{target.path}/"
    shell = ["--rsh", shlex.join(SSH)] if target.host else []
    same = ["--archive", "--hard-links", "--no-owner", "--no-group", "--relative", "--timeout=120"]
    _run(target, ["rsync", *same, *shell, "--", *files, place])
    _there(target, _VERIFY, target.path, build.build_id, sha256(build.file))


def point_there(target: Target, name: str) -> str:
    """Let the link at the target lead to a build file, in one step; return where it led before, "" for nowhere."""
    return _there(target, _POINT, target.path, LINK, name)


def latest_there(target: Target, build_id: str) -> None:
    """Let the target's downloads/latest lead to a build."""
    _there(target, _POINT, f"{target.path}/{FOLDER}", LATEST, build_id)


def trim(target: Target, keep: list[str]) -> None:
    """Remove the target's builds that are not kept here either; never its live one."""
    _there(target, _TRIM, target.path, *keep)


def upload(target: Target, build: Kept) -> None:
    """Bring a build's downloads into a bucket, and then ``latest.json``, which names the build."""
    folder = build.file.parent / FOLDER / build.build_id
    copy = ["--only-show-errors"]
    _run(target, ["aws", "s3", "sync", str(folder), f"{target.path}/{build.build_id}", *copy])
    latest = [str(folder / "build.json"), f"{target.path}/latest.json", "--cache-control", "no-cache"]
    _run(target, ["aws", "s3", "cp", *latest, *copy])


def _there(target: Target, script: str, *arguments: str) -> str:
    """Run a script at the target; over ssh it goes as one word, quoted for the shell there."""
    command = ["sh", "-c", script, "sh", *arguments]
    return _run(target, [*SSH, target.host, shlex.join(command)] if target.host else command)


def _run(target: Target, command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own words, the target's name among them
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise AvailabilityError(f"{target.given}: {command[0]} took more than {_TIMEOUT} s.") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or "it said nothing"
        raise AvailabilityError(f"{target.given}: {command[0]} ended with {done.returncode}: {said}")
    return done.stdout.strip()
