"""``availability`` and ``python -m etl``."""

import os
import signal
import sys
import threading
from contextlib import suppress


def main() -> None:
    """Run the command line; SIGTERM ends it as Ctrl-C does, keeping what is complete."""
    code: object = 1
    try:
        from etl import log  # noqa: PLC0415 - Ctrl-C while modules are loaded is no traceback either
        from etl.cli import cli  # noqa: PLC0415

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        log.configure()
        cli(prog_name="availability")
    except KeyboardInterrupt:
        sys.stderr.write("Error: Interrupted before anything was begun.\n")
    except SystemExit as end:
        code = end.code
    _end(code)


def _end(code: object) -> None:
    """End the process, with those of its threads that wait for an answer which nobody wants any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # all is done, and the exit code says how
    if threading.active_count() > 1 and isinstance(code, int):
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)  # type: ignore[arg-type] # as it came


if __name__ == "__main__":
    main()
