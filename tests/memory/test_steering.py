"""Which arenas are emptied, and what keeps their holes filled in the meantime."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.process_heap import POOL_BITS, POOLS_PER_ARENA, Arena
from pyredmem.memory.steering import ARENA_ROOM, MOST_TRIES, MOST_VICTIMS, Steering, choose_victims


def arena(number: int, live_percent: int) -> Arena:
    made = Arena(number, 0x1FC000000 + number * POOLS_PER_ARENA)
    made.live_bytes = ARENA_ROOM * live_percent // 100
    return made


def numbers(arenas: list[Arena]) -> list[int]:
    return [int(made.number) for made in arenas]


def around(item: object) -> Arena:
    """An arena of the pool that an object lies in, and the next 63 pools."""
    return Arena(0, id(item) >> POOL_BITS)


def nowhere() -> Steering:
    return Steering(Allocator("jemalloc"), [arena(1, 10)], [])


def moved(steering: Steering, data: bytes) -> bytes:
    """Equal bytes outside the victims, after as many rounds as it takes to fill the holes."""
    while (copy := steering.text(data)) is data:
        pass
    return copy


# Victims.


def test_the_sparsest_arenas_are_chosen_first() -> None:
    assert numbers(choose_victims([arena(0, 60), arena(1, 5), arena(2, 30), arena(3, 80)], {}))[0] == 1


def test_as_many_arenas_are_chosen_as_fit_into_the_others() -> None:
    arenas = [arena(number, 25) for number in range(100)]
    chosen = choose_victims(arenas, {})
    assert 60 <= len(chosen) <= 75
    left = 100 - len(chosen)
    assert len(chosen) * 25 <= left * 75


def test_dense_arenas_are_left_alone() -> None:
    assert choose_victims([arena(number, 90) for number in range(10)], {}) == []


def test_a_lone_arena_is_not_chosen() -> None:
    assert choose_victims([arena(0, 10)], {}) == []


def test_an_arena_whose_content_did_not_move_before_is_not_chosen_again() -> None:
    arenas = [arena(0, 5), arena(1, 20), arena(2, 20)]
    pinned = {int(arenas[0].first_pool): int(arenas[0].live_bytes)}
    assert 0 not in numbers(choose_victims(arenas, pinned))


def test_an_arena_that_has_filled_up_since_is_chosen_again() -> None:
    arenas = [arena(0, 40), arena(1, 50), arena(2, 50)]
    assert numbers(choose_victims(arenas, {int(arenas[0].first_pool): 1000})) == [0]


def test_the_number_of_victims_is_bounded() -> None:
    assert len(choose_victims([arena(number, 1) for number in range(2 * MOST_VICTIMS)], {})) == MOST_VICTIMS


# Steering.


def test_an_address_is_matched_to_its_victim_or_to_none() -> None:
    first, second, third = arena(0, 10), arena(1, 10), arena(2, 10)
    steering = Steering(Allocator("jemalloc"), [third, first], [first, second, third])
    start = int(first.first_pool) << POOL_BITS
    size = POOLS_PER_ARENA << POOL_BITS
    inside = [steering.victim_at(start + offset) for offset in (-1, 0, size - 1, size, 2 * size, 3 * size)]
    assert inside == [0, 2, 2, 0, 1, 0]


def test_a_victim_ends_where_the_next_arena_begins() -> None:
    first, second = arena(0, 10), arena(1, 10)
    second.first_pool -= 1  # the first arena lost a pool, because arenas may begin anywhere
    steering = Steering(Allocator("jemalloc"), [first], [first, second])
    assert steering.victim_at(int(second.first_pool) << POOL_BITS) == 0


def test_bytes_outside_the_victims_stay_the_same_object() -> None:
    data = b"some bytes of no special place" * 3
    assert nowhere().text(data) is data


def test_bytes_in_a_victim_are_copied_and_become_a_plug() -> None:
    data = bytes(range(100))
    steering = Steering(Allocator("jemalloc"), [around(data)], [])
    copy = moved(steering, data)
    assert copy == data
    assert copy is not data
    assert steering.victim_at(id(copy)) == 0
    assert steering.plugs[0][-1] is data


def test_copies_that_land_in_a_victim_become_plugs_too() -> None:
    data = bytes(range(100))
    steering = Steering(Allocator("jemalloc"), [around(data)], [])
    moved(steering, data)
    assert all(steering.victim_at(id(plug)) == 1 for plug in steering.plugs[0])
    assert steering.plugged == len(steering.plugs[0])


def test_bytes_that_take_too_many_tries_are_left_for_the_next_walk() -> None:
    data = bytes(range(100))
    everywhere = [Arena(number, (id(data) >> POOL_BITS) + (number - 300) * POOLS_PER_ARENA) for number in range(600)]
    steering = Steering(Allocator("jemalloc"), everywhere, everywhere)
    assert steering.text(data) is data
    assert (steering.moved, steering.postponed, steering.plugged) == (0, 1, MOST_TRIES)


def test_bytes_too_short_or_too_long_for_an_arena_stay_the_same_object() -> None:
    for data in (b"", b"x", bytes(480)):
        steering = Steering(Allocator("jemalloc"), [around(data)], [])
        assert steering.text(data) is data


def test_other_objects_become_plugs_and_are_replaced_by_their_owner() -> None:
    item = Arena(0, 0)
    steering = Steering(Allocator("jemalloc"), [around(item)], [])
    assert steering.must_leave(item)
    assert not nowhere().must_leave(item)
    assert steering.must_plug(item)
    assert steering.plugs == [[item, item]]


def test_blocks_of_the_ledger_stay() -> None:
    assert nowhere().block(1234) == 1234
    assert nowhere().steers()


def test_plugs_are_dropped_a_few_at_a_time() -> None:
    steering = Steering(Allocator("jemalloc"), [arena(0, 10), arena(1, 10)], [])
    steering.plugs = [[b"a"] * 5, [b"b"] * 5]
    assert not steering.drop_plugs(3)
    assert [len(plugs) for plugs in steering.plugs] == [5, 2]
    assert not steering.drop_plugs(4)
    assert [len(plugs) for plugs in steering.plugs] == [4]
    assert steering.drop_plugs(100)
    assert steering.plugs == []
