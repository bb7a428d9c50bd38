"""Commands that keep an installation in good order."""

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from etl import clock, options
from etl.cli.leaving import readers_may_leave
from etl.cli.recorded import recorded_warehouse
from etl.errors import AvailabilityError
from etl.keys import UM_KLINES_1M
from etl.upkeep import backup as backing_up
from etl.upkeep import compact as compacting
from etl.upkeep import doctor as examining

_OF_THE_UNITS = ("AVAILABILITY_NOTIFY",)  # read by systemd/notify.sh
_FAMILIES = ("AVAILABILITY_VAULT_",)  # every key of the vault's configuration is one


@click.command()
@click.argument("target", required=False, type=options.Place(path_type=Path), callback=options.as_text)
@options.warehouse
def backup(target: Path | None, warehouse_path: Path) -> None:
    """Copy the warehouse to TARGET, a new file or a folder, or beside itself; proved equal, never over anything.

    While another command writes, the copy is of what was there before that began.

    \b
    Example:  availability backup /mnt/backups
    """
    made = backing_up.back_up(warehouse_path, target, at=clock.now())
    with readers_may_leave():
        click.echo(f"{made.path}: {made.size_bytes:,} bytes, {made.rows:,} rows, proved equal.")


@click.command()
@click.argument("backup_path", metavar="BACKUP", type=options.Place(dir_okay=False, path_type=Path))
@options.warehouse
def restore(backup_path: Path, warehouse_path: Path) -> None:
    """Put BACKUP in the place of the warehouse, once it is proved whole; what was there stays beside.

    \b
    Example:  availability restore warehouse-20240120T120000Z.backup.duckdb
    """
    made = backing_up.restore(backup_path, warehouse_path, at=clock.now())
    kept = f" What was there is {made.replaced}." if made.replaced else ""
    with readers_may_leave():
        click.echo(f"{made.path}: {made.rows:,} rows of {backup_path}, proved equal.{kept}")


@click.command()
@options.warehouse
@options.today
def compact(warehouse_path: Path, today: dt.date) -> None:
    """Make the warehouse smaller: fold listings on which nothing rests any more, then write the file anew, packed.

    Nothing that is said of any symbol or day changes: all of it is worked out before and after, and compared.

    \b
    Example:  availability compact
    """
    with recorded_warehouse(warehouse_path) as (con, _):
        folded = compacting.fold(con, UM_KLINES_1M, today)
    made = compacting.compact(warehouse_path)
    with readers_may_leave():
        click.echo(f"{folded:,} listings folded.")
        if made.swapped:
            click.echo(f"{warehouse_path}: {made.before:,} bytes before, {made.after:,} after.")
        else:
            click.echo(f"{warehouse_path}: {made.before:,} bytes; nothing to be gained, packed it has {made.after:,}.")


@click.command()
@options.warehouse
@options.site_dir
@options.listing_url
@options.files_url
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def doctor(
    ctx: click.Context, *, warehouse_path: Path, site_dir: Path, listing_url: str, files_url: str, as_json: bool
) -> None:
    """Look whether everything is in place: versions, files, room, permissions, the archive, the clock, settings.

    Exit code 1 where there is a problem; a warning is only told. Writes nothing, and asks the archive twice.

    \b
    Example:  availability doctor
    """
    place = examining.Place(warehouse_path, site_dir, listing_url, files_url)
    known = {*_settings(ctx.find_root().command, ctx.find_root()), *_OF_THE_UNITS}
    lines = list(examining.examine(place, settings=os.environ, known=known, families=_FAMILIES))
    problems = [line.check for line in lines if line.verdict == examining.PROBLEM]
    with readers_may_leave():
        if as_json:
            told = {"ok": not problems, "checks": [line._asdict() for line in lines]}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            for line in lines:
                remedy = f" -> {line.remedy}" if line.remedy else ""
                click.echo(f"{line.verdict:<8} {line.check:<12} {line.said}{remedy}")
    if problems:
        raise AvailabilityError(f"Problems found: {', '.join(problems)}.")


def _settings(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """Yield the environment variables of a command's options, and of the commands in it."""
    for parameter in command.params:
        if parameter.envvar:
            yield from [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            # those of the vault are a family, and its packages may not be installed
            inner = command.get_command(ctx, name) if name != "vault" else None
            if inner:
                yield from _settings(inner, ctx)
