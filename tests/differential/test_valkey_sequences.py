"""Generated sequences of commands, compared with a real valkey-server 9.1 under both protocols."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.encodings import Limits
from tests.differential.harness import Pair
from tests.differential.test_sequences import (
    GROUPS,
    LONGEST_SECONDS,
    MIXED,
    NAMES_OF_WAYS,
    WAYS,
    explore,
    explore_thousands,
    wanted,
)
from tests.support.servers import Server
from tests.support.suites import time_limit

EXAMPLES = 40

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def pair(valkey: Server, our_valkey: Server) -> Iterator[Pair]:
    pair = Pair(valkey, our_valkey)
    yield pair
    pair.close()


@pytest.mark.parametrize(("protocol", "limits"), WAYS[::3], ids=NAMES_OF_WAYS[::3])
@pytest.mark.parametrize("group", [*GROUPS, MIXED])
def test_valkey_and_this_server_reply_alike_to_random_sequences(
    pair: Pair, group: str, protocol: int, limits: Limits
) -> None:
    pair.limit(limits)
    explore(pair, group, protocol, EXAMPLES, 0)
    assert pair.compared


@pytest.mark.slow
@time_limit(LONGEST_SECONDS)
@pytest.mark.parametrize(("protocol", "limits"), WAYS, ids=NAMES_OF_WAYS)
@pytest.mark.parametrize("group", [*GROUPS, MIXED])
def test_valkey_and_this_server_reply_alike_to_thousands_of_commands(
    pair: Pair, group: str, protocol: int, limits: Limits
) -> None:
    pair.limit(limits)
    assert explore_thousands(pair, group, protocol, 0) >= wanted(group), "not as many as there should be"
