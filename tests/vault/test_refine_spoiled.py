"""Frames spoiled at random: capture keeps each, refine rejects them line by line, and their neighbours become rows."""

import json
import random

import pytest

from etl.vault.config import Refine
from etl.vault.refine import REJECTED, refine_all
from etl.vault.segments import PROCESSING
from etl.vault.storage import Storage, read
from tests.vault import lines as told
from tests.vault.found import paths, rows_of

FRAMES = 1_000
WHOLE = (told.trades({}, {}), told.levels({}, {"side": "offer"}), told.ticker(), told.candle())
ROWS = {"market_trades": 2, "l2_data": 2, "ticker": 1, "candles": 1}
WORDS = (
    *(
        b"\0",
        b"\xff",
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"'",
        b"\\",
        b",",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"\\u0000",
        b"\\ud800",
    ),
    *(
        b"null",
        b"[]",
        b"{}",
        b'""',
        b"true",
        b"NaN",
        b"Infinity",
        b"1e400",
        b"-0",
        b"9" * 40,
        b'"a":',
        b"[[[[",
        b"/**/",
    ),
    *(b'"events":null,', b'"events":[null],', b'"updates":[null],', b'"channel":7,', b'"sequence_num":"x",'),
)


def spoiled(frame: bytes, dice: random.Random) -> bytes:
    """Change a frame at up to three places."""
    text = bytearray(frame)
    for _ in range(dice.randint(1, 3)):
        place = dice.randrange(len(text))
        change = dice.randrange(4)
        if change == 0:
            text[place] = dice.randrange(256)
        elif change == 1:
            text[place:place] = dice.choice(WORDS)
        elif change == 2:
            text[place : place + dice.randint(1, 8)] = dice.choice(WORDS)
        else:
            del text[place : place + dice.randint(1, 30)]
    return bytes(text)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("where", ["frame", "line"])
def test_a_spoiled_line_costs_no_other_one(local_storage: Storage, seed: int, where: str) -> None:
    dice = random.Random(seed)
    bad = {number for number in range(FRAMES) if dice.random() < 0.5}
    frames = [WHOLE[number % len(WHOLE)] for number in range(FRAMES)]
    if where == "frame":
        lines = told.caught(spoiled(frame, dice) if number in bad else frame for number, frame in enumerate(frames))
    else:  # as a disk would spoil it
        lines = [
            spoiled(line[:-1], dice).replace(b"\n", b"?") + b"\n" if number in bad else line
            for number, line in enumerate(told.caught(frames))
        ]
    name = told.make_ready(local_storage, lines)
    done = refine_all(local_storage, Refine())
    assert done.stuck == []
    assert paths(local_storage, PROCESSING) == []
    assert [(each.segment, each.lines) for each in done.refined] == [(name, FRAMES)]
    (rejects,) = paths(local_storage, REJECTED)
    refused = {json.loads(line)["line"] - 1 for line in read(local_storage, rejects).splitlines()}
    assert refused <= bad
    for number, (channel, rows) in enumerate(ROWS.items()):
        found = [row["line"] - 1 for row in rows_of(local_storage, channel)]
        whole = [each for each in range(number, FRAMES, len(WHOLE)) if each not in bad]
        assert sorted(each for each in found if each not in bad) == sorted(whole * rows)
        assert refused.isdisjoint(found)
