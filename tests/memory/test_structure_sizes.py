from __future__ import annotations

import pytest

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.structure_sizes import REDIS_7_2, REDIS_8_2, StructureSizes


def test_an_allocator_has_the_sizes_of_7_2_unless_it_is_given_others() -> None:
    assert Allocator().sizes is REDIS_7_2


@pytest.mark.parametrize(("sizes", "startup"), [(REDIS_7_2, 865_960), (REDIS_8_2, 653_856)])
def test_an_empty_server_takes_what_that_of_the_version_takes(sizes: StructureSizes, startup: int) -> None:
    allocator = Allocator()
    allocator.sizes = sizes
    allocator.begin()
    assert allocator.startup == allocator.used_memory == startup


@pytest.mark.parametrize(
    ("header", "usable", "chosen"), [(1, 8, 1), (3, 259, 3), (3, 320, 5), (5, 65536, 5), (5, 81920, 9), (9, 81920, 9)]
)
def test_the_header_of_an_sds_is_chosen_by_its_block_in_8_2(header: int, usable: int, chosen: int) -> None:
    assert REDIS_8_2.sds_header(header, usable) == chosen
    assert REDIS_7_2.sds_header(header, usable) == header
