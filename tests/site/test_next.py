"""`make next` blocks where SQL is answered by Datasette's newest alpha, or where nobody can tell."""

import pytest

from tests.next_datasette import Said, report, why_open


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b"Arbitrary SQL is switched off here", ""),
        (404, b"", ""),
        (200, b'[{"31337*3": 94011}]', "SQL IS ANSWERED"),
        (403, b"94011", "SQL IS ANSWERED"),
        (200, b"a page with a form", "not refused in so many words"),
        (500, b"", "not refused in so many words"),
        (0, b"", "nobody answers"),
    ],
)
def test_sql_is_refused_by_a_4xx_and_by_nothing_else(status: int, body: bytes, words: str) -> None:
    assert bool(why_open(status, body)) == bool(words)
    assert words in why_open(status, body)


def test_broken_pages_do_not_block_and_doubt_about_sql_does() -> None:
    broken, closed, unsure = Said("/", 500, "it breaks"), Said("/x", 403, ""), Said("/x", 0, "nobody answers")
    assert report([broken], [closed]) == 0
    assert report([broken], [closed, unsure]) == 3
