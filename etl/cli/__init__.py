"""The commands. Each opens its files, calls one function, prints one result."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

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
    "nightly": "nightly",
    "serve": "publishing",
    "check": "judging",
    "status": "judging",
    "query": "asking",
    "backup": "upkeep",
    "restore": "upkeep",
    "compact": "upkeep",
    "doctor": "upkeep",
    "vault": "vault",
}


class Lazily(options.Sentences):
    """A group that imports a command's module when the command is asked for: half of the time to start."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401 - for click
        """Take the commands with their modules, in the order in which a newcomer meets them."""
        super().__init__(*args, **settings)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click declares it
        """Name the commands."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, or None where there is none of that name."""
        if cmd_name not in self.modules:
            return None
        module = import_module(f"etl.cli.{self.modules[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=Lazily, modules=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="market-data-availability")
def cli() -> None:
    """Tell which market-data files exist, for which symbol, on which day, with what gaps, and what changed.

    \b
    A first site:  availability discover && availability backfill && availability export && availability serve
    """
