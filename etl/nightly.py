"""The one command of the timer: discover, update, list everything again once a day, check, publish."""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import NamedTuple

import duckdb

from etl import checks, clock, collect, locks, log, outcomes, planning, runs, warehouse
from etl.disk import named
from etl.errors import AvailabilityError, WarehouseError, about_file
from etl.keys import UM_KLINES_1M
from etl.publish import run
from etl.publish.gates import Overrides
from etl.publish.golive import Say, Site
from etl.publish.targets import check_programs
from etl.records import Window
from etl.stores import open_bucket
from etl.warehouse import open_warehouse

LOCK = ".nightly.lock"
FULL_AT = dt.time(7)  # UTC: the first run after it lists everything again; the archive's new day begins to come then
_LOG = logging.getLogger("etl.nightly")
_BAD = ("failed", "interrupted")

Stoppable = Callable[[], AbstractContextManager[Event]]


class Plan(NamedTuple):
    """Where everything is, and what is let pass."""

    warehouse: Path
    site: Site
    listing_url: str
    files_url: str
    workers: int
    today: dt.date
    accept: tuple[str, ...]  # codes of checks whose errors do not count
    given: Mapping[str, object]  # what the runs are recorded with
    vault_config: Path | None = None  # of the vault that is indexed too; None = there is none


class Came(NamedTuple):
    """What came of one step."""

    step: str
    outcome: str  # done, not due, failed, interrupted or not run
    said: str
    seconds: float = 0.0
    no_warehouse: bool = False  # it could not be used: nothing can follow


class _NotDueError(AvailabilityError):
    """A step has nothing to do this time."""


def nightly(plan: Plan, *, say: Say, stoppable: Stoppable) -> None:
    """Take every step that can be taken; AvailabilityError where one failed or was not taken.

    No step leaves anything half-done: the next run heals what this one could not finish, killed or not.
    """
    check_programs(plan.site.targets)
    plan.site.folder.mkdir(parents=True, exist_ok=True)
    lock, busy = plan.site.folder / LOCK, f"{plan.site.folder} is being rebuilt"
    with named(plan.site.folder), locks.held(lock, "nightly", busy):
        came = list[Came]()
        with stoppable() as stop:
            for name, step in (("discover", _discover), ("update", _update), ("full", _full)):
                came.append(_taken(name, partial(step, plan, stop), came, stop))
            if plan.vault_config:
                came.append(_taken("vault", partial(_vault, plan, plan.vault_config, stop), came, stop))
        came.append(_taken("check", partial(_check, plan), came, stop))
        came.append(_taken("publish", partial(_publish, plan, say), came, stop))
    _fail_where_lacking(came, stopped=stop.is_set())


def _taken(name: str, step: Callable[[], str], came: Sequence[Came], stop: Event) -> Came:
    """Take one step, or tell why not; one log line in any case."""
    log.of_run(None)
    began, outcome, said, no_warehouse = time.monotonic(), "interrupted", "stopped before its end.", False
    why_not = _in_the_way(name, came, stop)
    try:
        if why_not:
            outcome, said = "not run", why_not
        else:
            said = step()
            outcome = "done"
    except _NotDueError as error:
        outcome, said = "not due", str(error)
    except AvailabilityError as error:
        outcome, said = "interrupted" if stop.is_set() else "failed", str(error)
        no_warehouse = isinstance(error, WarehouseError)
    except OSError as error:
        outcome, said = "failed", about_file(error)
    except KeyboardInterrupt:  # in check or publish, which no wish reaches, or for the second time
        stop.set()
    ended = Came(name, outcome, said, round(time.monotonic() - began, 3), no_warehouse)
    _tell(ended)
    return ended


def _tell(ended: Came) -> None:
    level = logging.ERROR if ended.outcome in _BAD else logging.INFO
    what = "error" if ended.outcome in _BAD else "said"
    told = {"step": ended.step, "outcome": ended.outcome, "seconds": ended.seconds, what: ended.said}
    _LOG.log(level, "%s %s", ended.step, ended.outcome, extra=told)


def _in_the_way(name: str, came: Sequence[Came], stop: Event) -> str | None:
    """Return why a step cannot sensibly be taken, None where nothing is in its way."""
    if stop.is_set():
        return "the run was stopped."
    if broken := next((each.step for each in came if each.no_warehouse), None):
        return f"{broken} could not use the warehouse."
    if name in ("update", "full") and any(each.step == "discover" and each.outcome in _BAD for each in came):
        return "discover failed, and a host that does not list the symbols is not asked for their files."
    return None


def _fail_where_lacking(came: Sequence[Came], *, stopped: bool) -> None:
    bad = [f"{each.step} {each.outcome}: {each.said.rstrip('.')}." for each in came if each.outcome in _BAD]
    left = [each.step for each in came if each.outcome == "not run"]
    if bad or left:
        whole = "The nightly run was stopped." if stopped else "The nightly run is not whole."
        not_run = [f"Not run: {', '.join(left)}."] if left else []
        raise AvailabilityError(" ".join([whole, *bad, *not_run]))


