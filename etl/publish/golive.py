"""The moment of a flip: here and at the targets, proved at the live address, or taken back everywhere."""

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import urllib3

from etl.disk import write_whole
from etl.errors import AvailabilityError
from etl.publish import targets
from etl.publish.asking import checked_url, smoke, until_it_reports
from etl.publish.downloads import point_to_latest
from etl.publish.history import remember
from etl.publish.keep import prune
from etl.publish.kept import LINK, Kept, build_file, kept_builds, live_build, opened, point, take_over
from etl.publish.rehearsal import example_symbol
from etl.publish.targets import Target

UNPROVED = ".unproved.json"  # there from the flip to its proof: a run that died in between is finished by the next
WAITS = 30.0  # seconds that the live address has to report a new build; a site that could not serve the old one starts
Say = Callable[[str], None]


class Site(NamedTuple):
    """The folder, and who else has to do with it."""

    folder: Path
    url: str | None  # where the site answers
    targets: list[Target]
    keep: int


def site_of(folder: Path, url: str | None, given: Iterable[str], keep: int) -> Site:
    """Read where a build goes; UsageError where an address or a target is none. The site's own folder is no target."""
    found = [targets.understood(each) for each in given]
    others = [each for each in found if each.host or Path(each.path).resolve() != folder.resolve()]
    return Site(folder, checked_url(url) if url else None, others, keep)


class Flipped(NamedTuple):
    """What a flip changed, so that it can be taken back."""

    before: str | None  # name of the file that was live here
    here: bool  # whether the link moved at all
    there: dict[Target, str]  # where each target's link led before, "" for nowhere
    failed: list[str]  # a sentence for each target that could not be reached


def flip_everywhere(site: Site, new: Kept, say: Say) -> Flipped:
    """Let the site, here and at every target, lead to a build whose files are in place."""
    name = _proved_before(site.folder)
    take_over(site.folder)
    here = name != new.file.name or not (site.folder / LINK).is_symlink()
    if here:
        if site.url:
            write_whole(site.folder / UNPROVED, json.dumps({"build_id": new.build_id, "before": name}))
        point(site.folder / LINK, new.file.name)
        say(f"{site.folder / LINK} -> {new.file.name}")
    there, failed = {}, []
    for target in rsync_targets(site):
        try:
            targets.deliver(target, new)
            there[target] = targets.point_there(target, new.file.name)
            say(f"{target.given}: {LINK} -> {new.file.name}")
        except AvailabilityError as error:
            failed.append(str(error))
    return Flipped(name, here, there, failed)


def unproved(folder: Path) -> dict[str, str | None]:
    """Return which build was flipped in and never proved, and the file that was live before it; nothing where none."""
    marker = folder / UNPROVED
    if not marker.exists():
        return {}
    try:
        told = json.loads(marker.read_text(encoding="utf-8"))
        return {"build_id": told["build_id"], "before": told["before"]}
    except (ValueError, LookupError, TypeError) as error:
        raise AvailabilityError(f"{marker} does not say which build was to be proved: remove it.") from error


def _proved_before(folder: Path) -> str | None:
    """Return the file to flip back to: the live one's, or where that was never proved, the one before it."""
    live, told = live_build(folder), unproved(folder)
    if live and told.get("build_id") == live.build_id:
        before = told["before"]
        return before if before and (folder / before).exists() else None
    return build_file(folder, live.build_id).name if live else None


def rsync_targets(site: Site) -> list[Target]:
    """Return the targets that have a link of their own."""
    return [each for each in site.targets if each.kind == "rsync"]


def prove(site: Site, new: Kept, flipped: Flipped, say: Say) -> list[str]:
    """Return what is wrong at the live address, which is the targets' where there are any."""
    if site.url is None:
        say("Smoke test: skipped, for no --url is given.")
        return []
    if flipped.failed:
        say("Smoke test: skipped, for not every target could be reached.")
        return []
    if not all(flipped.there.values()) if flipped.there else flipped.before is None:
        say("Smoke test: skipped, for there was no site before, and nothing serves this one yet.")
        return []
    with closing(opened(new.file)) as con:
        symbol = example_symbol(con)
    harms = smoke(site.url, new.build_id, symbol, seconds=WAITS)
    say(f"Smoke test at {site.url}: {'; '.join(harms) or 'passed'}")
    return harms


def flip_back(site: Site, flipped: Flipped, say: Say) -> None:
    """Undo a flip, and wait until the live address has noticed, so that the files can be moved."""
    if flipped.here and flipped.before:
        point(site.folder / LINK, flipped.before)
        say(f"{site.folder / LINK} -> {flipped.before} again")
    elif flipped.here:
        (site.folder / LINK).unlink()
    (site.folder / UNPROVED).unlink(missing_ok=True)
    for target, before in flipped.there.items():
        try:
            if before:
                targets.point_there(target, before)
                say(f"{target.given}: {LINK} -> {before} again")
        except AvailabilityError as error:
            say(f"Not flipped back: {error}")
    live = live_build(site.folder)
    if site.url and live:
        with urllib3.PoolManager() as http:
            until_it_reports(http, site.url, live.build_id, WAITS)


def finish(site: Site, new: Kept, flipped: Flipped, event: str, say: Say, **told: Any) -> None:  # noqa: ANN401
    """Do what follows a good flip: pointers, buckets, the history, and the removal of what is old."""
    failed = [*flipped.failed]
    (site.folder / UNPROVED).unlink(missing_ok=True)
    point_to_latest(site.folder, new.build_id)
    if flipped.here:
        before = (flipped.before or "").removeprefix("availability-").removesuffix(".db")
        given = [each.given for each in site.targets]
        remember(site.folder, event, new.build_id, before=before or None, targets=given, **told)
    if removed := prune(site.folder, site.keep):
        say(f"Removed: {', '.join(removed)}")
    kept = [each.build_id for each in kept_builds(site.folder)[0]]
    for target in site.targets:
        try:
            _finish_there(target, new, kept, say, reached=target in flipped.there)
        except AvailabilityError as error:
            failed.append(str(error))
    if failed:
        raise AvailabilityError(f"{new.build_id} is live here, and not everywhere: {' '.join(failed)}")


def _finish_there(target: Target, new: Kept, kept: list[str], say: Say, *, reached: bool) -> None:
    if target.kind == "s3":
        targets.upload(target, new)
        say(f"{target.given}: downloads of {new.build_id}, and latest.json")
    elif reached:
        targets.latest_there(target, new.build_id)
        targets.trim(target, kept)
