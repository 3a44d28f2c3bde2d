"""Generated sequences of commands, compared with a real valkey-server 9.1 under both protocols."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.encodings import Limits
from tests.differential.harness import Pair
from tests.differential.test_sequences import GROUPS, MIXED, WAYS, explore
from tests.support.servers import Server

EXAMPLES = 40

pytestmark = pytest.mark.needs_redis


@pytest.fixture
def pair(valkey: Server, our_valkey: Server) -> Iterator[Pair]:
    pair = Pair(valkey, our_valkey)
    yield pair
    pair.close()


@pytest.mark.parametrize(("protocol", "limits"), WAYS[::3], ids=["resp2", "resp3-low-limits"])
@pytest.mark.parametrize("group", [*GROUPS, MIXED])
def test_valkey_and_this_server_reply_alike_to_random_sequences(
    pair: Pair, group: str, protocol: int, limits: Limits
) -> None:
    pair.limit(limits)
    explore(pair, group, protocol, EXAMPLES, 0)
    assert pair.compared
