"""The commands of a cluster, which a server that is not a node of one refuses."""

from __future__ import annotations

import pytest

from tests.support.replies import Error
from tests.support.world import World


@pytest.mark.parametrize(
    "words",
    [["CLUSTER", "INFO"], ["CLUSTER", "HELP"], ["CLUSTER", "KEYSLOT", "k"], ["ASKING"], ["READONLY"], ["READWRITE"]],
)
def test_there_is_no_cluster(world: World, words: list[str]) -> None:
    assert world.do(*words) == Error(b"ERR This instance has cluster support disabled")


def test_the_number_of_arguments_is_checked_first(world: World) -> None:
    assert world.do("CLUSTER", "KEYSLOT") == Error(b"ERR wrong number of arguments for 'cluster|keyslot' command")


def test_an_unknown_subcommand_is_refused(world: World) -> None:
    assert world.do("CLUSTER", "NOSUCH") == Error(b"ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP.")
