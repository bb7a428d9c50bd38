"""An archive in which every question has something to answer, listed on two days and published."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner, Result

from etl import log
from etl.cli import cli
from etl.replica.server import running
from tests.archive import NOW, UNIVERSE, symbol

TODAY = NOW.date() + dt.timedelta(days=1)
NEVER_LISTED = ["NEW1USDT", "NEW2USDT"]
MORE = (
    symbol("BLZUSDT", "2023-11-01", dead_from=dt.date(2023, 12, 20)),  # flat ever since
    symbol(
        "HOLEUSDT",
        "2024-01-15",
        holes=((dt.date(2024, 1, 16), dt.date(2024, 1, 16)), (dt.date(2024, 1, 18), dt.date(2024, 1, 18))),
    ),
    symbol("WAVESUSDC", "2023-12-01", "2024-01-05"),
)


class Asked(NamedTuple):
    """The published file and the warehouse that it was made of, with the same answers."""

    site_dir: Path
    warehouse: Path


def query(asked: Asked, *arguments: str, code: int = 0, warehouse: bool = False) -> Result:
    """Run ``availability query ARGUMENTS`` on the published file, or on the warehouse."""
    source = ["--warehouse", str(asked.warehouse)] if warehouse else ["--site-dir", str(asked.site_dir)]
    return command("query", *arguments, *source, code=code)


def command(*arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Result:
    """Run ``availability ARGUMENTS``."""
    log.configure()
    result = CliRunner(env=env).invoke(cli, arguments, prog_name="availability")
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def build(folder: Path) -> Asked:
    """Make everything of tests/archive.py and MORE; two symbols are discovered last and never listed."""
    files = Asked(folder / "site", folder / "warehouse.duckdb")
    with running((*UNIVERSE, *MORE), now=NOW) as archive:
        env = {
            "AVAILABILITY_LISTING_URL": archive.listing_url,
            "AVAILABILITY_FILES_URL": archive.files_url,
            "AVAILABILITY_WAREHOUSE": str(files.warehouse),
            "AVAILABILITY_SITE_DIR": str(files.site_dir),
            "AVAILABILITY_WORKERS": "4",
        }
        command("discover", env=env)
        command("backfill", "--today", str(NOW.date()), env=env)
        archive.set_now(f"{TODAY}T12:00:00Z")
        archive.edit("reupload", symbol="BTCUSDT", day="2024-01-15", size=50_000)
        archive.edit("remove", symbol="SOLUSDT", day="2024-01-16")
        command("update", "--today", str(TODAY), env=env)
        for name in reversed(NEVER_LISTED):
            archive.edit("add_symbol", symbol=name, first_day="2024-01-18")
        command("discover", env=env)
        command("export", "--today", str(TODAY), env=env)
    return files
