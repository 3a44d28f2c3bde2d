"""What the dispatcher replies before any handler runs."""

from __future__ import annotations

import contextlib

import pytest

from pyredmem.base.errors import CommandError
from pyredmem.engine.context import Context
from pyredmem.engine.gates import GATE_SUBSCRIBED
from tests.support.replies import NO_REPLY, OK, OUT_OF_MEMORY, PONG, Error, is_error, wrong_arity
from tests.support.wire import request
from tests.support.world import World


def test_an_unknown_command_is_named_with_its_arguments(world: World) -> None:
    assert world.do("nope", "a", "b") == Error(b"ERR unknown command 'nope', with args beginning with: 'a' 'b' ")


def test_at_most_128_bytes_of_the_arguments_are_shown(world: World) -> None:
    reply = world.do("nope", "x" * 200, "y")
    assert reply == Error(b"ERR unknown command 'nope', with args beginning with: '" + b"x" * 128 + b"' ")


def test_an_argument_is_shown_up_to_its_first_nul(world: World) -> None:
    assert world.do(b"no\x00pe", b"a\x00b") == Error(b"ERR unknown command 'no', with args beginning with: 'a' ")


def test_a_wrong_number_of_arguments_is_refused_by_name(world: World) -> None:
    assert world.do("GET") == wrong_arity("get")
    assert world.do("config", "get") == wrong_arity("config|get")


def test_an_unknown_subcommand_points_to_help(world: World) -> None:
    assert world.do("config", "nope") == Error(b"ERR unknown subcommand 'nope'. Try CONFIG HELP.")


def test_command_names_are_case_insensitive(world: World) -> None:
    assert world.do("pInG") == PONG


def test_a_client_that_speaks_http_is_disconnected_without_a_reply(world: World) -> None:
    assert world.do("POST", "/") == NO_REPLY
    assert world.session.is_closing()


def test_client_no_touch_takes_effect_inside_a_transaction_and_no_longer_than_its_commands(world: World) -> None:
    for choice in ("ON", "OFF"):
        world.do("MULTI")
        world.do("CLIENT", "NO-TOUCH", choice)
        world.do("GET", "k")
        world.do("EXEC")
        assert not world.engine.keyspace.no_touch


def test_debug_is_refused_before_it_is_queued(world: World) -> None:
    world.do("MULTI")
    assert is_error(world.do("DEBUG", "JMAP"), b"ERR DEBUG command not allowed.")
    assert world.do("EXEC") == Error(b"EXECABORT Transaction discarded because of previous errors.")


def test_the_memory_limit_is_checked_before_the_subscribed_state(world: World) -> None:
    world.do("CONFIG", "SET", "maxmemory", "1")
    world.session.set_gate(GATE_SUBSCRIBED, True)
    assert world.do("SET", "k", "v") == OUT_OF_MEMORY
    assert is_error(world.do("GET", "k"), b"ERR Can't execute 'get': only ")


def test_rejected_calls_are_counted(world: World) -> None:
    world.do("GET")
    counters = world.counters("get")
    assert (counters.calls(), counters.rejected) == (0, 1)


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("error", [CommandError(b"ERR no"), ZeroDivisionError()])
def test_a_handler_that_fails_in_any_way_leaves_nothing_set_behind_it(
    world: World, error: Exception, queued: bool
) -> None:
    def failing(context: Context, argv: list[bytes]) -> None:
        raise error

    client = world.client(protocol=3)
    client.do("CLIENT", "TRACKING", "ON")
    client.do("CLIENT", "NO-TOUCH", "ON")
    world.handle("get", failing)
    if queued:
        client.do("MULTI")
        client.do("GET", "k")
    with contextlib.suppress(ZeroDivisionError):
        client.do("EXEC") if queued else client.do("GET", "k")
    core = world.engine.core
    assert (core.acting_id, core.keyspace.no_touch) == (0, False)
    world.do("SET", "k", "v")
    client.session.messages().simple(b"not in the middle of a reply")
    assert client.session.take_output().endswith(b"+not in the middle of a reply\r\n")


def test_calls_nest_and_each_restores_what_the_outer_one_had(world: World) -> None:
    seen: list[tuple[int, bool]] = []
    other = world.client()

    def outer(context: Context, argv: list[bytes]) -> None:
        note(context, argv)
        other.session.receive(request("SET", "k", "v"))
        note(context, argv)

    def note(context: Context, argv: list[bytes]) -> None:
        core = world.engine.core
        seen.append((int(core.acting_id), core.keyspace.no_touch))
        if not seen[1:]:
            context.reply.ok()

    tracker = world.client(protocol=3)
    tracker.do("CLIENT", "TRACKING", "ON")
    world.do("CLIENT", "NO-TOUCH", "ON")
    world.handle("echo", outer)
    world.handle("set", note)
    assert world.do("ECHO", "x") == OK
    mine = (int(world.session.id), True)
    assert seen == [mine, (int(other.session.id), False), mine]
