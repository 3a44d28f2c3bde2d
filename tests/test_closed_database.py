"""Commands see keys and values but not the tables of a database, and ask the database for a value before changing it.

The first half reads the sources. The second half runs commands and looks at all values before and after each of them:
if a value has changed, a method of `Database` that gives out values to change must have been called for its key, and
before the change. A snapshot that is taken while commands run will depend on that.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyredmem.base.build import COMPILED
from pyredmem.keyspace.database import Database
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_writer import RdbWriter
from tests.differential.grammar import Form, sequences, with_few_names
from tests.differential.grammar_bitmaps import BITMAPS
from tests.differential.grammar_geo import GEO
from tests.differential.grammar_hashes import HASHES
from tests.differential.grammar_hyperloglogs import HYPERLOGLOGS
from tests.differential.grammar_keys import EXPIRY_COMMANDS, KEYS_COMMANDS
from tests.differential.grammar_lists import LISTS
from tests.differential.grammar_sets import SETS
from tests.differential.grammar_sort import SORTING
from tests.differential.grammar_sorted_sets import SORTED_SETS
from tests.differential.grammar_streams import STREAMS
from tests.differential.grammar_strings import STRINGS
from tests.differential.harness import Step
from tests.support.wire import Argument
from tests.support.world import World

PACKAGE = Path(__file__).resolve().parents[1] / "pyredmem"

# Reading the sources.

#: The parts of a database that only the package `keyspace` may name.
INSIDE = {"keys", "values", "expires", "due_keys", "expires_cursor"}
INSIDE |= {"find_slot", "evict", "evict_volatile", "delete_expired"}
#: Expressions that are a database: names, attributes, and what is taken from a list of databases.
DATABASE_NAMES = {"db", "database", "source_db", "target_db", "databases"}


def is_database(node: ast.expr, holders: set[str]) -> bool:
    """Whether an expression looks like a database; ``holders`` are variables that hold one."""
    if isinstance(node, ast.Subscript):
        return is_database(node.value, holders)
    if isinstance(node, ast.Attribute):
        return node.attr in DATABASE_NAMES
    if isinstance(node, ast.Name):
        return node.id in holders
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "database_at"


def holders_of(tree: ast.Module) -> set[str]:
    """The variables and parameters that hold a database, whatever they are called."""
    found = set(DATABASE_NAMES)
    before: set[str] = set()
    while before != found:  # a variable may be assigned to another one
        before = found.copy()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and is_database(node.value, found):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.For) and is_database(node.iter, found) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
            elif isinstance(node, ast.arg) and node.annotation and ast.unparse(node.annotation) == "Database":
                found.add(node.arg)
    return found


def breaches(source: str) -> Iterator[str]:
    """Where a module reaches into a database."""
    tree = ast.parse(source)
    holders = holders_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "pyredmem.keyspace.tables":
            yield f"line {node.lineno}: imports the tables"
        if not isinstance(node, ast.Attribute):
            continue
        if is_database(node.value, holders) and (node.attr in INSIDE or node.attr.startswith("_")):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "source",
    [
        "context.db.keys.used",
        "slot = db.find_slot(key)",
        "db = context.db\nnames = db.expires.keys",
        "db = context.db\ntable = db.keys",
        "target = context.keyspace.databases[1]\ntarget.keys.find(key)",
        "for one in keyspace.databases: one.due_keys.clear()",
        "def move(source: Database): source.due_keys.move(key)",
        "keyspace.databases[0].expires.used",
        "context.db._replace(slot, value)",
        "source = context.db\ntarget = source\ntarget.keys.used",
        "target = database_at(context, argv[2])\ntarget.expires.used",
        "from pyredmem.keyspace.tables import KeyTable",
    ],
)
def test_reaching_into_a_database_is_noticed(source: str) -> None:
    assert list(breaches(source))


@pytest.mark.parametrize("source", ["context.db.read(key)", "group.keys.append(key)", "value = db.write(argv[1])"])
def test_asking_a_database_is_allowed(source: str) -> None:
    assert not list(breaches(source))


@pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs the sources, not an installed package")
@pytest.mark.parametrize("package", ["commands", "info", "engine"])
def test_nothing_outside_the_keyspace_names_slots_or_tables(package: str) -> None:
    modules = sorted((PACKAGE / package).rglob("*.py"))
    assert modules
    found = [f"{path.name}, {breach}" for path in modules for breach in breaches(path.read_text())]
    assert not found


# Running commands.

Place = tuple[int, bytes]
Image = tuple[RedisObject, bytes, bytes]  # the value, its encoding, its content

#: The methods that give out a value to change, or change it themselves.
DOORS = ("write", "write_string", "write_integer", "modify", "store_string")

FORMS: list[Form] = [
    form
    for group in (
        STRINGS,
        BITMAPS,
        GEO,
        HYPERLOGLOGS,
        HASHES,
        LISTS,
        SETS,
        SORTING,
        SORTED_SETS,
        STREAMS,
        EXPIRY_COMMANDS,
        KEYS_COMMANDS,
    )
    for form in group
]
STRATEGY = sequences(FORMS).map(with_few_names)

needs_patching = pytest.mark.skipif(COMPILED, reason="compiled methods cannot be wrapped")


def image(value: RedisObject) -> Image:
    """Everything about a value that a snapshot or a client could see."""
    writer = RdbWriter(False)
    value.save(writer)
    return value, value.encoding(), writer.payload()


class Watched:
    """A world whose values are compared before and after each command."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.world = World()
        self.before: dict[Place, Image] = {}
        self.announced: set[Place] = set()
        for name in DOORS:
            patch.setattr(Database, name, self._watched(getattr(Database, name)))

    def _watched(self, door: Callable[..., object]) -> Callable[..., object]:
        @wraps(door)
        def called(database: Database, key: bytes, *arguments: object) -> object:
            self._announce(database, key)
            return door(database, key, *arguments)

        return called

    def _announce(self, database: Database, key: bytes) -> None:
        place = (int(database.index), key)
        before = self.before.get(place)
        value = database.stored_value(key)
        if place not in self.announced and before is not None and value is before[0]:
            assert image(value) == before, f"{key!r} was changed before the database was asked for it"
        self.announced.add(place)

    def images(self) -> dict[Place, Image]:
        return {
            (int(database.index), key): image(value)
            for database in self.world.engine.keyspace.databases
            for key, value in zip(database.keys.all_keys(), database.keys.all_values(), strict=True)
        }

    def run(self, action: Callable[[], object], what: object) -> None:
        """Run `action`; asserts that the database was asked for every value that changed in place."""
        self.before = self.images()
        self.announced = set()
        action()
        for place, after in self.images().items():
            before = self.before.get(place)
            if before is not None and before[0] is after[0] and before[1:] != after[1:]:
                assert place in self.announced, f"{what} changed {place[1]!r} without asking the database for it"

    def do(self, *words: Argument) -> None:
        self.run(lambda: self.world.raw(*words), words)

    def advance(self, milliseconds: int) -> None:
        self.run(lambda: self.world.advance(milliseconds), "the timer")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def play(steps: list[Step]) -> None:
    """Run the commands of a sequence, each of them watched."""
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        for step in steps:
            watched.do(*step.argv)


