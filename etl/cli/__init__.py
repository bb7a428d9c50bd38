"""The commands. Each opens its files, calls one function, prints one result."""

from importlib import import_module

import click

from etl import options

_COMMANDS = {
    "discover": "collecting",
    "backfill": "collecting",
    "update": "collecting",
    "probe": "collecting",
    "export": "publishing",
    "publish": "publish",
    "diff": "publish",
    "serve": "publishing",
    "check": "judging",
    "status": "judging",
    "query": "asking",
}


class Lazily(options.Sentences):
    """A group that imports a command's module when the command is asked for: half of the time to start."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click declares it
        """Name the commands in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, or None where there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"etl.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.group(cls=Lazily, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="market-data-availability")
def cli() -> None:
    """Tell which market-data files exist, for which symbol, on which day, with what gaps, and what changed.

    \b
    A first site:  availability discover && availability backfill && availability export && availability serve
    """
