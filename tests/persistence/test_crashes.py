"""A crash after each operation on files: what was acknowledged is there, whatever was going on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyredmem.persistence.loading import LoadError
from tests.persistence.aof_worlds import BASE, INCREMENT, MANIFEST, again, digest, recording
from tests.persistence.worlds import SavingWorld

#: Commands, and what else happens: a time that passes.
HISTORY: list[tuple[str, ...]] = [
    ("SET", "a", "1"),
    ("SET", "volatile", "x", "EX", "1000"),
    ("MULTI",),
    ("RPUSH", "l", "1"),
    ("RPUSH", "l", "2"),
    ("EXEC",),
    ("ADVANCE", "1200"),
    ("BGREWRITEAOF",),
    ("INCR", "a"),
    ("SELECT", "3"),
    ("SADD", "s", "x", "y"),
    ("ADVANCE", "500"),
    ("SET", "b", "1"),
    ("BGREWRITEAOF",),
    ("BGREWRITEAOF",),
    ("ADVANCE", "1500"),
    ("SPOP", "s"),
    ("CONFIG", "SET", "appendonly", "no"),
    ("SET", "lost", "1"),
    ("CONFIG", "SET", "appendonly", "yes"),
    ("SET", "c", "1"),
    ("ADVANCE", "500"),
    ("SET", "d", "1"),
]
#: From here on until the switch is complete the file on the disk is that from before.
OFF, ON = HISTORY.index(("SET", "lost", "1")), HISTORY.index(("SET", "d", "1"))


class Story:
    """What a server did, and the dataset after each command."""

    def __init__(self, **settings: Any) -> None:
        self.world = recording(**settings)
        self.began = len(self.world.files.operations)
        self.digests = [digest(self.world)]
        self.done = [self.began]  # how many operations there had been after each command
        self.durable = [0]  # the command after which the digest is what the file holds
        for number, words in enumerate(HISTORY):
            if words[0] == "ADVANCE":
                self.world.advance(int(words[1]))
            else:
                self.world.do(*words)
            in_transaction = words[0] in {"MULTI", "RPUSH"}
            self.digests.append(self.digests[-1] if in_transaction else digest(self.world))
            self.done.append(len(self.world.files.operations))
            self.durable.append(self.durable[-1] if OFF <= number < ON else number + 1)

    def acknowledged(self, operations: int) -> int:
        """How many commands were over before so many operations."""
        return max(number for number, done in enumerate(self.done) if done <= operations)


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize(("policy", "loses_power"), [("always", True), ("always", False), ("everysec", False)])
def test_nothing_that_was_acknowledged_is_lost(policy: str, loses_power: bool, preamble: str) -> None:
    story = Story(appendfsync=policy, aof_use_rdb_preamble=preamble)
    for operations in range(story.began, len(story.world.files.operations) + 1):
        survivor = story.world.after_crash(operations, loses_power)
        acknowledged = story.acknowledged(operations)
        possible = story.digests[story.durable[acknowledged] : acknowledged + 2]
        assert digest(survivor) in possible, (operations, HISTORY[acknowledged : acknowledged + 1])
        survivor.check()


def test_everysec_loses_at_most_the_end_when_the_machine_crashes() -> None:
    story = Story(appendfsync="everysec")
    for operations in range(story.began, len(story.world.files.operations) + 1):
        survivor = story.world.after_crash(operations, loses_power=True)
        assert digest(survivor) in story.digests[: story.acknowledged(operations) + 2]


# Torn files.


def written() -> SavingWorld:
    world = recording()
    world.do("SET", "a", "1")
    world.do("MULTI")
    world.do("RPUSH", "l", "1")
    world.do("RPUSH", "l", "2")
    world.do("EXEC")
    world.do("SET", "b", "22")
    return world


def prefixes(content: bytes) -> Iterator[bytes]:
    return (content[:size] for size in range(len(content)))


def start_with(world: SavingWorld, path: str, content: bytes, **settings: Any) -> SavingWorld:
    """A server that starts with the files of another one, of which one is different."""
    other = SavingWorld(**{"appendonly": "yes", **settings})
    other.files.content = {name: bytearray(data) for name, data in world.files.content.items()}
    other.files.content[path] = bytearray(content)
    return other.started()


def test_whatever_is_missing_at_the_end_of_the_last_file_is_cut_off() -> None:
    world = written()
    whole = bytes(world.files.content[INCREMENT])
    sizes = set()
    for content in prefixes(whole):
        other = start_with(world, INCREMENT, content)
        left = bytes(other.files.content[INCREMENT])
        assert content.startswith(left)
        sizes.add(len(left))
        other.do("SET", "c", "3")
        assert digest(again(other)) == digest(other)
    assert len(sizes) == 4  # nothing, SELECT, the first SET, the transaction


def test_a_torn_end_is_an_error_if_the_settings_say_so() -> None:
    world = written()
    content = bytes(world.files.content[INCREMENT])
    with pytest.raises(LoadError, match="Unexpected end of file reading the append only file"):
        start_with(world, INCREMENT, content[:-1], aof_load_truncated="no")


def test_a_torn_file_that_is_not_the_last_one_is_an_error_and_is_left_alone() -> None:
    world = written()
    world.do("BGREWRITEAOF")
    content = bytes(world.files.content[INCREMENT])
    with pytest.raises(LoadError, match="is not the last file"):
        start_with(world, INCREMENT, content[:-1])


@pytest.mark.parametrize("path", [BASE, MANIFEST])
def test_a_torn_base_or_manifest_is_an_error_with_a_message(path: str) -> None:
    world = written()
    whole = bytes(world.files.content[path])
    messages = set()
    for content in prefixes(whole):
        if content and path == MANIFEST and content.endswith(b"\n"):
            continue  # a list of fewer files
        if path == BASE and not content:
            continue  # an empty file of commands
        with pytest.raises(LoadError) as raised:
            start_with(world, path, content)
        messages.add(str(raised.value))
    assert all("Traceback" not in message for message in messages)
    assert len(messages) > 1


MISTAKES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "not a command": (lambda content: content + b"PING\r\n", "Bad file format reading the append only file"),
    "no argument": (lambda content: content + b"*1\r\n:4\r\n", "Bad file format reading the append only file"),
    "unknown": (lambda content: content + b"*1\r\n$3\r\nFOO\r\n", "Unknown command 'FOO' reading the append only file"),
    "unknown subcommand": (
        lambda content: content + b"*2\r\n$8\r\nFUNCTION\r\n$3\r\nFOO\r\n",
        "Unknown command 'FUNCTION' reading the append only file",
    ),
    "too few arguments": (lambda content: content + b"*1\r\n$3\r\nSET\r\n", "Wrong number of arguments for 'SET'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_no_command_is_an_error_and_the_file_is_left_alone(name: str) -> None:
    spoil, message = MISTAKES[name]
    world = written()
    spoiled = spoil(bytes(world.files.content[INCREMENT]))
    with pytest.raises(LoadError, match=message):
        start_with(world, INCREMENT, spoiled)


def test_commands_that_are_no_writes_do_no_harm() -> None:
    world = written()
    words = b"".join(
        [
            b"*1\r\n$8\r\nSHUTDOWN\r\n",
            b"*3\r\n$5\r\nBLPOP\r\n$4\r\nnone\r\n$1\r\n0\r\n",
            b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n",
            b"*1\r\n$4\r\nEXEC\r\n",
            b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n",
        ]
    )
    other = start_with(world, INCREMENT, bytes(world.files.content[INCREMENT]) + words)
    assert digest(other) == digest(world)
    other.check()


def test_a_missing_part_is_an_error() -> None:
    world = written()
    del world.files.content[INCREMENT]
    with pytest.raises(LoadError, match=r"appendonly\.aof\.1\.incr\.aof: No such file or directory"):
        again(world)
