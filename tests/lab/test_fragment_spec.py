"""Patterns of allocations: what a file may say."""

from __future__ import annotations

import pytest

from pyredmem.lab.errors import PatternError
from pyredmem.lab.fragment_spec import Phase, parsed_pattern

ONE = """
[[phase]]
do = "set"
keys = 10
size = [1, 2]
"""


def test_a_pattern_is_read() -> None:
    pattern = parsed_pattern(
        "per_second = 50\nseed = 7\n[settings]\nactiverehashing = false\nmaxmemory = 0\n"
        + ONE
        + '[[phase]]\ndo = "delete"\nshare = 0.5\norder = "oldest"\n[[phase]]\ndo = "wait"\nseconds = 1.5\n'
    )
    assert (pattern.per_second, pattern.seed) == (50, 7)
    assert pattern.settings == {"activerehashing": "no", "maxmemory": "0"}
    assert pattern.phases == (
        Phase("set", keys=10, size=(1, 2)),
        Phase("delete", share=0.5, order="oldest"),
        Phase("wait", seconds=1.5),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[phase", "Expected"),
        ("", "needs phases"),
        ("phase = 1", "needs phases"),
        ("colour = 1\n" + ONE, "has no 'colour'"),
        (ONE.replace('"set"', '"fly"'), "phase 1: do is one of set, replace, delete"),
        (ONE.replace("keys = 10", ""), "phase 1 (set) needs 'keys'"),
        (ONE + "share = 0.5", "phase 1 (set) has no 'share'"),
        (ONE.replace("10", "-1"), "phase 1 (set): keys is a whole number from 0"),
        (ONE.replace("10", "1.5"), "a whole number"),
        (ONE.replace("10", "true"), "a whole number"),
        (ONE.replace("[1, 2]", "[2, 1]"), "the least size comes first"),
        (ONE.replace("[1, 2]", "5"), "size is the least and the most bytes"),
        ('[[phase]]\ndo = "delete"\nshare = 2', "share is a number from 0 to 1"),
        ('[[phase]]\ndo = "delete"\nshare = 1\norder = "best"', "order is one of random, oldest, newest"),
        ('[[phase]]\ndo = "wait"\nseconds = "long"', "seconds is a number"),
        ("per_second = 0\n" + ONE, "per_second is a whole number from 1"),
        ("seed = -1\n" + ONE, "seed is a whole number from 0"),
        ("settings = 5\n" + ONE, "settings is a table"),
        ("[settings]\nactivedefrag = true\n" + ONE, "the laboratory chooses activedefrag itself"),
        ("[settings]\nnonsense = 1\n" + ONE, "nonsense"),
        ('[settings]\nhz = "often"\n' + ONE, "hz"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(text: str, why: str) -> None:
    with pytest.raises(PatternError) as caught:
        parsed_pattern(text)
    assert why in str(caught.value)
