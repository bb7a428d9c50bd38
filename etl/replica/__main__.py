"""Start the replica from the command line: `python -m etl.replica`."""

import asyncio
import errno
import gc
import signal
from datetime import datetime
from pathlib import Path

import click

from etl.replica.bucket import Bucket
from etl.replica.control import Settings, State
from etl.replica.faults import FaultScript, read_faults
from etl.replica.server import HOST, start
from etl.replica.universe import STRAYS_CSV, UNIVERSE_CSV, parse_instant, read_strays, read_universe

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant with its zone."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the text, or refuse it with a usage error."""
        try:
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


async def serve(state: State, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; OSError when the port is taken."""
    listener = await start(state, port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # What was built so far lives as long as the server: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    click.echo(f"replica listening on http://{HOST}:{listener.port}")
    await stop.wait()
    listener.close()


@click.command(
    epilog="Example: python -m etl.replica --port 9123 --now 2026-10-03T12:00:00Z, then open "
    "http://127.0.0.1:9123/data.binance.vision?prefix=data/futures/um/daily/klines/&delimiter=/",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 = any free port.")
@click.option("--universe", type=FILE, help="CSV of symbols instead of the built-in one; no single odd keys then.")
@click.option("--now", type=Instant(), help="Fixed instant, such as 2026-10-03T12:00:00Z; else the clock runs.")
@click.option("--latency-ms", type=click.FloatRange(min=0), default=0, show_default=True, help="Delay of every answer.")
@click.option("--faults", type=FILE, help='JSON list of fault rules, such as [{"kind": "status", "count": 1}].')
def main(port: int, universe: Path | None, now: datetime | None, latency_ms: float, faults: Path | None) -> None:
    """Serve a replica of the archive of USDT-margined 1-minute daily klines on 127.0.0.1."""
    try:
        rows = read_universe(universe or UNIVERSE_CSV)
        strays = read_strays(STRAYS_CSV) if universe is None else []
        script = FaultScript(read_faults(faults) if faults else [])
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    state = State(Bucket(rows, strays, now), Settings(latency_ms / 1000, script))
    try:
        asyncio.run(serve(state, port))
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else str(error)
        raise click.ClickException(f"cannot listen on {HOST}:{port}: {reason}") from error


if __name__ == "__main__":
    main()
