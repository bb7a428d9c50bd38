"""Start Datasette with exactly the settings the published site needs, so that nobody has to remember them."""

import os
import re
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from etl.errors import AvailabilityError, UsageError

ROOT = Path(__file__).parent.parent
SETTINGS = {
    # Only the canned queries and the table pages: arbitrary SQL could keep the site busy for nothing.
    "default_allow_sql": "off",
    # Datasette cuts every answer here, arrays and CSV without a word. The longest ones have a few thousand rows (a
    # timeline a row a day since 2019, a snapshot one a symbol), and `?_size=max` pages of a streamed CSV are as long.
    "max_returned_rows": "50000",
    # CSV has no limit either: at the default of 100 MB the whole day_files would soon end in an error line.
    "max_csv_mb": "0",
    "allow_csv_stream": "on",
    "allow_download": "on",
    "truncate_cells_html": "0",
    "default_page_size": "100",
    # Guessing facets costs one query a column on every table page; asked-for facets work, within their 200 ms.
    "suggest_facets": "off",
    # The last `?_size=max` page of a million day files takes 1.1 s; whatever takes longer than this is refused.
    "sql_time_limit_ms": "5000",
    "num_sql_threads": "4",
    # One snapshot reads about 1,000 pages = 4 MB: in SQLite's usual 2 MB they never stay, and asking for the same day
    # again takes 2.7 instead of 1.7 ms.
    "cache_size_kb": "8000",
}


def datasette_arguments(database: Path, *, allow_sql: bool = False) -> list[str]:
    """Return the arguments of ``datasette serve`` without address and port."""
    folders = {"templates": ("--template-dir", ""), "plugins": ("--plugins-dir", ""), "static": ("--static", "static:")}
    present = [[option, f"{at}{ROOT / name}"] for name, (option, at) in folders.items() if (ROOT / name).is_dir()]
    chosen = SETTINGS | ({"default_allow_sql": "on"} if allow_sql else {})
    settings = [["--setting", name, value] for name, value in chosen.items()]
    return [
        "--immutable",  # no locks, counts are kept, and the file itself can be downloaded
        str(database),
        "--cors",  # public data, no accounts: scripts on other sites may read it
        "--metadata",
        str(ROOT / "metadata.yml"),
        *(word for words in present + settings for word in words),
    ]


def serve_site(database: Path, *, host: str, port: int, allow_sql: bool = False, public_url: str = "") -> None:
    """Become Datasette serving ``database``; port 0 takes a free one. Raises AvailabilityError and UsageError."""
    if public_url:
        check_public(public_url)
    if not database.exists():
        raise AvailabilityError(f"There is no published file at {database}: run `availability export` first.")
    if not (ROOT / "metadata.yml").exists():
        raise AvailabilityError(f"{ROOT} holds no metadata.yml: serve from a checkout of this project.")
    port = free_port(host, port)
    address = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"Serving {database} on http://{address}:{port} (Ctrl-C stops it)\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "datasette", "serve", *datasette_arguments(database, allow_sql=allow_sql)]
    os.environ["AVAILABILITY_PUBLIC_URL"] = public_url.rstrip("/")  # plugins/webapp/address.py reads it
    os.execv(sys.executable, [*command, "--host", host, "--port", str(port)])  # noqa: S606 - our own arguments


def check_public(url: str) -> None:
    """Raise a UsageError unless this is an address that every link of the site can begin with."""
    parts = urlsplit(url)
    is_host = re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", parts.netloc, re.ASCII)
    if parts.scheme not in ("http", "https") or not is_host or f"{parts.scheme}://{parts.netloc}" != url.rstrip("/"):
        raise UsageError(
            f"The public address {url!r} is none: write scheme and host alone, as https://data.example.org."
        )


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
        if port == 0:
            _reserve(probe)
        return int(probe.getsockname()[1])


def _reserve(probe: socket.socket) -> None:
    """Leave a connection behind that has just ended: for a minute nobody else who asks for any port gets this one."""
    probe.listen()
    with socket.create_connection(probe.getsockname()[:2]), probe.accept()[0]:
        pass  # the accepted side closes first, so it is our port that waits
