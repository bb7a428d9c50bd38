"""``python -m tests.chaos``: let every fault strike the nightly run, and write what was seen to docs/reliability.md."""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.chaos.archive import ARCHIVE
from tests.chaos.flips import flip_under_load
from tests.chaos.ground import NotHereError, prepared
from tests.chaos.machine import KILL, MACHINE, kills
from tests.chaos.page import flip_line, page
from tests.chaos.trial import Seen, Trial, survive

_FLIPS = 20
_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


@click.command()
@click.option("--kills", "count", default=200, show_default=True, help="Random moments of a run at which it is killed.")
@click.option("--only", default="", help="Only faults whose name holds this; writes no page.")
def main(count: int, only: str) -> None:
    """Let every fault strike; ends with 1 where one was not survived."""
    seen: list[Seen | tuple[str, str]] = []
    for each in _strike([each for each in [*ARCHIVE, *MACHINE] if only in each.name], count if only in KILL else 0):
        seen.append(each)
        click.echo(_line(each))
    if only:
        sys.exit(any(isinstance(each, Seen) and each.harms for each in seen))
    with TemporaryDirectory(prefix="chaos-") as folder, prepared(Path(folder)) as ground:
        flipped = flip_under_load(ground, Path(folder) / "flips", flips=_FLIPS)
    click.echo(flip_line(flipped))
    _PAGE.write_text(page(seen, flipped), encoding="utf-8")
    harmed = any(isinstance(each, Seen) and each.harms for each in seen)
    sys.exit(harmed or bool(flipped.failed or flipped.mixed or flipped.stale))


def _strike(trials: Sequence[Trial], count: int) -> Iterator[Seen | tuple[str, str]]:
    """Yield what was seen of each fault, or its name and why it could not be done here; then of so many kills."""
    with TemporaryDirectory(prefix="chaos-") as folder, prepared(Path(folder)) as ground:
        for number, trial in enumerate(trials):
            try:
                yield survive(ground, trial, Path(folder) / str(number))
            except NotHereError as lack:
                yield trial.name, str(lack)
        for number, trial in enumerate(islice(kills(), count)):
            yield survive(ground, trial, Path(folder) / f"kill-{number}")


def _line(each: Seen | tuple[str, str]) -> str:
    if not isinstance(each, Seen):
        return f"-     {each[0]}: {each[1]}"
    harms = "".join(f"\n      {harm}" for harm in each.harms)
    well = "HARM " if each.harms else "fine "
    return f"{well} {each.name}: exit {each.code}, {each.asked} asked, {each.seconds:.1f} s{harms}"


if __name__ == "__main__":
    main()
