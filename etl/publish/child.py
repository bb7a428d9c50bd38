"""Datasette in a process that ends with the one that started it, however that one ends."""

import os
import sys
import threading

from datasette.cli import cli


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # a pipe that nobody writes to: it ends when the parent does, by kill -9 too
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cli(sys.argv[1:], prog_name="datasette")
