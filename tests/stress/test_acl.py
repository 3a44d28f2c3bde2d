"""Random ACL SETUSER inputs, and calls of the users that come out of them: no exception, no error in the ledger."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.stress.calls import Calls
from tests.support.local import LocalClient, LocalEngine, local_engine
from tests.support.suites import SUITE, time_limit
from tests.support.wire import OK, Array, Bulk, request

SEED = 20241128
QUICK = 3000
AUDIT_EVERY = 1000
PIECES = [
    *(b"+", b"-", b"@", b"~", b"%", b"&", b">", b"<", b"#", b"!", b"(", b")", b"|", b" ", b"*", b"", b"\0", b'"', b"'"),
    *(
        b"get",
        b"set",
        b"mget",
        b"config",
        b"config|get",
        b"select",
        b"acl",
        b"sort",
        b"all",
        b"read",
        b"write",
        b"slow",
    ),
    *(b"on", b"off", b"nopass", b"reset", b"resetkeys", b"allkeys", b"allchannels", b"allcommands", b"nocommands"),
    *(
        b"R~",
        b"W~",
        b"RW~",
        b"a",
        b"b*",
        b"[ab]",
        b"?",
        b"\xff\xfe",
        b"\\",
        b"0" * 64,
        b"x" * 300,
        b"\r\n",
        b"clearselectors",
    ),
]
GOOD = [
    b"on",
    b"nopass",
    b"+@all",
    b"-@all",
    b"~*",
    b"~a*",
    b"%R~b",
    b"+get",
    b"-set",
    b"+config|get",
    b"+select|0",
    b"(+get ~a)",
]
NAMES = [b"u", b"v", b"", b"w w", b"\0", b"x" * 100]


@pytest.fixture
def local() -> Iterator[LocalEngine]:
    engine = local_engine()
    yield engine
    engine.assert_sound()


def _rule(chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return chance.choice(GOOD)
    return b"".join(chance.choice(PIECES) for _ in range(chance.randint(0, 5)))


def _check_texts(admin: LocalClient) -> None:
    """Every user must be what its text says."""
    users = admin.do("ACL", "LIST")
    assert isinstance(users, Array)
    for line in users.items:
        assert isinstance(line, Bulk)
        _, name, rules = line.data.split(b" ", 2)
        if name == b"default":
            continue
        assert admin.do("ACL", "SETUSER", "copy", "reset", *rules.split(b" ")) == OK, line
        assert admin.do("ACL", "GETUSER", "copy") == admin.do("ACL", "GETUSER", name), line
        admin.do("ACL", "DELUSER", "copy")


def _fuzz(local: LocalEngine, count: int) -> None:
    chance = random.Random(SEED)
    admin, client = local.client(), local.client()
    calls = Calls()
    calls.learn(admin)
    for number in range(count):
        argv = [b"ACL", b"SETUSER", chance.choice(NAMES), *(_rule(chance) for _ in range(chance.randint(0, 6)))]
        call = calls.make(chance)
        try:
            admin.raw(request(*argv))
            if number % 5 == 0:
                client.raw(request(b"AUTH", chance.choice(NAMES), b"x"))
            if call[0] not in {b"CLIENT", b"RESET", b"MULTI"}:
                admin.raw(request(b"ACL", b"DRYRUN", chance.choice(NAMES), *call))
                client.client.receive(request(*call))
                client.client.take_output()
        except Exception as error:
            error.add_note(f"input {number}: {argv!r}, {call!r}")
            raise
        if client.session.is_closing() or client.session.holds or number % 50 == 49:
            local.drop(client)
            client = local.client(chance.choice([2, 3]))
        if number % 100 == 99:
            admin.do("ACL", "DELUSER", *chance.sample(NAMES, 3))
        if number % AUDIT_EVERY == AUDIT_EVERY - 1:
            _check_texts(admin)
            local.pass_time(1000)
            local.assert_sound()
    local.drop(client)


def test_random_rules_leave_everything_sound(local: LocalEngine) -> None:
    _fuzz(local, QUICK)


@pytest.mark.slow
@time_limit(900)
def test_a_long_run_of_random_rules_leaves_everything_sound(local: LocalEngine) -> None:
    _fuzz(local, SUITE.inputs)
