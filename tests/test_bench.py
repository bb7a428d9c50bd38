"""`make bench` takes minutes at full size; whatever it asks of a published file is asked here of a small one."""

from tests.bench import facts
from tests.serving import Site


def test_the_bench_asks_the_questions_of_the_site_and_gets_rows(site: Site) -> None:
    answers = [*facts.query_times(site.file), facts.month_of_all(site.file)]
    assert [each.rows > 0 for each in answers] == [True] * 4
