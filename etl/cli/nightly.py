"""The command that a timer runs."""

import datetime as dt
from pathlib import Path

import click

from etl import nightly as running
from etl import options
from etl.cli.publish import accept_code, keep_builds, site_url, target
from etl.cli.recorded import given as given_to
from etl.cli.signals import stoppable
from etl.publish.golive import site_of

_RECORDED = ("listing_url", "files_url", "workers", "today")  # runs are published: no targets


@click.command()
@options.warehouse
@options.site_dir
@options.listing_url
@options.files_url
@options.workers
@options.today
@site_url
@target
@keep_builds
@accept_code
@click.option(
    "--vault-config",
    envvar="AVAILABILITY_VAULT_CONFIG",
    show_envvar=True,
    type=options.Place(dir_okay=False, path_type=Path),
    callback=options.as_text,
    help="Index the vault of this configuration too. [default: none]",
)
def nightly(  # noqa: PLR0913 - a parameter for each option
    *,
    warehouse_path: Path,
    site_dir: Path,
    listing_url: str,
    files_url: str,
    workers: int,
    today: dt.date,
    url: str | None,
    given: tuple[str, ...],
    keep: int,
    accept: tuple[str, ...],
    vault_config: Path | None,
) -> None:
    """Do all that a timer is for: discover, update, list everything again once a day, check, publish.

    A step that fails is named and makes the exit code 1; the others are taken as far as they can be, and what is
    complete is published. A vault that is configured is indexed before the check. The first run after 07:00 UTC lists
    everything again. Killed anywhere, the next run heals.

    \b
    Example:  availability nightly --url http://127.0.0.1:8001
    """
    recorded = {name: value for name, value in given_to(click.get_current_context()).items() if name in _RECORDED}
    site = site_of(site_dir, url, given, keep)
    plan = running.Plan(warehouse_path, site, listing_url, files_url, workers, today, accept, recorded, vault_config)
    running.nightly(plan, say=click.echo, stoppable=stoppable)
