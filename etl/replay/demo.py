"""``make demo-vault``: a recorded session is captured, refined and shown in the site beside a small archive.

Everything runs as a user would run it, command by command. What is captured belongs to the day on which it is: so that
this day is over, the demo takes tomorrow for today.
"""

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

FOLDER = Path("build/demo-vault")
RECORDING = Path(__file__).parents[2] / "tests/vault/data/session.jsonl"
SECONDS = 5  # of capture; the recording is played as fast as it can be
FAULTS = ("skip:30:4", "drop:60")  # so that there is a loss and a break to be seen
UNIVERSE = """symbol,first_day,last_day,holes,size_level,dead_from,dead_to,origin
BTCUSDT,2026-01-01,,,42826,,,demo
ETHUSDT,2026-01-01,,2026-03-01..2026-03-03,41086,,,demo
LUNAUSDT,2026-01-01,2026-05-13,,32140,2026-05-13,,demo
"""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0 = any free port.")
@click.option("--serve/--no-serve", default=True, help="Serve the site at the end.")
def demo(*, port: int, serve: bool) -> None:
    """Capture a recorded session, refine and index it, and serve the site with what the vault then holds.

    \b
    Example:  python -m etl.replay.demo --port 0
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    universe, config = FOLDER / "universe.csv", FOLDER / "config.yaml"
    universe.write_text(UNIVERSE, encoding="utf-8")
    config.touch()
    os.environ.update(
        AVAILABILITY_WAREHOUSE=str(FOLDER / "warehouse.duckdb"),
        AVAILABILITY_SITE_DIR=str(FOLDER / "site"),
        AVAILABILITY_VAULT_CONFIG=str(config),
        AVAILABILITY_VAULT_STORAGE_BASE_DIR=str(FOLDER / "vault"),
    )
    began = time.monotonic()
    faults = [word for fault in FAULTS for word in ("--fault", fault)]
    with _server("etl.replay", "--recording", str(RECORDING), "--speed", "max", *faults) as url:
        _say(f"A recorded session of Coinbase is played on {url}.", began)
        _step("vault", "capture", "--url", url, "--seconds", str(SECONDS))
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    os.environ["AVAILABILITY_TODAY"] = tomorrow.isoformat()
    _step("vault", "refine")
    with _server("etl.replica", "--universe", str(universe), "--now", f"{tomorrow}T12:00:00Z") as url:
        os.environ.update(AVAILABILITY_LISTING_URL=f"{url}/data.binance.vision", AVAILABILITY_FILES_URL=url)
        _say(f"A replica of the archive, of three symbols, answers on {url}.", began)
        _step("discover")
        _step("backfill")
    _step("vault", "index")
    _step("export")
    _say(f"The demo is built in {FOLDER}; look at /symbol/BTC-USD", began)
    if serve:
        command = [sys.executable, "-m", "etl", "serve", "--port", str(port)]
        os.execv(sys.executable, command)  # noqa: S606 - our own
    click.echo(f"Serve it with: {sys.executable} -m etl serve --site-dir {FOLDER / 'site'}")


@contextmanager
def _server(module: str, *arguments: str) -> Iterator[str]:
    """Run a stand-in in a process of its own and yield its address, the last word of its first line."""
    command = [sys.executable, "-m", module, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own
        words = server.stdout.readline().split() if server.stdout else []
        if "listening" not in words:
            raise click.ClickException(f"{module} did not start.")
        try:
            yield words[-1]
        finally:
            server.terminate()


def _step(*arguments: str) -> None:
    started = time.monotonic()
    command: Sequence[str] = [sys.executable, "-m", "etl", *arguments]
    done = subprocess.run(command, check=False)  # noqa: S603 - our own
    if done.returncode:
        sys.exit(done.returncode)
    _say(f"availability {' '.join(arguments[:2])}", started)


def _say(what: str, since: float) -> None:
    click.secho(f"{time.monotonic() - since:6.1f} s  {what}", bold=True)


if __name__ == "__main__":
    demo()
