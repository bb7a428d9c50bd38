"""Start Datasette with exactly the settings the published site needs, so that nobody has to remember them."""

import os
import socket
import sys
from pathlib import Path

from etl.errors import AvailabilityError

ROOT = Path(__file__).parent.parent
SETTINGS = {
    "default_allow_sql": "off",
    "max_returned_rows": "50000",  # above the longest answer: nothing is ever cut silently
    "default_page_size": "100",
    "suggest_facets": "off",
    "sql_time_limit_ms": "3000",
    "num_sql_threads": "4",
    "allow_csv_stream": "on",
    "allow_download": "on",
}


def datasette_arguments(database: Path) -> list[str]:
    """Return the arguments of ``datasette serve`` without address and port."""
    folders = {"--template-dir": "templates", "--plugins-dir": "plugins"}
    present = [[option, str(ROOT / name)] for option, name in folders.items() if (ROOT / name).is_dir()]
    settings = [["--setting", name, value] for name, value in SETTINGS.items()]
    return [
        "--immutable",
        str(database),
        "--metadata",
        str(ROOT / "metadata.yml"),
        *(word for words in present + settings for word in words),
    ]


def serve_site(database: Path, *, host: str, port: int) -> None:
    """Become Datasette serving ``database``; port 0 takes a free one. Raises AvailabilityError."""
    if not database.exists():
        raise AvailabilityError(f"There is no published file at {database}: run `availability export` first.")
    if not (ROOT / "metadata.yml").exists():
        raise AvailabilityError(f"{ROOT} holds no metadata.yml: serve from a checkout of this project.")
    port = free_port(host, port)
    sys.stdout.write(f"Serving {database} on http://{host}:{port} (Ctrl-C stops it)\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "datasette", "serve", *datasette_arguments(database)]
    os.execv(sys.executable, [*command, "--host", host, "--port", str(port)])  # noqa: S606 - our own arguments


def free_port(host: str, port: int) -> int:
    """Return a port that can be listened on: the wanted one, or any for 0; raises AvailabilityError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AvailabilityError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port, or 0 for any free one."
            ) from error
        return int(probe.getsockname()[1])
