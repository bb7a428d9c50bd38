"""Which builds stay: the last ones, the last one of each month, and the live one."""

import shutil
from pathlib import Path

from etl.publish.downloads import FOLDER
from etl.publish.kept import Kept, kept_builds, live_build

REFUSED = 3  # refused builds that stay to be looked at


def doomed(builds: list[Kept], keep: int, live: str | None) -> list[Kept]:
    """Return the builds to remove, of builds in the order in which they were made."""
    last_of_month = {each.built_at[:7]: each.build_id for each in builds}
    stay = {each.build_id for each in builds[-keep:]} | set(last_of_month.values()) | {live}
    return [each for each in builds if each.build_id not in stay]


def prune(site_dir: Path, keep: int) -> list[str]:
    """Remove the builds that need not stay, with their downloads, and return their names."""
    builds, _ = kept_builds(site_dir)
    live = live_build(site_dir)
    gone = doomed(builds, keep, live.build_id if live else None)
    for each in gone:
        each.file.unlink()
        if (downloads := site_dir / FOLDER / each.build_id).exists():
            shutil.rmtree(downloads)
    return [each.build_id for each in gone]


def prune_refused(site_dir: Path) -> None:
    """Remove all refused builds but the last few."""
    for old in sorted(site_dir.glob("refused-*.db"), key=lambda file: file.stat().st_mtime_ns)[:-REFUSED]:
        old.with_suffix(".json").unlink(missing_ok=True)
        old.unlink()
