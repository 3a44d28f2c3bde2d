"""Faults in the engine: what they hit, how often, and what is left of the client's connection."""

from __future__ import annotations

from typing import Any

import pytest

from pyredmem.engine.faults import (
    UNLIMITED_TIMES,
    ConnectionFault,
    CutFault,
    DelayFault,
    DropFault,
    ErrorFault,
    Fault,
    Schedule,
    Scope,
)
from pyredmem.engine.gates import GATE_FAULTY
from tests.support.replies import NO_REPLY, OK, PONG, Error
from tests.support.wire import QUEUED
from tests.support.world import Client, World

OOPS = Error(b"ERR oops")


def scope(world: World, *names: str, **patterns: bytes) -> Scope:
    commands = {int(world.engine.commands.commands[name.encode()].index) for name in names}
    return Scope(commands or None, patterns.get("key"), patterns.get("client"), patterns.get("address"))


def turns(times: int = UNLIMITED_TIMES, skip: int = 0, every: int = 1, probability: float = 1.0) -> Schedule:
    return Schedule(times, skip, every, probability)


def error(world: World, *names: str, schedule: Schedule | None = None, **patterns: bytes) -> Fault:
    fault = ErrorFault("oops", scope(world, *names, **patterns), schedule or turns(), b"ERR oops")
    world.engine.faults.add(fault)
    return fault


def cut(world: World, name: str, sent: int = 0, times: int = UNLIMITED_TIMES) -> Fault:
    fault = CutFault("cut", scope(world, name), turns(times), sent)
    world.engine.faults.add(fault)
    return fault


def delay(world: World, name: str, milliseconds: int, times: int = UNLIMITED_TIMES) -> Fault:
    fault = DelayFault("delay", scope(world, name), turns(times), 1000 * milliseconds)
    world.engine.faults.add(fault)
    return fault


def is_closed(client: Client) -> bool:
    return client.session.is_closing()


@pytest.fixture(name="world")
def fixture_world() -> Any:
    """A world that is sound at the end."""
    world = World()
    yield world
    world.engine.faults.check()
    world.engine.blocking.check()
    world.check()


def gate(world: World) -> bool:
    return world.engine.core.gates.bits & GATE_FAULTY != 0


# The gate.


def test_the_gate_is_closed_without_faults(world: World) -> None:
    assert not gate(world)


def test_the_gate_closes_when_the_last_fault_is_removed(world: World) -> None:
    fault = error(world, "get")
    assert gate(world)
    world.engine.faults.remove(fault)
    assert not gate(world)


def test_the_gate_closes_when_the_last_fault_is_used_up(world: World) -> None:
    error(world, "get", schedule=turns(times=1))
    assert world.do("GET", "k") == OOPS
    assert not gate(world)
    assert world.do("GET", "k") is None


def test_removing_a_fault_twice_does_nothing(world: World) -> None:
    fault = error(world, "get")
    world.engine.faults.remove(fault)
    world.engine.faults.remove(fault)
    assert world.do("GET", "k") is None


# What is hit.


def test_only_the_named_commands_are_hit(world: World) -> None:
    error(world, "get", "mget")
    assert [world.do("GET", "k"), world.do("MGET", "k"), world.do("SET", "k", "v")] == [OOPS, OOPS, OK]


def test_a_key_pattern_matches_any_key_of_the_command(world: World) -> None:
    error(world, key=b"user:*")
    assert world.do("MGET", "a", "user:1") == OOPS
    assert world.do("MGET", "a", "b") == [None, None]
    assert world.do("EVAL", "return 1", "1", "user:2") == OOPS
    assert world.do("PING") == PONG


def test_a_value_is_no_key(world: World) -> None:
    error(world, key=b"user:*")
    assert world.do("SET", "k", "user:1") == OK


def test_only_clients_with_the_name_are_hit(world: World) -> None:
    error(world, "get", client=b"worker-*")
    assert world.do("GET", "k") is None
    world.do("CLIENT", "SETNAME", "worker-1")
    assert world.do("GET", "k") == OOPS