@needs_patching
@settings(max_examples=80, deadline=None)
@given(STRATEGY)
def test_no_command_changes_a_value_that_it_did_not_ask_for(steps: list[Step]) -> None:
    play(steps)


@needs_patching
@settings(max_examples=40, deadline=None)
@given(st.sampled_from([STREAMS, HASHES, HYPERLOGLOGS]).flatmap(sequences).map(with_few_names))
def test_no_command_on_types_that_change_when_read_changes_a_value_that_it_did_not_ask_for(steps: list[Step]) -> None:
    play(steps)


@needs_patching
@pytest.mark.parametrize(
    "command",
    [
        ("XACK", "x", "g", "1-1"),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">"),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", "0"),
        ("XREADGROUP", "GROUP", "g", "new", "STREAMS", "x", "0"),
        ("XCLAIM", "x", "g", "d", "0", "1-1"),
        ("XAUTOCLAIM", "x", "g", "d", "0", "-"),
        ("PFCOUNT", "p"),
        ("PFDEBUG", "TODENSE", "p"),
        ("SORT", "z", "ALPHA"),
        ("SORT_RO", "z", "ALPHA"),
    ],
)
def test_commands_that_change_a_value_they_have_read_ask_for_it(watched: Watched, command: tuple[str, ...]) -> None:
    for entry_id in ("1-1", "2-1"):
        watched.do("XADD", "x", entry_id, "f", "v")
    watched.do("XGROUP", "CREATE", "x", "g", "0")
    watched.do("XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "x", ">")
    watched.do("PFADD", "p", "a", "b")
    watched.do("ZADD", "z", "1", "a", "2", "b")
    watched.advance(100)
    watched.do(*command)


@needs_patching
@pytest.mark.parametrize(
    "command",
    [
        ("HGET", "h", "a"),
        ("HMGET", "h", "a", "b"),
        ("HSTRLEN", "h", "a"),
        ("HEXISTS", "h", "a"),
        ("HRANDFIELD", "h"),
        ("HSET", "h", "a", "2"),
        ("HSETNX", "h", "a", "2"),
        ("HINCRBY", "h", "a", "2"),
        ("HGETDEL", "h", "FIELDS", "1", "a"),
        ("HGETEX", "h", "EX", "10", "FIELDS", "2", "a", "b"),
        ("HSETEX", "h", "FXX", "EX", "10", "FIELDS", "2", "a", "1", "b", "2"),
        ("HPERSIST", "h", "FIELDS", "2", "a", "b"),
        ("HPEXPIRE", "h", "1000", "FIELDS", "2", "a", "b"),
    ],
)
def test_no_command_deletes_an_expired_field_of_a_hash_that_it_did_not_ask_for(
    watched: Watched, command: tuple[str, ...]
) -> None:
    watched.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    watched.do("HSET", "h", "a", "1", "b", "2", "c", "3")
    watched.do("HPEXPIRE", "h", "10", "FIELDS", "2", "a", "b")
    watched.advance(20)
    watched.do(*command)


@needs_patching
def test_the_cycle_that_deletes_expired_fields_asks_for_their_hashes(watched: Watched) -> None:
    watched.do("HSET", "h", "a", "1", "b", "2")
    watched.do("HPEXPIRE", "h", "10", "FIELDS", "1", "a")
    watched.advance(200)
    assert watched.world.do("HLEN", "h") == 1


@needs_patching
@pytest.mark.parametrize(
    ("asks_afterwards", "message"), [(False, "without asking"), (True, "before the database was asked")]
)
def test_a_change_for_which_the_database_was_not_asked_before_is_noticed(
    watched: Watched, asks_afterwards: bool, message: str
) -> None:
    watched.world.do("RPUSH", "l", "a")
    keyspace = watched.world.engine.keyspace
    database = keyspace.databases[0]

    def change() -> None:
        value = database.peek(b"l")
        assert isinstance(value, ListObject)
        value.push(b"b", False, keyspace.limits)
        if asks_afterwards:
            database.write(b"l")

    with pytest.raises(AssertionError, match=message):
        watched.run(change, "a test")
