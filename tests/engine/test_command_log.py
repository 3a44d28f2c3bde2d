"""The command log: what it records of a request, and when."""

from __future__ import annotations

from tests.support.replies import NO_REPLY
from tests.support.world import World


def lines(world: World) -> list[tuple[list[bytes], bytes]]:
    """What is in the log: arguments and beginnings of replies."""
    return [(logged.argv, logged.reply) for logged in world.engine.command_log.commands]


def start(world: World, most: int = 100) -> None:
    world.engine.command_log.start(most)


def test_nothing_is_recorded_before_it_starts_or_after_it_stops(world: World) -> None:
    world.do("SET", "a", "1")
    start(world)
    world.do("GET", "a")
    world.engine.command_log.stop()
    world.do("GET", "b")
    assert lines(world) == [([b"GET", b"a"], b"$1\r\n1\r\n")]
    assert world.engine.core.gates.bits == 0


def test_the_last_commands_are_kept(world: World) -> None:
    start(world, 2)
    for number in range(5):
        world.do("SET", "a", str(number))
    assert [argv[2] for argv, _ in lines(world)] == [b"3", b"4"]


def test_errors_of_all_kinds_are_recorded(world: World) -> None:
    start(world)
    world.do("SET", "a", "x")
    for words in (
        ["INCR", "a"],
        ["NOPE"],
        ["GET"],
        ["CONFIG", "NOPE"],
        ["EXEC"],
        ["EVAL", "return redis.call('x')", "0"],
    ):
        world.do(*words)
    assert [reply.split()[0] for _, reply in lines(world)[1:]] == [b"-ERR"] * 6
    assert not any(reply.endswith(b"\r\n") for _, reply in lines(world)[1:])


def test_a_long_error_is_whole_and_a_long_reply_is_cut(world: World) -> None:
    start(world)
    error = world.raw("NOPE" * 20, "a" * 40)
    world.do("SET", "a", "x" * 100_000)
    world.do("GET", "a")
    replies = [reply for _, reply in lines(world)]
    assert replies[0] + b"\r\n" == error
    assert replies[2] == b"$100000\r\n" + b"x" * 55


def test_each_reply_of_a_pipeline_is_found(world: World) -> None:
    world.do("SET", "large", "x" * 100_000)
    start(world)
    world.client().pipeline(("PING",), ("GET", "large"), ("DBSIZE",), ("GET", "none"))
    assert [reply[:9] for _, reply in lines(world)] == [b"+PONG\r\n", b"$100000\r\n", b":1\r\n", b"$-1\r\n"]


def test_queued_commands_are_recorded_once(world: World) -> None:
    start(world)
    for words in (["MULTI"], ["SET", "a", "1"], ["EXEC"]):
        world.do(*words)
    assert lines(world) == [
        ([b"MULTI"], b"+OK\r\n"),
        ([b"SET", b"a", b"1"], b"+QUEUED\r\n"),
        ([b"EXEC"], b"*1\r\n+OK\r\n"),
    ]


def test_commands_of_scripts_are_not_recorded(world: World) -> None:
    start(world)
    world.do("EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "a")
    assert [argv[0] for argv, _ in lines(world)] == [b"EVAL"]


def test_a_blocked_command_ends_when_it_is_served(world: World) -> None:
    start(world)
    waiting = world.client()
    assert waiting.do("BLPOP", "q", "0") == NO_REPLY
    (logged,) = world.engine.command_log.commands
    assert (logged.has_ended, logged.reply) == (False, b"")
    world.do("RPUSH", "q", "a")
    (logged, _) = world.engine.command_log.commands
    assert (logged.has_ended, logged.reply) == (True, b"*2\r\n$1\r\nq\r\n$1\r\na\r\n")
    waiting.take_output()


def test_a_blocked_command_ends_when_it_times_out(world: World) -> None:
    start(world)
    waiting = world.client()
    assert waiting.do("BLPOP", "q", "1") == NO_REPLY
    world.advance(1100)
    (logged,) = world.engine.command_log.commands
    assert (logged.has_ended, logged.reply) == (True, b"*-1\r\n")
    waiting.take_output()


def test_a_blocked_command_ends_with_the_error_of_client_unblock(world: World) -> None:
    waiting = world.client()
    start(world)
    assert waiting.do("BLPOP", "q", "0") == NO_REPLY
    world.do("CLIENT", "UNBLOCK", str(waiting.id), "ERROR")
    assert lines(world)[0][1] == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK"
    waiting.take_output()


def test_a_command_that_was_put_off_is_recorded_when_it_runs(world: World) -> None:
    world.do("CLIENT", "PAUSE", "1000")
    start(world)
    paused = world.client()
    assert paused.do("SET", "a", "1") == NO_REPLY
    assert lines(world) == []
    world.advance(1100)
    assert lines(world) == [([b"SET", b"a", b"1"], b"+OK\r\n")]
    paused.take_output()


def test_a_client_that_wants_no_replies_has_none_in_the_log(world: World) -> None:
    world.do("CLIENT", "REPLY", "OFF")
    start(world)
    world.do("SET", "a", "1")
    (logged,) = world.engine.command_log.commands
    assert (logged.has_ended, logged.reply) == (True, b"")


def test_passwords_are_hidden(world: World) -> None:
    start(world)
    world.do("AUTH", "secret")
    world.do("HELLO", "3", "AUTH", "me", "secret")
    world.do("CONFIG", "SET", "requirepass", "secret")
    world.do("ACL", "SETUSER", "me", ">secret")
    assert len(lines(world)) == 4
    assert b"secret" not in b" ".join(word for argv, _ in lines(world) for word in argv)


def test_a_refused_command_is_recorded(world: World) -> None:
    world.do("CONFIG", "SET", "maxmemory", "1")
    start(world)
    world.do("SET", "a", "1")
    assert lines(world)[0][1].startswith(b"-OOM")


def test_it_says_who_sent_a_command_and_when(world: World) -> None:
    client = world.client()
    client.do("CLIENT", "SETNAME", "ann")
    client.do("SELECT", "3")
    start(world)
    client.do("PING")
    (logged,) = world.engine.command_log.commands
    assert (logged.client_id, logged.client_name, logged.database) == (client.id, b"ann", 3)
    assert logged.address == client.session.address
    assert logged.time_us == world.engine.keyspace.now_us
