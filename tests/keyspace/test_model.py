"""The keyspace against a plain dict: any sequence of key commands, while time passes, with and without ticks."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.replies import Reply
from tests.support.world import World

DATABASES = 2
NAMES = [b"k%d" % number for number in range(12)] + [b"", b"n" * 40]
KEY = st.sampled_from(NAMES)
DATABASE = st.integers(0, DATABASES - 1)
VALUE = st.one_of(
    st.integers(-5, 20_000).map(lambda number: b"%d" % number), st.sampled_from([b"", b"text", b"x" * 44, b"x" * 100])
)
LEFT_MS = st.integers(-2, 400)

# A value and the moment at which it expires, -1 for never.
Entry = tuple[bytes, int]


class KeyspaceMachine(RuleBasedStateMachine):
    """Two clients, one per database, and a model of what the databases should contain."""

    #: It chooses the layout of the blocks in the ledger.
    version = "7.2.0"

    def __init__(self) -> None:
        super().__init__()
        self.world = World(redis_version=self.version)
        keyspace = self.world.engine.keyspace
        self.clients = [self.world.client() for _ in range(DATABASES)]
        for index, client in enumerate(self.clients):
            client.session.db = keyspace.databases[index]
        self.model: list[dict[bytes, Entry]] = [{} for _ in range(DATABASES)]
        self.steps = 0

    def now_ms(self) -> int:
        return int(self.world.clock.now_us() // 1000)

    def alive(self, database: int) -> dict[bytes, Entry]:
        """The model of a database, after dropping its expired keys."""
        now_ms = self.now_ms()
        entries = self.model[database]
        for key in [key for key, (_, when_ms) in entries.items() if when_ms >= 0 and now_ms > when_ms]:
            del entries[key]
        return entries

    def ask(self, database: int, *words: bytes | str | int) -> Reply:
        return self.clients[database].do(*words)

    def number(self, database: int, *words: bytes | str | int) -> int:
        reply = self.ask(database, *words)
        assert isinstance(reply, int), reply
        return reply

    # Changes.

    @rule(database=DATABASE, key=KEY, value=VALUE)
    def set(self, database: int, key: bytes, value: bytes) -> None:
        self.ask(database, "SET", key, value)
        self.alive(database)[key] = (value, -1)

    @rule(database=DATABASE, key=KEY, value=VALUE, left_ms=st.integers(1, 400))
    def set_for_a_time(self, database: int, key: bytes, value: bytes, left_ms: int) -> None:
        self.ask(database, "SET", key, value, "PX", left_ms)
        self.alive(database)[key] = (value, self.now_ms() + left_ms)

    @rule(database=DATABASE, key=KEY)
    def append(self, database: int, key: bytes) -> None:
        self.ask(database, "APPEND", key, "more")
        entries = self.alive(database)
        value, when_ms = entries.get(key, (b"", -1))
        entries[key] = (value + b"more", when_ms)

    @rule(database=DATABASE, keys=st.lists(KEY, min_size=1, max_size=5), command=st.sampled_from(["DEL", "UNLINK"]))
    def delete(self, database: int, keys: list[bytes], command: str) -> None:
        entries = self.alive(database)
        there = [key for key in dict.fromkeys(keys) if entries.pop(key, None) is not None]
        assert self.number(database, command, *keys) == len(there)

    @rule(database=DATABASE, key=KEY, left_ms=LEFT_MS, condition=st.sampled_from(["", "NX", "XX", "GT", "LT"]))
    def expire(self, database: int, key: bytes, left_ms: int, condition: str) -> None:
        entries = self.alive(database)
        reply = self.number(database, "PEXPIRE", key, left_ms, *([condition] if condition else []))
        value, current = entries.get(key, (b"", -1))
        when_ms = self.now_ms() + left_ms
        done = (
            key in entries
            and {
                "": True,
                "NX": current < 0,
                "XX": current >= 0,
                "GT": 0 <= current < when_ms,
                "LT": current < 0 or when_ms < current,
            }[condition]
        )
        assert reply == done
        if done and left_ms <= 0:
            del entries[key]
        elif done:
            entries[key] = (value, when_ms)

    @rule(database=DATABASE, key=KEY)
    def persist(self, database: int, key: bytes) -> None:
        entries = self.alive(database)
        value, when_ms = entries.get(key, (b"", -1))
        assert self.number(database, "PERSIST", key) == (when_ms >= 0)
        if when_ms >= 0:
            entries[key] = (value, -1)

    @rule(database=DATABASE, key=KEY, new_key=KEY)
    def rename(self, database: int, key: bytes, new_key: bytes) -> None:
        entries = self.alive(database)
        self.ask(database, "RENAME", key, new_key)
        if key in entries:
            entries[new_key] = entries.pop(key)

    @rule(database=DATABASE, key=KEY, new_key=KEY)
    def rename_if_free(self, database: int, key: bytes, new_key: bytes) -> None:
        entries = self.alive(database)
        if key not in entries:
            return
        assert self.number(database, "RENAMENX", key, new_key) == (new_key not in entries)
        if new_key not in entries:
            entries[new_key] = entries.pop(key)

    @rule(database=DATABASE, key=KEY)
    def move(self, database: int, key: bytes) -> None:
        source, target = self.alive(database), self.alive(1 - database)
        moves = key in source and key not in target
        assert self.number(database, "MOVE", key, 1 - database) == moves
        if moves:
            target[key] = source.pop(key)

    @rule(database=DATABASE, to=DATABASE, key=KEY, new_key=KEY, replace=st.booleans())
    def copy(self, database: int, to: int, key: bytes, new_key: bytes, replace: bool) -> None:
        if (database, key) == (to, new_key):
            return
        source, destination = self.alive(database), self.alive(to)
        copies = key in source and (replace or new_key not in destination)
        words: list[str | int] = ["DB", to, *(["REPLACE"] if replace else [])]
        assert self.number(database, "COPY", key, new_key, *words) == copies
        if copies:
            destination[new_key] = source[key]

    @rule()
    def swap(self) -> None:
        self.ask(0, "SWAPDB", 0, 1)
        self.model.reverse()

    @rule(database=DATABASE, chance=st.integers(0, 9))
    def flush(self, database: int, chance: int) -> None:
        if chance == 0:
            self.ask(database, "FLUSHDB")
            self.model[database].clear()

    @rule(database=DATABASE, count=st.integers(1, 60))
    def add_many(self, database: int, count: int) -> None:
        for number in range(count):
            self.ask(database, "SET", f"many:{number}", number)
            self.model[database][b"many:%d" % number] = (b"%d" % number, -1)

    @rule(database=DATABASE)
    def delete_many(self, database: int) -> None:
        many = [key for key in self.model[database] if key.startswith(b"many:")]
        for key in many:
            self.ask(database, "DEL", key)
            del self.model[database][key]

    # Time.

    @rule(milliseconds=st.integers(1, 150))
    def pass_time(self, milliseconds: int) -> None:
        self.world.clock.advance_ms(milliseconds)

    @rule()
    def tick(self) -> None:
        self.world.engine.tick(self.now_ms())

    # Looking.

    @rule(database=DATABASE, key=KEY)
    def get(self, database: int, key: bytes) -> None:
        entries = self.alive(database)
        reply = self.ask(database, "GET", key)
        assert reply == (entries[key][0] if key in entries else None)

    @rule(database=DATABASE, key=KEY)
    def time_to_live(self, database: int, key: bytes) -> None:
        entries = self.alive(database)
        expected = -2
        if key in entries:
            when_ms = entries[key][1]
            expected = -1 if when_ms < 0 else when_ms - self.now_ms()
        assert self.number(database, "PTTL", key) == expected

    @rule(database=DATABASE)
    def list_keys(self, database: int) -> None:
        assert sorted(self.ask(database, "KEYS", "*")) == sorted(self.alive(database))

    @rule(database=DATABASE)
    def random_key(self, database: int) -> None:
        entries = self.alive(database)
        reply = self.ask(database, "RANDOMKEY")
        assert (reply in entries) if reply is not None else not entries

    @rule(database=DATABASE, count=st.integers(1, 20))
    def scan(self, database: int, count: int) -> None:
        found: list[bytes] = []
        cursor = b"0"
        while True:
            cursor, page = self.ask(database, "SCAN", cursor, "COUNT", count)
            assert isinstance(page, list)
            found += page
            if cursor == b"0":
                break
        assert set(found) == set(self.alive(database))

    @invariant()
    def sound(self) -> None:
        """Check the structure after every step, and the ledger, which takes longer, after every tenth."""
        self.world.engine.keyspace.check()
        self.steps += 1
        if self.steps % 10 == 0:
            report = self.world.engine.audit()
            assert report.ok, "\n".join(report.lines())

    def teardown(self) -> None:
        self.world.check()


class OneBlockMachine(KeyspaceMachine):
    """The same where a key, its value and its time have one block."""

    version = "8.2.0"


class ValkeyMachine(KeyspaceMachine):
    """The same with the sizes of Valkey."""

    version = "valkey-9.1"


STEPS = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestKeyspace = KeyspaceMachine.TestCase
TestKeyspace.settings = STEPS
TestOneBlock = OneBlockMachine.TestCase
TestOneBlock.settings = STEPS
TestValkey = ValkeyMachine.TestCase
TestValkey.settings = STEPS
