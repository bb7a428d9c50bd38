"""What the faults did, as docs/reliability.md."""

import datetime as dt
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from tests.chaos.flips import READERS, Flipped
from tests.chaos.trial import Seen

_HEAD = """\
# Reliability

Made by `make chaos`, which lets each of these faults strike the nightly run (`availability nightly`) and renews this
page; do not edit it. A short form of it runs with the tests.

Each fault strikes a copy of its own: a warehouse and a published site of yesterday, behind a running server, while the
archive has changed since (a new day, a new symbol, a hole filled, a file uploaded anew). **Survived** means all of it:

- the failure is named once, in a sentence, with the exit code that belongs to it, and never as a traceback;
- no day that the warehouse held is lost;
- a reader, who asks four questions in turn throughout, gets answers of one build each, never a half or a mixed one,
  and never an error (503 only where the table says so);
- the next run ends well, facts and site are those of a run that nothing disturbed, and the reader has the new build.

"""


def page(seen: Sequence[Seen | tuple[str, str]], flipped: Flipped) -> str:
    """Return the page: a row for each fault, kills and signals in one."""
    done = [each for each in seen if isinstance(each, Seen)]
    rows = [
        "| fault | times | survived | exit code | what it said | the reader asked | of it 503 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, group in groupby(done, key=_kind):
        rows.append(_row(name, list(group)))
    lacking = [f"- {name}: {why}" for name, why in (each for each in seen if not isinstance(each, Seen))]
    harms = [f"- {each.name}: {harm.splitlines()[0]}" for each in done for harm in each.harms]
    asked = sum(each.asked for each in done)
    end = f"\n{len(done)} faults, {asked:,} questions of the reader; {dt.datetime.now(dt.UTC):%Y-%m-%d}.\n"
    told = "\n".join(rows) + "\n" + end
    told += f"\n## Not done on this machine\n\n{chr(10).join(lacking)}\n" if lacking else ""
    told += f"\n## Flips under load\n\n{flip_line(flipped)}\n"
    return _HEAD + told + (f"\n## Not survived\n\n{chr(10).join(harms)}\n" if harms else "")


def flip_line(flipped: Flipped) -> str:
    """Return a sentence about what the readers saw while the site was flipped."""
    return (
        f"{flipped.flips} flips under {flipped.servers} servers with {READERS} readers on kept connections:"
        f" {flipped.asked:,} questions, {len(flipped.failed)} failed, {len(flipped.mixed)} mixed,"
        f" {len(flipped.stale)} stale after the flip; p99 {flipped.p99_ms:.0f} ms."
    )


def _kind(each: Seen) -> str:
    return "SIGTERM at moments spread over a run" if each.name.startswith("SIGTERM") else each.name


def _row(name: str, group: Sequence[Seen]) -> str:
    codes = Counter(each.code for each in group)
    told = ", ".join(f"{code} ({times} x)" if len(codes) > 1 else f"{code}" for code, times in sorted(codes.items()))
    said = group[0].said if len(group) == 1 else ""
    well = sum(not each.harms for each in group)
    numbers = f"{sum(each.asked for each in group):,} | {sum(each.unavailable for each in group):,}"
    return f"| {name} | {len(group)} | {well} | {told} | {_short(said)} | {numbers} |"


def _short(said: str, most: int = 160) -> str:
    here = re.sub(rf"{re.escape(tempfile.gettempdir())}/chaos-[^/]+/[^/]+/", "", said).replace(
        socket.gethostname(), "HOST"
    )
    plain = here.replace("|", "/")
    return plain if len(plain) <= most else f"{plain[:most].rsplit(' ', 1)[0]} ..."
