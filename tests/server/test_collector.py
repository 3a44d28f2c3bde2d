from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from pyredmem.server.collector import ENDED_PER_RUN, Collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    one.turn_off()
    one.take_charge()
    yield one
    gc.unfreeze()
    gc.enable()


def test_when_put_in_charge_it_turns_the_automatic_collector_off(collector: Collector) -> None:
    assert not gc.isenabled()


def test_it_is_due_each_time_a_number_of_connections_have_ended(collector: Collector) -> None:
    assert not collector.is_due(ENDED_PER_RUN - 1)
    assert collector.is_due(ENDED_PER_RUN)
    collector.tick(ENDED_PER_RUN)
    assert not collector.is_due(2 * ENDED_PER_RUN - 1)
    assert collector.is_due(2 * ENDED_PER_RUN)


def test_it_is_never_due_in_a_program_that_did_not_put_it_in_charge() -> None:
    assert not Collector().is_due(10 * ENDED_PER_RUN)