@contextmanager
def _recorded(plan: Plan, command: str, **more: object) -> Iterator[tuple[duckdb.DuckDBPyConnection, runs.Did]]:
    """Open the warehouse for a step, which is recorded as the command that does the same."""
    with (
        open_warehouse(plan.warehouse, command="nightly") as con,
        runs.recording(con, command, {**plan.given, "nightly": True, **more}) as did,
    ):
        yield con, did


def _discover(plan: Plan, stop: Event) -> str:  # noqa: ARG001 - one short request: it comes to its end
    with _recorded(plan, "discover") as (con, did):
        bucket = open_bucket(plan.listing_url, 1)
        found, new = collect.discover(con, bucket, UM_KLINES_1M, files_url=plan.files_url)
        did.append(found)
    return outcomes.discovered(len(found.symbols), new)


def _update(plan: Plan, stop: Event) -> str:
    with _recorded(plan, "update") as (con, did):
        names = warehouse.known_symbols(con, UM_KLINES_1M)
        windows = planning.plan_update(con, UM_KLINES_1M, names, lookback=planning.LOOKBACK, today=plan.today)
        return _listed(plan, con, did, windows, stop)


def _full(plan: Plan, stop: Event) -> str:
    with open_warehouse(plan.warehouse, read_only=True) as con:
        if at := full_listing_since(con, last_full_at(clock.now()), clock.now()):
            raise _NotDueError(f"everything was listed again at {at:%Y-%m-%dT%H:%M:%SZ}.")
    with _recorded(plan, "backfill", full=True) as (con, did):
        names = warehouse.known_symbols(con, UM_KLINES_1M)
        last = plan.today - dt.timedelta(days=1)
        windows = planning.plan_backfill(con, UM_KLINES_1M, names, first=None, last=last, bounded=False, full=True)
        return _listed(plan, con, did, windows, stop)


def _listed(plan: Plan, con: duckdb.DuckDBPyConnection, did: runs.Did, windows: list[Window], stop: Event) -> str:
    look = collect.by_listing(open_bucket(plan.listing_url, plan.workers), UM_KLINES_1M)
    outcome = collect.collect(con, UM_KLINES_1M, windows, look, workers=plan.workers, stop=stop)
    did.append(outcome)
    outcomes.fail_where_lacking(outcome)
    return outcomes.looked_at(outcome)


def _vault(plan: Plan, config: Path, stop: Event) -> str:
    try:  # the site alone does without the packages of the vault
        from etl.indexing import index_vault  # noqa: PLC0415
        from etl.vault.config import read_config  # noqa: PLC0415
        from etl.vault.storage import open_as_it_stands  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise AvailabilityError(f"The vault needs {error.name}: install it by pip install '.[vault]'.") from error
    storage = open_as_it_stands(read_config(config).storage)
    with _recorded(plan, "index") as (con, did):
        outcome = index_vault(con, storage, plan.today, stop.is_set)
        did.append(outcome)
        outcomes.fail_where_lacking(outcome, outcomes.NOT_INDEXED)
    return outcomes.indexed(outcome)


def _check(plan: Plan) -> str:
    with open_warehouse(plan.warehouse, read_only=True) as con:
        verdicts = checks.run_checks(con, UM_KLINES_1M, plan.today)
    checks.fail_on_errors(verdicts, plan.accept)
    return checks.summary(verdicts)


def _publish(plan: Plan, say: Say) -> str:
    run.publish(plan.site, plan.warehouse, today=plan.today, overrides=Overrides(plan.accept), say=say)
    return f"{plan.site.folder} is up to date."


def last_full_at(moment: dt.datetime) -> dt.datetime:
    """Return the newest moment, not after this one, from which on everything is to be listed again."""
    at = dt.datetime.combine(moment.date(), FULL_AT)
    return at if at <= moment else at - dt.timedelta(days=1)


def full_listing_since(con: duckdb.DuckDBPyConnection, since: dt.datetime, until: dt.datetime) -> dt.datetime | None:
    """Return when the newest whole listing of everything began, None where none did; one of some symbols is none.

    One from after ``until``, of a clock that was wrong, does not count.
    """
    found = con.execute(
        "SELECT started_at, arguments FROM runs WHERE command = 'backfill' AND outcome = 'done'"
        " AND started_at BETWEEN ? AND ? ORDER BY started_at DESC",
        [since, until],
    ).fetchall()
    return next((at for at, arguments in found if _is_of_everything(json.loads(arguments))), None)


def _is_of_everything(arguments: Mapping[str, object]) -> bool:
    return bool(arguments.get("full")) and not arguments.keys() & {"symbols", "start", "end"}
