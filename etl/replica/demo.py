"""``make demo``: the whole pipeline over real HTTP against the replica, then the site.

The pipeline runs as a user would run it, command by command; only the base URLs differ.
"""

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

FOLDER = Path("build/demo")
STEPS = ("discover", "backfill", "export")
_STARTED = "replica listening on "


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0 = any free port.")
@click.option("--serve/--no-serve", default=True, help="Serve the site at the end.")
@click.option("--now", help="The moment the replica shows, ISO 8601 UTC. [default: now]")
def demo(*, port: int, serve: bool, now: str | None) -> None:
    """Build the site of the full universe from a local replica of the archive, and serve it.

    \b
    Example:  python -m etl.replica.demo --port 0
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    moment = _moment(now)
    if serve:
        _check_port(port)
    try:
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
    except OSError as error:
        raise click.ClickException(f"{FOLDER} cannot be made anew: {error.strerror}.") from error
    environment = {
        "AVAILABILITY_WAREHOUSE": str(FOLDER / "warehouse.duckdb"),
        "AVAILABILITY_SITE_DIR": str(FOLDER / "site"),
        "AVAILABILITY_TODAY": f"{moment:%Y-%m-%d}",
    }
    os.environ.update(environment)
    began = time.monotonic()
    with _replica(now) as url:
        os.environ.update(AVAILABILITY_LISTING_URL=f"{url}/data.binance.vision", AVAILABILITY_FILES_URL=url)
        _say(f"A replica of the archive answers on {url}.", began)
        for step in STEPS:
            started = time.monotonic()
            done = subprocess.run([sys.executable, "-m", "etl", step], check=False)  # noqa: S603 - our own
            if done.returncode:
                sys.exit(done.returncode)
            _say(f"availability {step}", started)
    _say(f"The demo is built in {FOLDER}", began)
    if serve:
        click.echo("The replica is stopped; the site needs only its SQLite file.")
        os.execv(sys.executable, [sys.executable, "-m", "etl", "serve", "--port", str(port)])  # noqa: S606 - our own
    click.echo(f"Serve it with: {sys.executable} -m etl serve --site-dir {FOLDER / 'site'}")


def _moment(now: str | None) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(now) if now else dt.datetime.now(dt.UTC)
    except ValueError as error:
        raise click.UsageError(f"--now {now} is no moment: write 2026-10-03T12:00:00Z.") from error


def _check_port(port: int) -> None:
    """Say that a port is taken before half a minute of work, not after it."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} cannot be used: {error.strerror}. `make demo PORT=0` takes any free one."
            ) from error


@contextmanager
def _replica(now: str | None) -> Iterator[str]:
    """Run the replica in a process of its own and yield its address."""
    command = [sys.executable, "-m", "etl.replica", "--port", "0", *(["--now", now] if now else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own
        assert server.stdout is not None
        line = server.stdout.readline().strip()
        if not line.startswith(_STARTED):
            raise click.ClickException("The replica of the archive did not start.")
        try:
            yield line.removeprefix(_STARTED)
        finally:
            server.terminate()


def _say(what: str, since: float) -> None:
    click.secho(f"{time.monotonic() - since:6.1f} s  {what}", bold=True)


if __name__ == "__main__":
    demo()