def test_only_clients_at_the_address_are_hit(world: World) -> None:
    error(world, "get", address=b"127.0.0.7:*")
    assert world.do("GET", "k") is None
    assert world.client(address="127.0.0.7:1").do("GET", "k") == OOPS


def test_what_the_server_refuses_itself_is_not_hit(world: World) -> None:
    fault = error(world)
    assert world.do("GET") == Error(b"ERR wrong number of arguments for 'get' command")
    world.engine.faults.remove(fault)
    assert fault.schedule.fired == 0


def test_commands_in_a_script_are_not_hit(world: World) -> None:
    fault = error(world, "get")
    assert world.do("EVAL", "return redis.call('GET', 'k')", "1", "k") is None
    assert fault.schedule.fired == 0


# How often.


def test_a_fault_fires_as_often_as_it_should(world: World) -> None:
    fault = error(world, "get", schedule=turns(times=2))
    assert [world.do("GET", "k") for _ in range(4)] == [OOPS, OOPS, None, None]
    assert fault.schedule.fired == 2


def test_a_fault_may_fire_at_every_third_command(world: World) -> None:
    error(world, "get", schedule=turns(every=3))
    assert [world.do("GET", "k") for _ in range(6)] == [None, None, OOPS, None, None, OOPS]


def test_the_first_commands_may_be_left_out(world: World) -> None:
    error(world, "get", schedule=turns(skip=2, times=1))
    assert [world.do("GET", "k") for _ in range(4)] == [None, None, OOPS, None]


