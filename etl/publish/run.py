"""The two things that change what is live: publish and roll back. One at a time, and each whole or not at all."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl import locks
from etl.disk import named
from etl.errors import AvailabilityError, UsageError
from etl.publish.build import building, ensure_downloads, put_together, refuse, settle_in
from etl.publish.downloads import point_to_latest
from etl.publish.gates import Candidate, Harm, Judged, Overrides, insist_on_version, judge
from etl.publish.golive import Say, Site, finish, flip_back, flip_everywhere, prove, unproved
from etl.publish.history import remember
from etl.publish.kept import Kept, build_file, chosen, live_build, previous, take_over, unsound
from etl.publish.targets import check_programs

LOCK = ".publish.lock"
PREVIOUS = "previous"


@contextmanager
def publishing(site_dir: Path, command: str) -> Iterator[None]:
    """Hold the folder's lock; AvailabilityError where another process does."""
    with named(site_dir), locks.held(site_dir / LOCK, command, f"{site_dir} is being published to"):
        yield


def publish(site: Site, warehouse: Path, *, today: dt.date, overrides: Overrides, say: Say) -> None:
    """Build, judge, flip and prove; raises AvailabilityError where the old site stays."""
    check_programs(site.targets)
    site.folder.mkdir(parents=True, exist_ok=True)
    with publishing(site.folder, "publish"):
        live = live_build(site.folder)
        with building(site.folder) as folder:
            candidate = put_together(warehouse, site.folder, folder, today=today, overrides=overrides)
            same = live is not None and live.content_sha256 == candidate.build.content_sha256
            if live and same and unproved(site.folder).get("build_id") == live.build_id:
                say(f"The live build {live.build_id} holds the same, and the run that flipped it in did not prove it.")
                judged, new = [], live._replace(file=build_file(site.folder, live.build_id))
            elif live and same:
                say(f"Nothing to do: the live build {live.build_id} holds the same.")
                _keep_live(site, live, folder, say)
                return
            else:
                judged = _judged(site, candidate, say)
                new = settle_in(candidate, judged, site.folder)
        _flip(site, candidate, judged, new, say)


def _keep_live(site: Site, live: Kept, folder: Path, say: Say) -> None:
    """Bring to its end what an earlier run may have left undone; without targets the link is not touched."""
    ensure_downloads(live, site.folder, folder)
    point_to_latest(site.folder, live.build_id)
    if site.targets:
        take_over(site.folder)
        named = live._replace(file=build_file(site.folder, live.build_id))
        flipped = flip_everywhere(site, named, say)
        harms = prove(site, named, flipped, say) if any(flipped.there.values()) else []
        if harms:
            flip_back(site, flipped, say)
            raise AvailabilityError(f"{site.url} does not serve {live.build_id}: {harms[0]}")
        finish(site, named, flipped, "published", say)


def _judged(site: Site, candidate: Candidate, say: Say) -> list[Judged]:
    """Pass the gates, say what came of each, and stop where one refuses."""
    build = candidate.build
    say(
        f"Build {build.build_id}: {build.day_files:,} day files of {build.symbols:,} symbols,"
        f" {candidate.file.stat().st_size:,} bytes in {candidate.seconds:.1f} s."
    )
    judged = judge(candidate)
    for each in judged:
        say(f"  {each.gate:<12} {each.outcome}")
        for harm in each.harms:
            say(f"    {harm.said}")
    refusing = [each for each in judged if each.refuses]
    if refusing:
        report = refuse(candidate.file, build.build_id, site.folder, judged, candidate.overrides)
        remember(site.folder, "refused", build.build_id, gates=[each.gate for each in refusing])
        first = next(harm.said for harm in refusing[0].harms if not harm.overruled)
        raise AvailabilityError(
            f"Build {build.build_id} is refused by {', '.join(each.gate for each in refusing)}: {first}."
            f" {_stays(site)}; {report} tells all."
        )
    return judged


def _flip(site: Site, candidate: Candidate, judged: list[Judged], new: Kept, say: Say) -> None:
    flipped = flip_everywhere(site, new, say)
    if harms := prove(site, new, flipped, say):
        flip_back(site, flipped, say)
        smoked = [*judged, Judged("smoke", [Harm(each) for each in harms])]
        report = refuse(new.file, new.build_id, site.folder, smoked, candidate.overrides)
        remember(site.folder, "flipped back", new.build_id, url=site.url, found=harms)
        raise AvailabilityError(
            f"Build {new.build_id} was live for a moment and is flipped back: {harms[0]}."
            f" {_stays(site)}; {report} tells all."
        )
    finish(
        *(site, new, flipped, "published", say),
        overrides=candidate.overrides._asdict(),
        overruled=[harm.said for each in judged for harm in each.harms],
        seconds=round(candidate.seconds, 1),
    )
    say(f"Published: {new.build_id}.")


def _stays(site: Site) -> str:
    live = live_build(site.folder)
    return f"The site stays with {live.build_id}" if live else "There is no site yet"


def rollback(site: Site, name: str, *, say: Say) -> None:
    """Flip to the build before the live one, or to the one of this name; it stays, whatever the smoke test says."""
    check_programs(site.targets)
    if not site.folder.is_dir():
        raise UsageError(f"There is no folder {site.folder} to go back in.")
    with publishing(site.folder, "rollback"):
        live = live_build(site.folder)
        new = previous(site.folder) if name == PREVIOUS else chosen(site.folder, name)
        if live and new.build_id == live.build_id:
            say(f"Nothing to do: {new.build_id} is live.")
            return
        if harms := unsound(new.file):
            raise AvailabilityError(f"{new.file} is spoiled, the site stays as it is: {harms[0]}.")
        insist_on_version(new.file)
        with building(site.folder) as folder:
            ensure_downloads(new, site.folder, folder)
        flipped = flip_everywhere(site, new, say)
        harms = prove(site, new, flipped, say)
        finish(site, new, flipped, "rolled back", say, url=site.url, found=harms)
        if harms:
            raise AvailabilityError(f"{new.build_id} is live here, and {site.url} does not serve it: {harms[0]}.")
        say(f"Rolled back to {new.build_id}. The next publish goes forward again.")
