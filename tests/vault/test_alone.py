"""One at a time: whoever is second is refused and told who is first; whoever dies lets go."""

import json
from threading import Thread

import pytest

from etl.errors import AvailabilityError
from etl.vault import alone as alones
from etl.vault.alone import Claim, alone
from etl.vault.s3 import Bucket
from etl.vault.segments import ACTIVE
from etl.vault.storage import Storage, delete, list_files, read, write
from tests.vault import played

LOCK = f"{ACTIVE}/.compact.lock"


@pytest.fixture
def vault(s3_storage: Storage) -> Bucket:
    assert isinstance(s3_storage, Bucket)
    return s3_storage


def edit(vault: Bucket, **facts: object) -> None:
    """Let the claim be somebody else's, as far as the facts say."""
    write(vault, LOCK, json.dumps(json.loads(read(vault, LOCK)) | facts).encode())


def test_a_second_one_is_refused_and_told_who_is_first_until_the_first_has_done(storage: Storage) -> None:
    with (
        alone(storage, "compact"),
        pytest.raises(AvailabilityError, match=r"is held for `vault compact` by process \d+ on .* since 20"),
        alone(storage, "compact"),
    ):
        pass
    with alone(storage, "compact") as check, alone(storage, "refine"):
        check()


def test_nothing_is_left_in_the_bucket(vault: Bucket) -> None:
    with alone(vault, "compact"):
        assert [each.path for each in list_files(vault, "")] == [LOCK]
    assert list_files(vault, "") == []


@pytest.mark.parametrize("facts", [{"pid": 2**22 + 1, "process": "0"}, {"process": "0"}])
def test_the_claim_of_a_process_of_this_machine_that_is_dead_is_anybodys_at_once(
    vault: Bucket, facts: dict[str, object]
) -> None:
    """Also where a container gives its number to the next one."""
    with alone(vault, "compact"):
        edit(vault, **facts)
        with alone(vault, "compact"):
            pass


def test_the_claim_of_a_lost_machine_is_anybodys_after_its_time(vault: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone(vault, "compact"):
        edit(vault, host="elsewhere")
        with pytest.raises(AvailabilityError, match="on elsewhere"), alone(vault, "compact"):
            pass
        monkeypatch.setattr(alones, "CLAIM_SECONDS", 0.0)
        with alone(vault, "compact"):
            pass


def test_whose_claim_was_taken_over_notices_before_the_next_step(vault: Bucket) -> None:
    with alone(vault, "compact") as check:
        edit(vault, host="elsewhere")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alones.time, "monotonic", lambda: 1e12)  # so late that it has to ask
            with pytest.raises(AvailabilityError, match="on elsewhere"):
                check()
    assert json.loads(read(vault, LOCK))["host"] == "elsewhere"  # and is left alone


def test_a_claim_that_somebody_removed_is_told(vault: Bucket) -> None:
    with alone(vault, "compact") as check:
        delete(vault, LOCK)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alones.time, "monotonic", lambda: 1e12)
            with pytest.raises(AvailabilityError, match="has removed the claim"):
                check()


@pytest.mark.long
def test_a_claim_is_renewed_while_its_holder_lives(vault: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alones, "CLAIM_SECONDS", 0.4)
    renewed = list[str]()
    claim = type(vault).claim
    monkeypatch.setattr(Bucket, "claim", lambda *words: renewed.append(words[-1]) or claim(*words))
    with alone(vault, "compact") as check:
        played.wait_for(lambda: len(renewed) > 3)
        check()


@pytest.mark.long
def test_of_many_that_come_at_once_one_gets_it(vault: Bucket) -> None:
    got, refused = list[Claim](), list[str]()

    def come() -> None:
        claim = Claim(vault, "compact")
        try:
            claim.take()
            got.append(claim)
        except AvailabilityError as error:
            refused.append(str(error))

    every = [Thread(target=come) for _ in range(6)]
    for each in every:
        each.start()
    for each in every:
        each.join(played.PATIENCE)
    (one,) = got
    assert len([each for each in refused if "is held for" in each]) == 5
    one.give_back()
    assert list_files(vault, "") == []
