"""Commands about where the vault lies."""

from collections import Counter
from pathlib import Path

import click

from etl.cli import vault
from etl.cli.leaving import readers_may_leave
from etl.cli.signals import stoppable
from etl.errors import AvailabilityError, UsageError
from etl.vault import check_storage as steps
from etl.vault import sync as copying
from etl.vault.config import check_storage_settings, read_config
from etl.vault.storage import open_storage

_BACKENDS = click.Choice(["local", "s3"])
_SHOWN = 5  # files that failed; the others are counted


@click.command()
@vault.config
def check_storage(config_path: Path) -> None:
    """Look whether the storage can do what the vault asks of it, and say how to mend what it cannot.

    Writes, reads, lists and deletes two files of its own, 8 MB in all. Exit code 1 where a step failed; one that is
    only slow is told.

    \b
    Example:  availability vault check-storage
    """
    failed = []
    settings = read_config(config_path)
    with readers_may_leave():
        for step in steps.check_storage(settings.storage):
            click.echo(f"{step.outcome:<8} {step.name:<12} {step.detail}")
            if step.fix:
                click.echo(f"{'':<8} {'':<12} To mend it: {step.fix}")
            if step.outcome == steps.FAILED:
                failed.append(step.name)
    if failed:
        raise AvailabilityError(f"The storage is not ready: {', '.join(failed)} failed.")


@click.command()
@click.argument("source", type=_BACKENDS)
@click.argument("target", type=_BACKENDS)
@click.option("--verify", is_flag=True, help="Read what is there already on both sides too, and compare it.")
@vault.config
def sync(source: str, target: str, *, verify: bool, config_path: Path) -> None:
    """Copy from SOURCE to TARGET, each `local` or `s3`, what is lacking there, and read every copy again.

    Nothing is replaced or deleted: a file that is there with another size is an error. Run it again after a break.
    Segments that capture is still writing (raw/active) are left out.

    \b
    Example:  availability vault sync local s3
    """
    if source == target:
        raise UsageError(f"SOURCE and TARGET are both {source}: nothing to copy.")
    settings = read_config(config_path).storage
    for backend in (source, target):
        check_storage_settings(settings, backend, str(config_path))
    counted: Counter[str] = Counter()
    copied, failed = 0, []
    with stoppable() as stop:
        places = open_storage(settings, source), open_storage(settings, target)
        for outcome in copying.sync(*places, stop, verify=verify):
            counted[outcome.kind] += 1
            copied += outcome.size if outcome.kind == copying.COPIED else 0
            if outcome.kind == copying.FAILED:
                failed.append(outcome.reason)
    with readers_may_leave():
        click.echo(
            f"{places[0].place('')} to {places[1].place('')}: {counted[copying.COPIED]:,} files copied and verified"
            f" ({copied / 1e6:,.1f} MB), {counted[copying.THERE]:,} there already"
            f" ({'verified' if verify else 'by their size'}), {counted[copying.GONE]:,} gone meanwhile,"
            f" {counted[copying.EXTRA]:,} only there."
        )
        for reason in failed[:_SHOWN]:
            click.echo(reason, err=True)
    if failed or counted[copying.STOPPED]:
        lacking = len(failed) + counted[copying.STOPPED]
        raise AvailabilityError(f"{lacking:,} files are not copied: run it again for them.")
