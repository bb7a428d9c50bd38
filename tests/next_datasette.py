"""`make next`: the same tree on Datasette's newest alpha. It says what breaks, and fails only where SQL is open."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3

from etl.serve import ROOT, datasette_arguments, free_port
from tests import published

CLOSED = ("/availability?sql=select+1", "/availability.json?sql=select+1", "/availability/-/query.json?sql=select+1")
OPEN = (
    *("/", "/symbol/BTCUSDT", "/day/2024-01-15", "/coverage", "/status", "/api", "/openapi.json", "/availability"),
    *("/availability/snapshot.json", "/availability/snapshot", "/availability/day_files", "/availability/build.json"),
)


def main(python: str) -> int:
    """Serve a small file by the Datasette of another Python; return 1 where any SQL is answered."""
    with TemporaryDirectory() as folder:
        file, port = published.publish(Path(folder)), free_port("127.0.0.1", 0)
        command = [python, "-m", "datasette", "serve", *datasette_arguments(file), "--port", str(port)]
        command += ["--config", str(ROOT / "metadata.yml")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server, urllib3.PoolManager() as http:
            try:
                return asked(http, f"http://127.0.0.1:{port}")
            finally:
                server.terminate()


def asked(http: urllib3.PoolManager, url: str) -> int:
    """Ask every address, and print what came."""
    for _ in range(100):
        try:
            http.request("GET", f"{url}/-/versions.json", retries=False)
            break
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    for path in OPEN:
        print(http.request("GET", url + path, retries=False).status, path)
    answered = [path for path in CLOSED if http.request("GET", url + path, retries=False).status < 400]
    print(f"SQL IS OPEN: {', '.join(answered)}" if answered else "SQL is refused everywhere")
    return 1 if answered else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
