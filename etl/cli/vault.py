"""`availability vault`: capture live market data, refine it, and look after where it lies."""

from pathlib import Path

import click

from etl import options
from etl.cli import Lazily
from etl.errors import AvailabilityError

_COMMANDS = {
    "check-storage": "vault_storage",
    "sync": "vault_storage",
    "capture": "vault_capture",
    "refine": "vault_refine",
    "compact": "vault_refine",
    "status": "vault_status",
    "index": "vault_index",
}


class OfVault(Lazily):
    """The group of the vault, whose commands need packages that the site does not."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or say which packages are lacking."""
        try:
            return super().get_command(ctx, cmd_name)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package == "etl":
                raise
            raise AvailabilityError(f"The vault needs {package}: install it by pip install '.[vault]'.") from error


config = click.option(
    "--config",
    "config_path",
    envvar="AVAILABILITY_VAULT_CONFIG",
    show_envvar=True,
    show_default=True,
    type=options.Place(dir_okay=False, path_type=Path),
    default="config.yaml",
    callback=options.as_text,
    help="The configuration; docs/vault-config.yaml shows every key.",
)


@click.group(cls=OfVault, modules=_COMMANDS)
def vault() -> None:
    """Capture live market data into a vault of your own, on disk or in S3, and refine it to Parquet.

    \b
    Example:  availability vault check-storage && availability vault capture
    """
