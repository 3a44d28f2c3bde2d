"""Generated sequences of commands, compared with a real redis-server under both protocols.

The number of examples is small in a normal run and large under the `slow` marker. A failure prints the
shortest sequence that hypothesis found; it belongs into `test_scenarios.py` once the cause is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings

from tests.differential.grammar import KEY, VALUE, Form, form, sequences
from tests.differential.grammar_bitmaps import BITMAPS
from tests.differential.grammar_hyperloglogs import HYPERLOGLOGS
from tests.differential.grammar_keys import EXPIRY_COMMANDS, KEYS_COMMANDS, SCAN_COMMANDS
from tests.differential.grammar_strings import STRINGS
from tests.differential.grammar_transactions import CONNECTION, TRANSACTIONS
from tests.differential.harness import Pair, Step
from tests.support.servers import Server

GROUPS: dict[str, tuple[list[Form], tuple[str, ...]]] = {
    "strings": (STRINGS, ("main",)),
    "bitmaps": (BITMAPS, ("main",)),
    "hyperloglogs": (HYPERLOGLOGS, ("main",)),
    "expiry": (EXPIRY_COMMANDS, ("main",)),
    "keys": (KEYS_COMMANDS, ("main",)),
    "scan": (SCAN_COMMANDS, ("main",)),
    "transactions": (TRANSACTIONS, ("main", "other")),
    "connection": (CONNECTION, ("main", "other")),
}
# With values of other types in the way, every command has to refuse or overwrite them; as far as served.
FOREIGN = [
    form("RPUSH", KEY, VALUE),
    form("HSET", KEY, VALUE, VALUE),
    form("SADD", KEY, VALUE),
]

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def pair(real: Server, ours: Server) -> Iterator[Pair]:
    pair = Pair(real, ours)
    yield pair
    pair.close()


def _forms(pair: Pair, group: str) -> Sequence[Form]:
    forms = [*GROUPS[group][0], *FOREIGN]
    return [form for form in forms if form.name.split(" ")[0] not in pair.unsupported]


def _explore(pair: Pair, group: str, protocol: int, examples: int) -> None:
    strategy = sequences(_forms(pair, group), GROUPS[group][1])

    @settings(max_examples=examples)
    @given(strategy)
    def agree(steps: list[Step]) -> None:
        pair.check(steps, protocol)

    agree()


def test_every_command_of_the_grammars_is_served(pair: Pair) -> None:
    names = {form.name.split(" ")[0] for forms, _ in GROUPS.values() for form in forms}
    assert not names & pair.unsupported


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("group", GROUPS)
def test_sequences_agree(pair: Pair, group: str, protocol: int) -> None:
    _explore(pair, group, protocol, 150)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("group", GROUPS)
def test_many_sequences_agree(pair: Pair, group: str, protocol: int) -> None:
    _explore(pair, group, protocol, 2500)
