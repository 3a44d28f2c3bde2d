"""Generated sequences of commands, compared with real redis-servers under both protocols.

There are two judges: the installed redis-server, 7.0, and one of 8.2, for which our server is like 8.2, too.

A normal run compares a few examples. The tests marked `slow` compare a given number of commands of every group, half of
them with the limits of encodings so low that short sequences cross them. A failure prints the shortest sequence that
shows the difference; it belongs into `test_scenarios.py` once the cause is known.

Every run tries the same sequences. With PYREDMEM_SUITE=explore each run tries others; a failure prints the number that
they began with, and PYREDMEM_SEQUENCES repeats them.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import Phase, given, seed, settings

from tests.differential.encodings import DEFAULT, LOW, Limits
from tests.differential.grammar import INTEGER, KEY, VALUE, Form, form, sequences, with_few_names, words
from tests.differential.grammar_bitmaps import BITMAPS
from tests.differential.grammar_geo import GEO
from tests.differential.grammar_hashes import HASHES
from tests.differential.grammar_hyperloglogs import HYPERLOGLOGS
from tests.differential.grammar_keys import EXPIRY_COMMANDS, KEYS_COMMANDS, SCAN_COMMANDS
from tests.differential.grammar_lists import LISTS
from tests.differential.grammar_newer import BROKEN, NEWER, SIZES
from tests.differential.grammar_sets import SETS
from tests.differential.grammar_sort import SORTING
from tests.differential.grammar_sorted_sets import SORTED_SETS
from tests.differential.grammar_streams import STREAMS
from tests.differential.grammar_strings import STRINGS
from tests.differential.grammar_transactions import CONNECTION, TRANSACTIONS
from tests.differential.harness import Difference, Pair, Step
from tests.support.servers import Server
from tests.support.suites import SUITE, time_limit
from tests.support.wire import info

GROUPS: dict[str, tuple[list[Form], tuple[str, ...]]] = {
    "strings": (STRINGS, ("main",)),
    "bitmaps": (BITMAPS, ("main",)),
    "geo": (GEO, ("main",)),
    "hyperloglogs": (HYPERLOGLOGS, ("main",)),
    "hashes": (HASHES, ("main",)),
    "lists": (LISTS, ("main",)),
    "sets": (SETS, ("main",)),
    "sorting": (SORTING, ("main",)),
    "sorted sets": (SORTED_SETS, ("main",)),
    "streams": (STREAMS, ("main",)),
    "expiry": (EXPIRY_COMMANDS, ("main",)),
    "keys": (KEYS_COMMANDS, ("main",)),
    "scan": (SCAN_COMMANDS, ("main",)),
    "transactions": (TRANSACTIONS, ("main", "other")),
    "connection": (CONNECTION, ("main", "other")),
}
# If a key holds a value of another type, every command has to refuse or overwrite it.
FOREIGN = [
    form("SET", KEY, VALUE),
    form("RPUSH", KEY, VALUE),
    form("HSET", KEY, VALUE, VALUE),
    form("SADD", KEY, VALUE),
    form("ZADD", KEY, INTEGER, VALUE),
    form("XADD", KEY, words(b"1-1", b"2-1", b"77-5"), VALUE, VALUE),
    form("PFADD", KEY, VALUE),
    form("DEL", KEY),
]
# Groups of commands that do not belong to one data type.
OTHERS = {"expiry", "keys", "scan", "transactions", "connection"}
MIXED = "mixed"

WAYS: list[tuple[int, Limits]] = [(2, DEFAULT), (2, LOW), (3, DEFAULT), (3, LOW)]
NAMES_OF_WAYS = ["resp2", "resp2-low-limits", "resp3", "resp3-low-limits"]
#: How many sequences a normal run compares with the older judge; the newer one gets half as many.
EXAMPLES = 40
MOST_ROUNDS = 60
LONGEST_SECONDS = 900
# In no sequence may the real server use more than this many bytes.
MOST_MEMORY = 1 << 30

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def pair(judge: Server, ours: Server) -> Iterator[Pair]:
    pair = Pair(judge, ours)
    before = _peak(pair)
    yield pair
    after = _peak(pair)
    pair.close()
    assert after < max(MOST_MEMORY, before + 1)


def _peak(pair: Pair) -> int:
    return int(info(pair.control(0), "memory")["used_memory_peak"])


@pytest.fixture(scope="module")
def first() -> int:
    """The number of the first sequences."""
    given = os.environ.get("PYREDMEM_SEQUENCES")
    return int(given) if given else random.SystemRandom().randrange(1 << 32) if SUITE.explores else 0


class Disagreeing(Exception):  # noqa: N818 - ends the search
    """A sequence was found."""


def _own(pair: Pair, group: str) -> list[Form]:
    if group == MIXED:
        return [one for name in GROUPS if name not in OTHERS - {"keys"} for one in _own(pair, name)]
    forms = GROUPS[group][0]
    return [one for one in forms if one.name not in BROKEN] + NEWER.get(group, []) if pair.is_newer else forms


def _forms(pair: Pair, group: str) -> Sequence[Form]:
    forms = [*_own(pair, group), *FOREIGN, *([SIZES] if pair.is_newer and group not in {"bitmaps", MIXED} else [])]
    return [form for form in forms if form.name.split(" ")[0] not in pair.unsupported]


def explore(pair: Pair, group: str, protocol: int, examples: int, number: int) -> None:
    """Compare ``examples`` sequences; another ``number`` means other sequences."""
    strategy = sequences(_forms(pair, group), ("main",) if group == MIXED else GROUPS[group][1])
    if group == MIXED:
        strategy = strategy.map(with_few_names)

    failing: list[tuple[list[Step], Difference]] = []

    @seed(number)
    @settings(max_examples=examples, derandomize=False, database=None, phases=[Phase.generate])
    @given(strategy)
    def agree(steps: list[Step]) -> None:
        if failing:
            raise Disagreeing  # run once more: a random difference may not show again
        difference = pair.difference(steps, protocol)
        if difference is not None:
            failing.append((steps, difference))
            raise Disagreeing

    with contextlib.suppress(Disagreeing):
        agree()
    if failing:
        steps, difference = failing[0]
        found = pair.reduced(steps, protocol) or difference
        pytest.fail(f"RESP{protocol}, sequences {number}\n{found}", pytrace=False)


def _compared(pair: Pair, group: str) -> int:
    """How many commands of the group were compared, without those that write values of other types."""
    names = {form.name.split(" ")[0] for form in _own(pair, group)}
    return sum(count for name, count in pair.compared.items() if name in names)


def test_every_command_of_the_grammars_is_served(pair: Pair) -> None:
    names = {form.name.split(" ")[0] for group in GROUPS for form in _own(pair, group)}
    assert not names & pair.unsupported


@pytest.mark.parametrize(("protocol", "limits"), WAYS[::3], ids=NAMES_OF_WAYS[::3])
@pytest.mark.parametrize("group", [*GROUPS, MIXED])
def test_both_servers_reply_alike_to_random_sequences(
    pair: Pair, group: str, protocol: int, limits: Limits, first: int
) -> None:
    pair.limit(limits)
    explore(pair, group, protocol, EXAMPLES // 2 if pair.is_newer else EXAMPLES, first)


@pytest.mark.slow
@time_limit(LONGEST_SECONDS)
@pytest.mark.parametrize(("protocol", "limits"), WAYS, ids=NAMES_OF_WAYS)
@pytest.mark.parametrize("group", [*GROUPS, MIXED])
def test_both_servers_reply_alike_to_thousands_of_commands(
    pair: Pair, group: str, protocol: int, limits: Limits, first: int
) -> None:
    pair.limit(limits)
    assert explore_thousands(pair, group, protocol, first) >= wanted(group), "not as many as there should be"


def wanted(group: str) -> int:
    """How many commands of a group the suite compares in each of the ways."""
    return (SUITE.commands_per_group if group in OTHERS else SUITE.commands_per_type) // len(WAYS)


def explore_thousands(pair: Pair, group: str, protocol: int, first: int) -> int:
    """Compare sequences until they had as many commands of the group as are wanted; returns how many they had."""
    for number in range(first + 1, first + MOST_ROUNDS):
        if _compared(pair, group) >= wanted(group):
            break
        explore(pair, group, protocol, SUITE.sequences_per_round, number)
    return _compared(pair, group)
