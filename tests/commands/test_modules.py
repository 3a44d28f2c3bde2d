"""MODULE, of a server that loads no modules."""

from __future__ import annotations

from tests.support.world import World


def test_the_list_of_modules_is_empty(world: World) -> None:
    assert world.do("MODULE", "LIST") == []
