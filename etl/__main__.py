"""``availability`` and ``python -m etl``."""

import signal

from etl import log
from etl.cli import cli


def main() -> None:
    """Run the command line; SIGTERM ends it as Ctrl-C does, keeping what is complete."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log.configure()
    cli(prog_name="availability")


if __name__ == "__main__":
    main()
