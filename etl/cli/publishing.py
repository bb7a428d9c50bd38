"""Commands that publish what the warehouse holds."""

import datetime as dt
from pathlib import Path

import click

from etl import options, warehouse
from etl.cli.leaving import readers_may_leave
from etl.errors import AvailabilityError
from etl.export import export_site, is_published
from etl.publish.gates import insist_on_version
from etl.serve import serve_site


@click.command()
@click.argument("path", required=False, type=options.Place(dir_okay=False, path_type=Path))
@options.warehouse
@options.site_dir
@options.today
def export(path: Path | None, warehouse_path: Path, site_dir: Path, today: dt.date) -> None:
    """Write the published SQLite file, PATH or SITE_DIR/availability.db: built beside, then swapped in.

    \b
    Example:  availability export
    """
    target = path or site_dir / "availability.db"
    with warehouse.open_warehouse(warehouse_path, read_only=True) as con:
        build = export_site(con, target, today=today)
    with readers_may_leave():
        click.echo(f"{target}: build {build.build_id}, {build.day_files:,} day files of {build.symbols:,} symbols.")


@click.command()
@options.site_dir
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0 = any free port.")
@click.option(
    "--allow-sql",
    is_flag=True,
    envvar="AVAILABILITY_ALLOW_SQL",
    show_envvar=True,
    help="Answer any SQL, for a site of your own: a stranger's query could keep it busy for nothing.",
)
@click.option(
    "--public-url",
    envvar="AVAILABILITY_PUBLIC_URL",
    show_envvar=True,
    help="The address at which readers reach the site, as https://data.example.org: absolute links begin with it. "
    "Without it they begin with what each request names as its Host.",
)
def serve(site_dir: Path, host: str, port: int, *, allow_sql: bool, public_url: str | None) -> None:
    """Serve the published file with Datasette and exactly the settings it needs.

    A new file under the same name is noticed and served from then on, without a restart.

    \b
    Example:  availability serve --port 8001
    """
    database = site_dir / "availability.db"
    if database.exists() and not is_published(database):
        raise AvailabilityError(f"{database} is no file published by this program: run `availability export`.")
    if database.exists():
        insist_on_version(database)
    serve_site(database, host=host, port=port, allow_sql=allow_sql, public_url=public_url or "")
