"""`vault compact`: the parts of a finished day become one file, and whoever reads meanwhile sees every row once."""

import datetime as dt
from threading import Event, Thread

import pytest

from etl.vault import alone
from etl.vault import storage as stores
from etl.vault.compact import COMPACTED, compact
from etl.vault.config import Refine
from etl.vault.refine import PROCESSED, refine_all
from etl.vault.segments import ACTIVE
from etl.vault.storage import Storage
from tests.vault import lines as told
from tests.vault.found import Records, paths, records, records_in

DAY = told.HOUR.date()
NEXT = DAY + dt.timedelta(days=1)
LATER = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)  # as seen from when the tests write


def refine_segments(vault: Storage, count: int, hour: dt.datetime = told.HOUR, first: int = 0) -> None:
    for number in range(first, first + count):
        frames = [told.trades({"trade_id": str(number)}, {}), told.trades({"product_id": "ETH-USD"})]
        told.make_ready(vault, told.caught(frames, hour + dt.timedelta(seconds=number)), number=number, hour=hour)
    assert refine_all(vault, Refine()).stuck == []


@pytest.mark.long
def test_the_parts_of_a_finished_day_become_one_file_with_the_same_rows(storage: Storage) -> None:
    refine_segments(storage, 3)
    before = records(storage, "market_trades")
    assert compact(storage, DAY, 7).days == 0  # the day is not over
    done = compact(storage, NEXT, 7)
    assert (done.days, done.parts, done.rows, done.removed, done.failures) == (2, 6, 9, 0, [])
    assert [path.rpartition("/")[0] for path in paths(storage, COMPACTED)] == [
        f"{COMPACTED}/market_trades/product_id={product}/date={DAY}" for product in ("BTC-USD", "ETH-USD")
    ]
    assert records(storage, "market_trades", tree=COMPACTED) == before == records(storage, "market_trades")


def test_a_second_time_nothing_is_done(local_storage: Storage) -> None:
    refine_segments(local_storage, 2)
    compact(local_storage, NEXT, 7)
    assert compact(local_storage, NEXT, 7) == (0, 0, 0, 0, [])


@pytest.mark.long
def test_parts_are_removed_days_after_they_were_merged_and_not_before(local_storage: Storage) -> None:
    refine_segments(local_storage, 2)
    assert compact(local_storage, LATER, 7).removed == 0  # merged just now, however old the day
    assert compact(local_storage, LATER, 7).removed == 4
    assert paths(local_storage, PROCESSED) == []
    assert set(records(local_storage, "market_trades", tree=COMPACTED).values()) == {1}


@pytest.mark.long
def test_a_part_that_comes_late_gets_a_file_of_its_own(storage: Storage) -> None:
    refine_segments(storage, 2)
    compact(storage, NEXT, 7)
    refine_segments(storage, 1, first=2)
    expected = records(storage, "market_trades")
    done = compact(storage, NEXT, 7)
    assert (done.days, done.parts) == (2, 2)
    assert len(paths(storage, COMPACTED)) == 4
    assert records(storage, "market_trades", tree=COMPACTED) == expected
    assert compact(storage, LATER, 7).removed == 6
    refine_segments(storage, 1, first=3)
    assert compact(storage, LATER, 7)[:4] == (2, 2, 3, 0)  # merged just now: not removed before some days have passed
    expected = records(storage, "market_trades", tree=COMPACTED)
    refine_segments(storage, 1, first=0)  # a segment that is captured again by mistake, long after
    compact(storage, LATER, 7)
    assert records(storage, "market_trades", tree=COMPACTED) == expected


@pytest.mark.long
def test_a_removal_that_a_crash_broke_off_is_completed(local_storage: Storage) -> None:
    refine_segments(local_storage, 3)
    compact(local_storage, NEXT, 7)
    expected = records(local_storage, "market_trades")
    stores.delete(local_storage, paths(local_storage, PROCESSED)[1])
    assert compact(local_storage, LATER, 7).removed == 5
    assert records(local_storage, "market_trades", tree=COMPACTED) == expected


@pytest.mark.long
def test_a_file_that_is_spoiled_is_told_and_its_day_left_as_it_is(local_storage: Storage) -> None:
    refine_segments(local_storage, 2)
    spoiled = paths(local_storage, PROCESSED)[0]
    stores.write(local_storage, spoiled, b"no Parquet")
    done = compact(local_storage, NEXT, 7)
    assert (done.days, len(done.failures)) == (1, 1)
    assert done.failures[0].startswith(spoiled.rpartition("/")[0])


def test_a_folder_that_names_no_day_is_told(local_storage: Storage) -> None:
    stores.write(local_storage, f"{PROCESSED}/ticker/product_id=BTC-USD/date=soon/part_1.parquet", b"?")
    done = compact(local_storage, NEXT, 7)
    assert done.failures == [f"{PROCESSED}/ticker/product_id=BTC-USD/date=soon: it names no day"]


@pytest.mark.long
def test_a_merged_file_that_does_not_say_what_it_is_made_of_is_told(storage: Storage) -> None:
    refine_segments(storage, 1)
    part = paths(storage, PROCESSED)[0]
    day = f"{COMPACTED}{part.removeprefix(PROCESSED).rpartition('/')[0]}/day_0.parquet"
    stores.write(storage, day, stores.read(storage, part))
    done = compact(storage, NEXT, 7)
    assert (done.days, len(done.failures)) == (1, 1)
    assert done.failures[0].endswith("day_0.parquet does not say which parts it was made of.")


def test_whose_claim_was_taken_over_merges_no_day_more(s3_storage: Storage) -> None:
    refine_segments(s3_storage, 1)
    with pytest.MonkeyPatch.context() as patch:

        def lost() -> bool:
            lock = f"{ACTIVE}/.compact.lock"
            stores.write(s3_storage, lock, stores.read(s3_storage, lock).replace(b'"host": "', b'"host": "else'))
            patch.setattr(alone.time, "monotonic", lambda: 1e12)  # so late that it has to ask
            return False

        done = compact(s3_storage, NEXT, 7, lost)
    assert (done.days, len(done.failures)) == (0, 1)
    assert "is held for `vault compact` by process" in done.failures[0]
    assert paths(s3_storage, COMPACTED) == []


@pytest.mark.long
def test_readers_see_every_row_once_at_every_moment(storage: Storage) -> None:
    """The first day is compacted long since, the second one is, while we read; the third one is not over."""
    hours = [told.HOUR + dt.timedelta(days=number) for number in range(3)]
    for hour in hours:
        refine_segments(storage, 3, hour)
    expected = records(storage, "market_trades")
    compact(storage, hours[1].date(), 7)
    seen, over = list[Records](), Event()

    def read_on() -> None:
        while not over.is_set():
            seen.append(records_split_at(storage, hours[1].date()))
            seen.append(records(storage, "market_trades"))

    reader = Thread(target=read_on)
    reader.start()
    while len(seen) < 2:
        over.wait(0.01)
    compact(storage, hours[2].date(), 7)
    late = records_split_at(storage, hours[2].date())
    over.set()
    reader.join()
    assert all(each == expected for each in seen)
    assert late == expected


def records_split_at(vault: Storage, day: dt.date) -> Records:
    """Read both trees by the rule: compacted/ before a day, processed/ from it on."""
    files = [path for path in paths(vault, COMPACTED) if path.split("date=")[1] < str(day)]
    files += [path for path in paths(vault, PROCESSED) if path.split("date=")[1] >= str(day)]
    return records_in(vault, files)
