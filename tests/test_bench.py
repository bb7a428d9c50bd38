"""`make bench` takes minutes at full size; whatever it asks of a published file is asked here of a small one."""

from pathlib import Path

from tests.bench import facts
from tests.published import publish


def test_the_bench_asks_the_questions_of_the_site_and_gets_rows(tmp_path: Path) -> None:
    site = publish(tmp_path)
    answers = [*facts.query_times(site), facts.month_of_all(site)]
    assert [each.rows > 0 for each in answers] == [True] * 4