def test_chance_follows_the_seed() -> None:
    def run(seed: int) -> list[bool]:
        world = World(seed=seed)
        error(world, "get", schedule=turns(probability=0.5))
        return [world.do("GET", "k") == OOPS for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 60 < sum(run(1)) < 140


def test_the_fault_that_was_added_first_acts(world: World) -> None:
    first = error(world, "get", schedule=turns(times=1))
    second = error(world, "get", schedule=turns(times=1))
    world.do("GET", "k")
    assert (first.schedule.fired, second.schedule.fired) == (1, 0)


# Errors.


def test_an_error_is_counted_like_a_refusal(world: World) -> None:
    error(world, "get")
    world.do("GET", "k")
    assert world.counters("get").rejected == 1
    assert b"errorstat_ERR:count=1" in world.raw("INFO", "errorstats")


def test_an_error_in_multi_discards_the_transaction(world: World) -> None:
    error(world, "get", schedule=turns(times=1))
    world.do("MULTI")
    assert world.do("GET", "k") == OOPS
    assert world.do("EXEC") == Error(b"EXECABORT Transaction discarded because of previous errors.")


def test_an_error_for_exec_has_its_own_words_and_ends_the_transaction(world: World) -> None:
    error(world, "exec", schedule=turns(times=1))
    world.do("MULTI")
    world.do("SET", "k", "v")
    assert world.do("EXEC") == OOPS
    assert world.do("GET", "k") is None


def test_queued_commands_are_not_hit_again_by_exec(world: World) -> None:
    fault = error(world, "set", schedule=turns(every=2))
    world.do("MULTI")
    assert world.do("SET", "k", "v") == QUEUED
    assert world.do("EXEC") == [OK]
    assert fault.schedule.fired == 0


# Lost connections.


def drop(world: World, name: str, times: int = UNLIMITED_TIMES) -> Fault:
    fault = DropFault("drop", scope(world, name), turns(times))
    world.engine.faults.add(fault)
    return fault


def test_a_connection_lost_before_the_command(world: World) -> None:
    drop(world, "set")
    assert world.raw("SET", "k", "v") == b""
    assert is_closed(world.first)
    assert world.client().do("GET", "k") is None


def test_replies_before_the_lost_one_arrive(world: World) -> None:
    drop(world, "set")
    assert world.first.pipeline(["PING"], ["SET", "k", "v"], ["PING"]) == [PONG]


def test_a_connection_lost_after_the_command(world: World) -> None:
    cut(world, "set")
    assert world.first.pipeline(["PING"], ["SET", "k", "v"], ["PING"]) == [PONG]
    assert is_closed(world.first)
    assert world.client().do("GET", "k") == b"v"


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_reply_that_ends_in_the_middle(world: World, protocol: int) -> None:
    world.do("SET", "k", "value")
    cut(world, "get", 6)
    client = world.client(protocol)
    client.receive(b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    assert client.take_output() == b"+PONG\r\n" + b"$5\r\nva"
    assert is_closed(client)


def test_a_long_reply_that_ends_in_the_middle(world: World) -> None:
    world.do("SET", "k", "v" * 100_000)
    cut(world, "get", 50_000)
    assert len(world.raw("GET", "k")) == 50_000


def test_a_reply_is_never_sent_to_its_end(world: World) -> None:
    cut(world, "ping", 1000)
    assert world.raw("PING") == b"+PONG\r"


def test_hello_may_be_cut_off_in_the_middle(world: World) -> None:
    cut(world, "hello", 4)
    assert world.raw("HELLO", "3") == b"%7\r\n"


def test_a_connection_lost_while_queueing_discards_the_transaction(world: World) -> None:
    cut(world, "set")
    world.do("MULTI")
    assert world.raw("SET", "k", "v") == b""
    assert is_closed(world.first)
    assert world.client().do("EXISTS", "k") == 0


def test_the_effect_of_exec_stays_when_its_reply_is_lost(world: World) -> None:
    cut(world, "exec")
    world.do("MULTI")
    world.do("SET", "k", "v")
    assert world.raw("EXEC") == b""
    assert world.client().do("GET", "k") == b"v"


def test_a_blocked_client_loses_the_reply_when_it_gets_it(world: World) -> None:
    cut(world, "blpop", times=1)
    assert world.do("BLPOP", "q", "0") is NO_REPLY
    other = world.client()
    assert other.do("RPUSH", "q", "v") == 1
    assert is_closed(world.first)
    assert world.first.take_output() == b""
    assert other.do("LLEN", "q") == 0
    assert not gate(world)


def test_a_blocked_client_gets_a_part_of_its_reply(world: World) -> None:
    cut(world, "blpop", 5)
    world.do("BLPOP", "q", "0")
    world.client().do("RPUSH", "q", "v")
    assert world.first.take_output() == b"*2\r\n$"


def test_a_blocked_client_that_times_out_loses_its_reply(world: World) -> None:
    cut(world, "blpop")
    world.do("BLPOP", "q", "1")
    world.advance(1100)
    assert is_closed(world.first)
    assert world.first.take_output() == b""


def test_a_blocked_client_that_leaves_is_forgotten(world: World) -> None:
    cut(world, "blpop", times=1)
    other = world.client()
    other.do("BLPOP", "q", "0")
    assert gate(world)
    other.leave()
    assert not gate(world)


# Delays.


def test_a_delayed_command_runs_when_its_time_has_come(world: World) -> None:
    world.do("SET", "k", "v")
    fault = delay(world, "get", 500)
    assert world.do("GET", "k") is NO_REPLY
    world.advance(400)
    assert world.first.take_output() == b""
    world.advance(100)
    assert world.first.take_output() == b"$1\r\nv\r\n"
    assert fault.schedule.fired == 1


def test_others_are_served_meanwhile(world: World) -> None:
    delay(world, "get", 500, times=1)
    world.do("GET", "k")
    assert world.client().do("SET", "k", "later") == OK
    world.advance(500)
    assert world.first.take_output() == b"$5\r\nlater\r\n"
    assert not gate(world)


def test_requests_behind_a_delayed_one_keep_their_order(world: World) -> None:
    delay(world, "get", 500)
    assert world.first.pipeline(["PING"], ["GET", "k"], ["ECHO", "a"]) == [PONG]
    world.first.receive(b"*2\r\n$4\r\nECHO\r\n$1\r\nb\r\n")
    world.advance(500)
    assert world.first.replies() == [None, b"a", b"b"]


def test_each_of_two_commands_is_delayed(world: World) -> None:
    fault = delay(world, "get", 500)
    world.first.pipeline(["GET", "a"], ["GET", "b"])
    world.advance(500)
    assert world.first.replies() == [None]
    world.advance(500)
    assert world.first.replies() == [None]
    assert fault.schedule.fired == 2


def test_after_a_delay_the_faults_behind_it_have_their_turn(world: World) -> None:
    earlier = error(world, "get", schedule=turns(skip=1))
    delay(world, "get", 500)
    later = error(world, "get", schedule=turns(times=1))
    world.do("GET", "k")
    world.advance(500)
    assert world.first.replies() == [OOPS]
    assert (earlier.schedule.fired, later.schedule.fired) == (0, 1)


def test_delays_end_in_the_order_of_their_times(world: World) -> None:
    delay(world, "get", 300, times=1)
    delay(world, "get", 100, times=1)
    other = world.client()
    world.do("GET", "k")
    other.do("GET", "k")
    world.advance(100)
    assert other.replies() == [None]
    assert world.first.replies() == []
    world.advance(200)
    assert world.first.replies() == [None]


def test_removing_a_delay_lets_clients_go_on(world: World) -> None:
    fault = delay(world, "get", 10_000)
    world.do("GET", "k")
    world.engine.faults.remove(fault)
    world.engine.core.chores.run()
    assert world.first.replies() == [None]
    assert not gate(world)


def test_a_client_that_leaves_during_a_delay_is_forgotten(world: World) -> None:
    delay(world, "get", 500, times=1)
    other = world.client()
    other.do("GET", "k")
    other.leave()
    assert world.engine.faults.held() == 0
    assert not gate(world)


def test_a_pause_during_a_delay_does_not_repeat_it(world: World) -> None:
    fault = delay(world, "set", 200)
    other = world.client()
    world.do("SET", "k", "v")
    other.do("CLIENT", "PAUSE", "1000", "WRITE")
    world.advance(500)
    assert world.first.replies() == []
    world.advance(1000)
    assert world.first.replies() == [OK]
    assert fault.schedule.fired == 1


def test_a_delayed_exec_runs_the_transaction_as_a_whole(world: World) -> None:
    delay(world, "exec", 200)
    world.do("MULTI")
    world.do("INCR", "n")
    world.do("INCR", "n")
    world.do("EXEC")
    assert world.client().do("EXISTS", "n") == 0
    world.advance(200)
    assert world.first.replies() == [[1, 2]]


def test_a_delayed_client_is_not_disconnected_as_idle() -> None:
    world = World(timeout="1")
    delay(world, "get", 5000)
    world.do("GET", "k")
    world.advance(4900)
    assert not is_closed(world.first)


# Connections.


def test_clients_that_connect_are_told_that_there_are_too_many(world: World) -> None:
    fault = ConnectionFault("too many", turns(times=1), True)
    world.engine.faults.add_to_connections(fault)
    refused = world.client()
    assert refused.take_output() == b"-ERR max number of clients reached\r\n"
    assert is_closed(refused)
    assert world.client().do("PING") == PONG
    assert world.do("INFO", "stats") is not None
    assert b"rejected_connections:1" in world.raw("INFO", "stats")
    assert not gate(world)


# The report.


def test_hits_are_listed_in_order(world: World) -> None:
    error(world, "get", schedule=turns(times=2))
    drop(world, "set")
    world.do("GET", "a")
    world.do("GET", "b")
    world.do("SET", "k", "v" * 1000)
    lines = [str(hit) for hit in world.engine.faults.hits]
    assert lines == [
        "oops: client 1 at 127.0.0.1:50000: GET a",
        "oops: client 1 at 127.0.0.1:50000: GET b",
        "drop: client 1 at 127.0.0.1:50000: SET k " + "v" * 64,
    ]


def test_passwords_are_not_listed(world: World) -> None:
    error(world, "auth")
    world.do("AUTH", "secret")
    assert world.engine.faults.hits[0].words == [b"AUTH", b"(redacted)"]
