"""The command that tells how the vault stands."""

import datetime as dt
import json
from pathlib import Path

import click

from etl.cli import vault
from etl.cli.leaving import readers_may_leave
from etl.errors import AvailabilityError
from etl.vault.config import read_config
from etl.vault.status import ailments
from etl.vault.status import status as look


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@vault.config
def status(*, as_json: bool, config_path: Path) -> None:
    """Tell whether the vault is well: who is at work, the last frame, messages a second, losses, and what waits.

    Exit code 1 where it is not, and `why` says what: nothing is captured or written, no frame for a minute, a closed
    segment that waits for a quarter of an hour. With the backend s3, the frames are those of a capture on this machine.

    \b
    Example:  availability vault status --json
    """
    now = dt.datetime.now(dt.UTC)
    found = look(read_config(config_path), now)
    why = list(ailments(found, now))
    answer = {"healthy": not why, "why": why, **found._asdict()}
    with readers_may_leave():
        if as_json:
            click.echo(json.dumps(answer, default=_moment, separators=(",", ":")))
        else:
            for name, value in answer.items():
                click.echo(f"{name.replace('_', ' '):<26} {_shown(value)}")
    if why:
        raise AvailabilityError(f"Not healthy. {' '.join(why)}")


def _moment(value: dt.datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _shown(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return _moment(value)
    return (
        f"{value:,}" if isinstance(value, int | float) else " ".join(value) if isinstance(value, list) else str(value)
    )
