"""Start the replay from the command line: `python -m etl.replay`."""

import asyncio
import errno
import signal
from pathlib import Path

import click
import uvloop

from etl.replay.faults import FORM, Fault, parse_fault
from etl.replay.recording import read_recording
from etl.replay.server import HOST, serving
from etl.replay.session import Play

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Speed(click.ParamType[float]):
    """How many times faster than recorded; ``max`` is 0."""

    name = "speed"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text, or refuse it with a usage error."""
        try:
            speed = 0.0 if value == "max" else float(value)
        except ValueError:
            speed = -1
        if speed < 0 or (speed == 0 and value != "max"):
            self.fail(f"{value!r} is no speed: a number above 0, or max.", param, ctx)
        return speed


def _faults(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[Fault]:
    try:
        return [parse_fault(value) for value in values]
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


async def play_until_told(play: Play, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; OSError when the port is taken."""
    async with serving(play, port) as url:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        click.echo(f"replay listening on {url}")
        await stop.wait()


@click.command(
    epilog="Example: python -m etl.replay --port 9124 --recording session.jsonl.zst --speed max --fault skip:100:5"
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 = any free port.")
@click.option("--recording", type=FILE, required=True, help="A recorded session, .jsonl or .jsonl.zst.")
@click.option("--speed", type=Speed(), default="1", show_default=True, help="Times the original speed, or max.")
@click.option(
    "--repeat",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="How often each connection is played the updates; 0 = for ever. Heartbeats follow, one a second.",
)
@click.option("--fault", "faults", multiple=True, callback=_faults, metavar="FAULT", help=f"{FORM}. Repeatable.")
def main(port: int, recording: Path, speed: float, repeat: int, faults: list[Fault]) -> None:
    """Play a recorded Coinbase session to whoever subscribes, on 127.0.0.1."""
    try:
        play = Play(read_recording(recording), speed, repeat, faults)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    try:
        uvloop.run(play_until_told(play, port))
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else str(error)
        raise click.ClickException(f"cannot listen on {HOST}:{port}: {reason}") from error


if __name__ == "__main__":
    main()
