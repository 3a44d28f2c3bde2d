"""LOLWUT."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.differential.harness import Pair, step
from tests.differential.rules import same_type
from tests.support.servers import Server
from tests.support.specs import ask
from tests.support.world import World


def lines(world: World, *words: str) -> list[str]:
    return str(ask(world, "LOLWUT", *words)).split("\n")


def test_the_last_line_is_the_version(world: World) -> None:
    version = world.engine.profile.version
    assert lines(world) == [f"Redis ver. {version}", ""]
    for edition in ("5", "6"):
        assert lines(world, "VERSION", edition)[-2].endswith(f" Redis ver. {version}")


def test_an_older_version_draws_at_once() -> None:
    world = World(redis_version="6.2.14")
    assert len(lines(world)) > 10


def test_the_size_can_be_chosen(world: World) -> None:
    picture = lines(world, "VERSION", "6", "30", "4")
    assert len(picture) == 4 + 3
    assert picture[0].count("m") == 31
    assert {len(line) for line in lines(world, "VERSION", "5", "20", "2", "1")[:-3]} == {20}


@pytest.mark.parametrize("edition", ["5", "6"])
@pytest.mark.parametrize("size", ["0 0 0", "-5 -5 -5", "1 1 1", "100000 1 1", "1 3 3"])
def test_sizes_are_forced_into_bounds(world: World, edition: str, size: str) -> None:
    assert lines(world, "VERSION", edition, *size.split())[-2].endswith(world.engine.profile.version)


def test_a_picture_has_at_most_a_thousand_lines(world: World) -> None:
    assert len(lines(world, "VERSION", "5", "1000", "1", "200")) <= 1000 + 4


def test_the_reply_is_verbatim_text(world: World) -> None:
    world.set_protocol(3)
    assert world.raw("LOLWUT").startswith(b"=21\r\ntxt:Redis ver. ")


@pytest.mark.needs_redis
@pytest.mark.parametrize("words", ["", "VERSION", "VERSION x", "VERSION 5 x", "VERSION 9 x", "x", "VERSION 6 5 5"])
def test_a_real_server_refuses_the_same_calls(real: Server, ours: Server, words: str) -> None:
    with closing(Pair(real, ours)) as pair:
        pair.check([step("LOLWUT", *words.split(), rule=same_type)], 3)
