"""One fault, what ought to follow from it, and what did."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.chaos.ground import Ground, MissedError, Place, Ran, struck
from tests.chaos.reader import Reader

Strike = Callable[[Place], Ran]  # does the harm, lets the cycle run into it, and takes the harm away again
_TRIES = 20
_SOON = 5.0  # seconds within which a reader has the new build


class Trial(NamedTuple):
    """A fault; ``strike`` raises NotHereError where this machine cannot do it."""

    name: str
    strike: Strike
    code: int | None  # exit code that the disturbed run must have; None: it depends on the moment
    names: tuple[str, ...]  # what its output must name
    heal: Strike = Place.nightly
    unavailable: bool = False  # the site may honestly say 503 meanwhile
    lossless: bool = True  # the warehouse can be read after the strike, and must hold all that it held
    room: int = 0  # bytes of a file system of its own, 0 for none


class Seen(NamedTuple):
    """What followed from one fault."""

    name: str
    code: int
    said: str  # the sentence that names the failure
    asked: int  # by the reader, meanwhile
    unavailable: int
    harms: list[str]  # sentences; none where all is well
    seconds: float


def survive(ground: Ground, trial: Trial, folder: Path) -> Seen:
    """Let a fault strike, again where it missed, look for harm, let the next run heal it, and look again."""
    for _ in range(_TRIES):
        with suppress(MissedError):
            return _survive(ground, trial, folder)
    raise RuntimeError(f"{trial.name} missed {_TRIES} times")


def _survive(ground: Ground, trial: Trial, folder: Path) -> Seen:
    began = time.monotonic()
    with struck(ground, folder, room=trial.room) as (place, reader):
        held = {row[:2] for row in place.facts()}
        ran = trial.strike(place)
        harms = _said_well(trial, ran)
        if trial.lossless:
            harms += _nothing_lost(place, held)
        healed = trial.heal(place)
        harms += _healed(ground, place, healed, reader)
    harms += reader.odd[:3]
    if reader.unavailable and not trial.unavailable:
        harms.append(f"{reader.unavailable} of {reader.asked} questions were answered with 503")
    if not reader.asked:
        harms.append("the reader asked nothing")
    return Seen(trial.name, ran.code, _sentence(ran), reader.asked, reader.unavailable, harms, time.monotonic() - began)


def _said_well(trial: Trial, ran: Ran) -> list[str]:
    harms = [f"it does not name {name!r}: {ran.said[-600:]}" for name in trial.names if name not in ran.said]
    if trial.code is not None and ran.code != trial.code:
        harms.append(f"exit code {ran.code} instead of {trial.code}: {ran.said[-600:]}")
    if "Traceback" in ran.said:
        harms.append(f"a traceback: {ran.said[-1500:]}")
    return harms


def _nothing_lost(place: Place, held: set[tuple[object, ...]]) -> list[str]:
    lost = held - {row[:2] for row in place.facts()}
    return [f"{len(lost)} days are lost, {min(lost)} first"] if lost else []


def _healed(ground: Ground, place: Place, healed: Ran, reader: Reader) -> list[str]:
    harms = [] if healed.code == 0 else [f"the next run ends with {healed.code}: {healed.said[-600:]}"]
    if place.facts() != ground.facts:
        harms.append("the facts after the next run are not those of an undisturbed one")
    if place.published() != ground.published:
        harms.append("the site after the next run is not that of an undisturbed one")
    live = (place.site_dir / "availability.db").resolve().stem.removeprefix("availability-")
    deadline = time.monotonic() + _SOON
    while live not in reader.builds and time.monotonic() < deadline:
        time.sleep(0.05)
    return harms if live in reader.builds else [*harms, f"the reader never saw the live build {live}"]


def _sentence(ran: Ran) -> str:
    lines = [line for line in ran.said.splitlines() if line.startswith("Error:")]
    return lines[-1].removeprefix("Error: ") if lines else ""
