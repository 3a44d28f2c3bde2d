"""Access control compared with real servers: rules, their texts, what they permit, errors, the log.

The judge of texts is redis-server 8.2: 7.0 simplifies the rules about commands and has other words in its errors. What
is permitted is compared with both.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.differential.grammar_acl import doubtful_rules, rules
from tests.stress.calls import WAITING, Calls
from tests.support.local import LocalClient, LocalEngine, local_engine
from tests.support.servers import Server
from tests.support.suites import SUITE
from tests.support.wire import OK, Array, Bulk, Closed, Error, Reply, Wire, request

pytestmark = pytest.mark.needs_redis

CALLS_PER_EXAMPLE = 20
EXAMPLES = max(100, SUITE.commands_per_group // CALLS_PER_EXAMPLE)
#: Calls of commands that the generator of calls leaves out.
OTHER_CALLS: list[list[bytes]] = [
    [b"CONFIG", b"GET", b"a"],
    [b"CONFIG", b"SET", b"a", b"b"],
    [b"ACL", b"WHOAMI"],
    [b"SELECT", b"0"],
    [b"SELECT", b"1"],
    [b"FLUSHALL", b"async"],
    [b"AUTH", b"x"],
    [b"QUIT"],
    [b"MGET", b"a", b"b", b"c"],
    [b"MSET", b"a", b"1", b"b", b"2"],
    [b"SET", b"a", b"1", b"GET"],
    [b"SET", b"b", b"1"],
]


#: Calls that change the state of the client, or may block it.
NOT_CALLED = {b"QUIT", b"AUTH", b"HELLO", b"RESET", b"CLIENT", b"MULTI", b"MONITOR", b"XREAD", b"XREADGROUP"}
NOT_CALLED |= {name.encode() for name in WAITING}


class Both:
    """A real server and an engine in this process, which get the same commands."""

    def __init__(self, wire: Wire, client: LocalClient) -> None:
        self.wire = wire
        self.client = client
        self.calls = Calls()
        self.calls.learn(client)
        self.known = {name.data for name in _items(wire.do("COMMAND", "LIST"))}
        for name in list(self.calls.commands):
            if name.lower().replace(" ", "|").encode() not in self.known:
                del self.calls.commands[name]

    def run(self, commands: list[list[bytes]]) -> list[tuple[list[bytes], Reply, Reply]]:
        """Run commands on both; returns each with the reply of the real server and ours."""
        theirs = self.wire.pipeline(commands)
        return list(zip(commands, theirs, [self.client.do(*command) for command in commands], strict=True))

    def agree(self, commands: list[list[bytes]]) -> None:
        """Run commands on both, and require equal replies."""
        for command, theirs, ours in self.run(commands):
            assert ours == theirs, command

    def random_calls(self, seed: int) -> list[list[bytes]]:
        chance = random.Random(seed)
        made = [self.calls.make(chance) for _ in range(CALLS_PER_EXAMPLE)]
        return [chance.choice(OTHER_CALLS) if chance.random() < 0.2 else call for call in made]


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEngine]:
    engine = local_engine()
    yield engine
    engine.assert_sound()


@pytest.fixture
def newer_and_ours(newer: Server, local: LocalEngine) -> Iterator[Both]:
    with newer.connect() as wire:
        both = Both(wire, local.client())
        yield both
        for side in (wire.do, both.client.do):
            side("ACL", "DELUSER", "u", "v")


@pytest.fixture
def real_and_ours(real: Server, local: LocalEngine) -> Iterator[Both]:
    with real.connect() as wire:
        both = Both(wire, local.client())
        yield both
        for side in (wire.do, both.client.do):
            side("ACL", "DELUSER", "u", "v")


def test_random_rules_have_the_texts_of_redis_and_permit_the_same(newer_and_ours: Both) -> None:
    @given(rules, rules, st.integers(0, 2**32))
    @settings(max_examples=EXAMPLES)
    def compare(first: list[bytes], then: list[bytes], seed: int) -> None:
        newer_and_ours.agree(
            [
                [b"ACL", b"SETUSER", b"u", b"reset"],
                [b"ACL", b"SETUSER", b"u", *first],
                [b"ACL", b"SETUSER", b"u", *then],
                [b"ACL", b"GETUSER", b"u"],
                [b"ACL", b"LIST"],
                *[[b"ACL", b"DRYRUN", b"u", *call] for call in newer_and_ours.random_calls(seed)],
            ]
        )

    compare()


def test_random_rules_permit_what_they_permit_in_the_older_redis(real_and_ours: Both) -> None:
    """The users must be the same, so both servers refuse the same rules."""

    @given(rules, st.integers(0, 2**32))
    @settings(max_examples=EXAMPLES)
    def compare(chosen: list[bytes], seed: int) -> None:
        real_and_ours.agree(
            [[b"ACL", b"SETUSER", b"u", b"reset", b"sanitize-payload"], [b"ACL", b"SETUSER", b"u", *chosen]]
        )
        dry_runs = [[b"ACL", b"DRYRUN", b"u", *call] for call in real_and_ours.random_calls(seed)]
        for command, theirs, ours in real_and_ours.run(dry_runs):
            if isinstance(theirs, Error) or isinstance(ours, Error):  # some commands take more arguments in 7.2
                continue
            text = theirs
            if isinstance(theirs, Bulk):
                text = Bulk(theirs.data.replace(b"This user", b"User u", 1))
            assert ours == text, command

    compare()


def test_what_is_wrong_with_random_rules_is_said_in_the_words_of_redis(newer_and_ours: Both) -> None:
    @given(doubtful_rules, rules)
    @settings(max_examples=EXAMPLES)
    def compare(doubtful: list[bytes], then: list[bytes]) -> None:
        newer_and_ours.agree(
            [
                [b"ACL", b"SETUSER", b"u", b"reset"],
                [b"ACL", b"SETUSER", b"u", *doubtful],
                [b"ACL", b"SETUSER", b"u", *then, *doubtful],
                [b"ACL", b"GETUSER", b"u"],
            ]
        )

    compare()


def test_random_calls_are_refused_in_the_same_words(newer: Server, local: LocalEngine) -> None:
    """The calls are made by a client of the user, not tried by DRYRUN. The replies to permitted calls may differ."""
    with newer.connect() as admin, newer.connect() as wire:
        ours_admin, ours = local.client(), local.client()
        both = Both(wire, ours)
        for side in (admin.do, ours_admin.do):
            side("ACL", "SETUSER", "v", "on", "nopass")
        both.agree([[b"AUTH", b"v", b"x"]])

        @given(rules, st.integers(0, 2**32))
        @settings(max_examples=EXAMPLES // 4)
        def compare(chosen: list[bytes], seed: int) -> None:
            change = [
                b"ACL",
                b"SETUSER",
                b"v",
                b"reset",
                b"on",
                b"nopass",
                *chosen,
                b"-client",
                b"-@blocking",
                b"-reset",
            ]
            if admin.do(*change) != OK:
                assert ours_admin.do(*change) != OK
                return
            assert ours_admin.do(*change) == OK
            calls = [call for call in both.random_calls(seed) if call[0].upper() not in NOT_CALLED]
            for call, theirs, reply in both.run(calls):
                assert _refusal(reply) == _refusal(theirs), call

        compare()
        for side in (admin.do, ours_admin.do):
            side("ACL", "DELUSER", "v")
            side("FLUSHALL")


def _refusal(reply: Reply) -> bytes | None:
    """The text of a refusal because of rules."""
    if isinstance(reply, Error) and (reply.text.startswith(b"NOPERM") or b"insufficient ACL" in reply.text):
        return reply.text
    return None


def test_the_categories_contain_the_same_commands(newer_and_ours: Both) -> None:
    both = newer_and_ours
    served = {name.data for name in _items(both.client.do("COMMAND", "LIST"))} & both.known
    [(_, theirs, ours)] = both.run([[b"ACL", b"CAT"]])
    assert ours == theirs
    for category in _items(ours):
        [(_, theirs, ours)] = both.run([[b"ACL", b"CAT", category.data]])
        assert {name.data for name in _items(ours)} & served == {name.data for name in _items(theirs)} & served


def _items(reply: Reply) -> list[Bulk]:
    assert isinstance(reply, Array), reply
    return [item for item in reply.items if isinstance(item, Bulk)]


# Scripts of several clients. A line is `name: WORD WORD ...`; each client is a connection.

SCRIPTS = {
    "errors of the commands": """
        m: ACL
        m: ACL NOSUCH
        m: ACL SETUSER
        m: ACL SETUSER a\\0b
        m: ACL GETUSER nobody
        m: ACL DELUSER
        m: ACL DELUSER nobody
        m: ACL DELUSER default
        m: ACL SETUSER u
        m: ACL DELUSER u default v
        m: ACL USERS
        m: ACL CAT nosuch
        m: ACL CAT read write
        m: ACL GENPASS 0
        m: ACL GENPASS 4097
        m: ACL GENPASS -1
        m: ACL GENPASS x
        m: ACL GENPASS 1 2
        m: ACL LOG x
        m: ACL LOG -1
        m: ACL LOG 1 2
        m: ACL LOG RESET x
        m: ACL LOAD
        m: ACL SAVE
        m: ACL WHOAMI x
        m: ACL DRYRUN nobody get k
        m: ACL DRYRUN default nosuch
        m: ACL DRYRUN default config nosuch
        m: ACL DRYRUN default get
        m: ACL DRYRUN default config
        m: ACL DRYRUN default get k
    """,
    "logging in": """
        m: ACL SETUSER u on >p >q +@all ~*
        a: AUTH u x
        a: AUTH u p
        a: ACL WHOAMI
        a: AUTH u q
        a: AUTH nobody p
        a: ACL WHOAMI
        m: ACL SETUSER u <p
        b: AUTH u p
        m: ACL SETUSER u off
        a: ACL WHOAMI
        b: AUTH u q
        m: ACL SETUSER u on nopass
        b: AUTH u anything
        b: ACL WHOAMI
        b: RESET
        b: ACL WHOAMI
        b: AUTH default anything
        b: AUTH p
        b: AUTH a b c
        m: ACL LOG
    """,
    "a password of the default user": """
        m: CONFIG SET requirepass one
        a: PING
        a: AUTH two
        a: AUTH one
        a: PING
        m: ACL SETUSER default >two
        b: AUTH default two
        b: PING
        m: CONFIG GET requirepass
        m: CONFIG SET requirepass three
        c: AUTH two
        c: AUTH one
        c: AUTH three
        m: ACL LIST
        m: CONFIG SET requirepass ""
        m: ACL LIST
        d: PING
    """,
    "the default user is disabled": """
        a: PING
        m: ACL SETUSER u on nopass +@all ~*
        m: ACL SETUSER default off
        a: PING
        b: PING
        b: AUTH default x
        b: AUTH x
        b: AUTH u x
        b: PING
        b: RESET
        b: PING
        a: ACL SETUSER default on
        b: PING
    """,
    "the rules of a client change while it is connected": """
        m: ACL SETUSER u on nopass +@all ~*
        a: AUTH u x
        a: SET k v
        m: ACL SETUSER u -set
        a: SET k v
        a: GET k
        m: ACL SETUSER u resetkeys ~a*
        a: GET k
        a: GET a1
        a: MGET a1 k
        m: ACL SETUSER u reset
        a: GET a1
        a: AUTH u x
        a: PING
        m: ACL SETUSER u +@all allkeys allchannels
        a: SET k w
        m: ACL SETUSER default -get
        m: GET k
        a: ACL SETUSER default +@all
        m: GET k
    """,
    "commands that anybody may use": """
        m: ACL SETUSER u on nopass
        a: AUTH u x
        a: PING
        a: AUTH u y
        a: RESET
        a: PING
        a: AUTH u x
        a: NOSUCH
        a: GET
        a: CONFIG
        a: CONFIG NOSUCH
        a: QUIT
    """,
    "first arguments": """
        m: ACL SETUSER u on nopass +select|1 +select|2 +get|k ~*
        a: AUTH u x
        a: SELECT 1
        a: SELECT 0
        a: SELECT 2
        a: GET k
        a: GET l
        m: ACL SETUSER u -select
        a: SELECT 1
    """,
    "MULTI checks a command when it is queued": """
        m: ACL SETUSER u on nopass ~k* +@all -del
        a: AUTH u x
        a: MULTI
        a: SET k v
        a: DEL k
        a: EXEC
        a: MULTI
        a: GET x
        a: EXEC
        m: ACL LOG
    """,
    "MULTI checks a command again when it runs": """
        m: ACL SETUSER u on nopass ~* +@all
        a: AUTH u x
        a: MULTI
        a: SET k v
        a: GET k
        a: MGET a k
        a: DEL k
        m: ACL SETUSER u -del resetkeys ~k
        a: EXEC
        m: ACL LOG
        m: INFO errorstats
    """,
    "the rules change inside a transaction": """
        m: ACL SETUSER u on nopass ~* +@all
        a: AUTH u x
        a: MULTI
        a: GET k
        a: ACL SETUSER u -get
        a: GET k
        a: SET k v
        a: EXEC
        a: GET k
    """,
    "EXEC itself is denied": """
        m: ACL SETUSER u on nopass ~* +@all -exec
        a: AUTH u x
        a: MULTI
        a: SET k v
        a: EXEC
        a: GET k
        m: ACL LOG
    """,
    "SORT reads other keys only with all keys": """
        m: RPUSH l 1 2
        m: ACL SETUSER u on nopass ~l %R~r* +sort +sort_ro
        a: AUTH u x
        a: SORT l
        a: SORT l BY nosort
        a: SORT l BY w_*
        a: SORT l GET #
        a: SORT l GET w_* NOSUCH
        a: SORT_RO l GET w_*
        a: SORT l STORE l
        a: SORT l STORE r1
        m: ACL SETUSER u %R~*
        a: SORT l BY w_* GET #
        a: SORT l GET v_* STORE r1
        m: ACL SETUSER u resetkeys ~l (+sort ~*)
        a: SORT l BY w_*
        a: SORT_RO l BY w_*
        m: ACL SETUSER u (+sort_ro %W~*) (+sort_ro %R~l*)
        a: SORT_RO l BY w_*
    """,
    "of several selectors the weightiest denial counts": """
        m: ACL SETUSER u on nopass +get ~a* (+mget %R~b* ~c) (+mset ~d*)
        a: AUTH u x
        a: GET b
        a: MGET b1 c b2
        a: MGET b1 x b2 y
        a: MSET d1 1 d2 2
        a: MSET d1 1 c 2
        a: SET a 1
        m: ACL LOG
    """,
    "what a command does with a key matters": """
        m: ACL SETUSER u on nopass +@all %R~r* %W~w*
        a: AUTH u x
        a: GET r
        a: GET w
        a: SET r 1
        a: SET w 1
        a: SET w 1 GET
        a: INCR w
        a: APPEND w 1
        a: STRLEN w
        a: EXISTS r
        a: TYPE w
        a: GETDEL w
        a: COPY r w
        a: COPY w r
        a: RENAME r w
        a: BITFIELD r GET u8 0
        a: BITFIELD w SET u8 0 1
        a: ZUNIONSTORE w 2 r1 r2
        a: ZUNIONSTORE w 2 r1 x2
        a: LMOVE r w LEFT LEFT
        a: XREAD STREAMS r w 0 0
        a: OBJECT ENCODING w
        a: SCAN 0
        a: KEYS *
        m: ACL LOG 20
    """,
    "a deleted user": """
        m: ACL SETUSER u on nopass +@all ~*
        m: ACL SETUSER v on nopass +@all ~*
        a: AUTH u x
        b: AUTH v x
        c: AUTH u x
        m: ACL DELUSER u nobody
        a: PING
        b: PING
        c: PING
        b: ACL DELUSER v
        b: PING
        m: ACL USERS
    """,
    "clients are killed by the name of their user": """
        m: ACL SETUSER u on nopass
        a: AUTH u x
        m: CLIENT KILL USER nobody
        m: CLIENT KILL USER u
        a: PING
        m: CLIENT KILL USER u
        m: CLIENT KILL USER default ID 0
    """,
    "the log counts what is denied again": """
        m: ACL SETUSER u on nopass +get
        a: AUTH u x
        a: SET a 1
        a: SET b 1
        a: GET a
        a: GET b
        a: GET a
        b: AUTH u x
        b: GET a
        b: AUTH nobody x
        b: auth nobody y
        m: HELLO 2 AUTH nobody z
        m: ACL LOG
        m: ACL LOG 1
        m: CONFIG SET acllog-max-len 2
        m: ACL LOG
        b: GET c
        m: ACL LOG
        m: CONFIG SET acllog-max-len 0
        m: ACL LOG
        b: GET d
        m: ACL LOG
        m: CONFIG SET acllog-max-len 128
        m: ACL LOG RESET
        m: ACL LOG
    """,
    "the log compares a denial with ten entries": """
        m: ACL SETUSER u on nopass +get
        a: AUTH u x
        a: GET k1
        a: GET k2
        a: GET k3
        a: GET k4
        a: GET k5
        a: GET k6
        a: GET k7
        a: GET k8
        a: GET k9
        a: GET k10
        a: GET k1
        a: GET k11
        a: GET k2
        m: ACL LOG 20
    """,
    "secrets are not shown": """
        m: CONFIG SET slowlog-log-slower-than 0
        m: SLOWLOG RESET
        m: ACL SETUSER u on >secret
        m: ACL GETUSER u
        m: ACL DELUSER u
        m: ACL DRYRUN default get k
        m: AUTH default secret
        m: CONFIG SET slowlog-log-slower-than -1
        m: SLOWLOG GET 20
    """,
    "acl-pubsub-default": """
        m: CONFIG SET acl-pubsub-default allchannels
        m: ACL SETUSER u
        m: ACL GETUSER u
        m: ACL SETUSER u resetchannels (~a) (resetchannels &b)
        m: ACL GETUSER u
        m: CONFIG SET acl-pubsub-default resetchannels
        m: ACL SETUSER u (~c)
        m: ACL GETUSER u
        m: ACL SETUSER u reset
        m: ACL GETUSER u
    """,
}
#: 7.0 does not check a command again that was blocked.
NEW_SCRIPTS = {
    "a blocked client whose rules change": """
        m: ACL SETUSER u on nopass +@all ~*
        a: AUTH u x
        a: BLPOP k 0 ...
        m: ACL SETUSER u -blpop
        m: RPUSH k v
        a: ?
        m: LRANGE k 0 -1
        m: ACL LOG
    """,
    "a blocked client that loses its key": """
        m: ACL SETUSER u on nopass +@all ~*
        a: AUTH u x
        a: BLMOVE k l LEFT LEFT 0 ...
        m: ACL SETUSER u resetkeys %R~l ~k
        m: RPUSH k v
        a: ?
        m: LRANGE k 0 -1
    """,
}


CLEANUP = (
    "ACL SETUSER default reset on nopass allkeys allchannels allcommands",
    "ACL DELUSER u v",
    "ACL LOG RESET",
    "CONFIG RESETSTAT",
)


class Stage:
    """One server, and the connections of a script by name."""

    def __init__(self, server: Server, protocol: int) -> None:
        self._server = server
        self._protocol = protocol
        self._wires: dict[str, Wire] = {}
        self._admin = server.connect()  # it stays authenticated, whatever becomes of the default user

    def play(self, script: str) -> list[tuple[str, object]]:
        """Play a script; returns each line with what its client got."""
        return [(line.strip(), self._play_line(line.strip())) for line in script.strip().splitlines()]

    def _play_line(self, line: str) -> object:
        name, _, command = line.partition(": ")
        if name not in self._wires:
            self._wires[name] = self._server.connect()
            self._wires[name].do("HELLO", self._protocol)  # an error if the client must authenticate first
        wire = self._wires[name]
        words = [b"" if word == '""' else word.encode().replace(b"\\0", b"\0") for word in command.split(" ")]
        try:
            if words == [b"?"]:
                return _without_chance(wire.receive())
            if words[-1] == b"...":
                wire.send(request(*words[:-1]))
                return None
            return _without_chance(wire.do(*words))
        except (OSError, Closed):
            return "closed"

    def close(self) -> None:
        """Delete the users, and close the connections."""
        for command in CLEANUP:
            assert not isinstance(self._admin.do(*command.split(" ")), Error), command
        for wire in [self._admin, *self._wires.values()]:
            wire.close()


#: What differs from server to server, or with chance: ids, times, addresses, and most of the description of a client.
_CHANCE = (
    (r"(b'(?:entry-id|timestamp-created|timestamp-last-updated)'\)), Integer\(value=\d+\)", r"\1"),
    (r"(b'age-seconds'\)), (?:Bulk\(data|Double\(text)=b'[^']*'\)", r"\1"),
    (r"id=\d+ addr=[^']*?(cmd=\S+ user=\S*)[^']*", r"\1"),
    (r"Integer\(value=\d+\), Integer\(value=\d{9,}\), Integer\(value=\d+\)", "Slow"),
    (r"127\.0\.0\.1:\d+", "address"),
)


def _without_chance(reply: Reply) -> str:
    shown = repr(reply)
    for pattern, replacement in _CHANCE:
        shown = re.sub(pattern, replacement, shown)
    return shown


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("script", [*SCRIPTS.values(), *NEW_SCRIPTS.values()], ids=[*SCRIPTS, *NEW_SCRIPTS])
def test_a_script_gets_the_replies_of_redis(newer: Server, ours: Server, script: str, protocol: int) -> None:
    played: list[list[tuple[str, object]]] = []
    for server in (newer, ours):
        stage = Stage(server, protocol)
        try:
            played.append(stage.play(script))
        finally:
            stage.close()
    for theirs, reply in zip(*played, strict=True):
        assert reply == theirs


def test_passwords_that_are_generated_have_the_asked_for_length(newer_and_ours: Both) -> None:
    for bits in (b"1", b"4", b"5", b"8", b"9", b"255", b"256", b"4096"):
        [(_, theirs, ours)] = newer_and_ours.run([[b"ACL", b"GENPASS", bits]])
        assert isinstance(theirs, Bulk)
        assert isinstance(ours, Bulk)
        assert len(ours.data) == len(theirs.data)
