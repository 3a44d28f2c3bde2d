"""Reading the commands of an append-only file: whole, in pieces, cut off, and written in odd ways."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.base.files import ReadableFile
from pyredmem.objects.rdb_file import END, RdbFile
from pyredmem.persistence.aof_reader import AofFormatError, AofReader, AofTruncated
from tests.support.rdb_files import key, rdb, word

PARTS = (
    b"#TS:1700000000\r\n",
    b"*1\r\n$5\r\nMULTI\r\n",
    b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n",
    b"#TS:1700000001\r\n",
    b"*1\r\n$4\r\nEXEC\r\n",
)
EXAMPLE = b"".join(PARTS)
COMMANDS = [[b"MULTI"], [b"SET", b"k", b"\r\n"], [b"EXEC"]]
#: Where the parts of the example end, and which of the ends are those of commands.
ENDS = [len(b"".join(PARTS[:count])) for count in range(1, len(PARTS) + 1)]
COMMAND_ENDS = [ENDS[1], ENDS[2], ENDS[4]]


class PiecesOfFile(ReadableFile):
    """A file of which a read gives only a few bytes."""

    def __init__(self, content: bytes, piece: int = 1 << 30) -> None:
        self._content = content
        self._piece = piece
        self._at = 0
        self.most = 0  # bytes that were asked for at once

    def read(self, size: int) -> bytes:
        self.most = max(self.most, size)
        start = self._at
        self._at = min(start + min(size, self._piece), len(self._content))
        return self._content[start : self._at]

    def size(self) -> int:
        return len(self._content)


def written(command: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(command) + b"".join([b"$%d\r\n%s\r\n" % (len(part), part) for part in command])


def read(reader: AofReader) -> list[list[bytes]]:
    """The commands up to the end of the file, or up to an error, which is raised by the next call."""
    commands: list[list[bytes]] = []
    while (command := reader.next()) is not None:
        commands.append(command)
    return commands


def reader_of(content: bytes, piece: int = 1 << 30) -> AofReader:
    return AofReader(PiecesOfFile(content, piece))


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_commands_are_read_from_pieces(piece: int) -> None:
    reader = reader_of(EXAMPLE, piece)
    assert read(reader) == COMMANDS
    assert reader.offset == len(EXAMPLE)


def test_the_offset_is_the_end_of_the_last_command() -> None:
    reader = reader_of(EXAMPLE)
    found = []
    for _ in COMMANDS:
        reader.next()
        found.append((reader.offset, reader.timestamp))
    assert found == list(zip(COMMAND_ENDS, [1700000000, 1700000000, 1700000001], strict=True))


def test_an_empty_file_has_no_commands() -> None:
    assert reader_of(b"").next() is None


@pytest.mark.parametrize("size", range(1, len(EXAMPLE)))
def test_a_file_that_was_cut_off_is_truncated_after_its_whole_commands(size: int) -> None:
    reader = reader_of(EXAMPLE[:size])
    whole = [end for end in COMMAND_ENDS if end <= size]
    if size in ENDS:
        assert read(reader) == COMMANDS[: len(whole)]
    else:
        with pytest.raises(AofTruncated):
            read(reader)
    assert reader.offset == max(whole, default=0)


COMMAND = st.lists(st.binary(max_size=20), min_size=1, max_size=5)


@given(st.lists(COMMAND, max_size=5), st.integers(1, 50), st.data())
def test_any_commands_are_read_as_they_were_written(
    commands: list[list[bytes]], piece: int, data: st.DataObject
) -> None:
    texts = [written(command) for command in commands]
    content = b"".join(texts)
    assert read(reader_of(content, piece)) == commands
    size = data.draw(st.integers(0, len(content)))
    reader = reader_of(content[:size], piece)
    ends = [sum(map(len, texts[:count])) for count in range(len(texts) + 1)]
    whole = max(end for end in ends if end <= size)
    if size == whole:
        assert read(reader) == commands[: ends.index(whole)]
    else:
        with pytest.raises(AofTruncated):
            read(reader)
    assert reader.offset == whole


@given(st.lists(st.sampled_from([b"*1\r\n", b"$3\r\n", b"DEL\r\n", b"#", b"*", b"$-1\r\n", b"\n", b"$", b"9", b"\0"])))
def test_any_bytes_end_cleanly_or_with_an_error_behind_whole_commands(parts: list[bytes]) -> None:
    content = b"".join(parts)
    reader = reader_of(content, 3)
    place = len(content)
    with contextlib.suppress(AofTruncated):
        try:
            read(reader)
        except AofFormatError as error:
            place = error.offset
    assert reader.offset <= place <= len(content)
    assert read(reader_of(content[: reader.offset])) == read_until_error(content)


def read_until_error(content: bytes) -> list[list[bytes]]:
    reader = reader_of(content)
    commands: list[list[bytes]] = []
    with contextlib.suppress(AofFormatError, AofTruncated):
        while (command := reader.next()) is not None:
            commands.append(command)
    return commands


def test_a_command_may_be_larger_than_what_is_read_at_once() -> None:
    large = [b"SET", b"k", bytes(1_000_000)]
    many = [b"DEL", *(b"%d" % number for number in range(200_000))]
    assert read(reader_of(written(large) + written(many) + written(large), 100_000)) == [large, many, large]


# What Redis tolerates.


@pytest.mark.parametrize(
    "content",
    [
        b"*2\n$3\nDEL\r\n$1\nk\r\n",
        b"* 2\r\n$+3\r\nDEL\r\n$01\r\nk\r\n",
        b"*2 arguments\r\n$3 bytes\r\nDEL\r\n$1\r\nk\r\n",
        b"*2\r\n$3\r\nDELxx$1\r\nk!!",
        b"#\r\n#hello\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n",
        b"#" * 1023 + b"#" * 5 + b"\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n",
    ],
)
def test_other_ways_to_write_a_command_are_tolerated(content: bytes) -> None:
    assert read(reader_of(content)) == [[b"DEL", b"k"]]


def test_an_argument_may_be_empty() -> None:
    assert read(reader_of(b"*2\r\n$3\r\nDEL\r\n$0\r\n\r\n*1\r\n$\r\n\r\n")) == [[b"DEL", b""], [b""]]


@pytest.mark.parametrize("annotation", [b"#TS:\r\n", b"#TS:x\r\n", b"#ts:5\r\n", b"# TS:5\r\n", b"#TS\r\n"])
def test_an_annotation_without_a_time_leaves_the_last_time(annotation: bytes) -> None:
    reader = reader_of(b"#TS:7\r\n" + annotation + b"#TS:9")
    with pytest.raises(AofTruncated):
        reader.next()
    assert reader.timestamp == 7


# What is no command.


@pytest.mark.parametrize(
    ("content", "offset"),
    [
        (b"DEL k\r\n", 0),
        (b"\r\n", 0),
        (b"*0\r\n", 0),
        (b"*-1\r\n", 0),
        (b"*\r\n", 0),
        (b"*\0\r\n", 0),
        (b"*x\r\n", 0),
        (b"*3000000000\r\n", 0),
        (b"*1\r\n*1\r\n", 4),
        (b"*1\r\n$-1\r\n", 4),
        (b"*2\r\n$3\r\nDEL\r\nk\r\n", 13),
        (b"*1\r\n$2\r\nDEL\r\n", 12),
    ],
)
def test_a_wrong_format_is_told_with_its_place(content: bytes, offset: int) -> None:
    reader = reader_of(written([b"PING"]) + content)
    assert reader.next() == [b"PING"]
    with pytest.raises(AofFormatError) as caught:
        read(reader)
    assert caught.value.offset == 14 + offset


def test_no_memory_is_taken_because_of_a_false_length() -> None:
    file = PiecesOfFile(b"*1\r\n$9000000000000000000\r\nDEL\r\n")
    with pytest.raises(AofTruncated):
        AofReader(file).next()
    assert file.most < 1_000_000


@pytest.mark.parametrize("piece", [1, 100, 1000])
def test_commands_follow_an_rdb_preamble(piece: int) -> None:
    preamble = rdb(b"\xfe\x00", key(0, b"a", word(b"1")), version=11)
    file = PiecesOfFile(preamble + EXAMPLE, piece)
    records = RdbFile(file)
    records.read_header()
    while records.next() != END:
        pass
    reader = AofReader(file, records.offset(), records.read_ahead())
    assert reader.offset == len(preamble)
    assert read(reader) == COMMANDS
    assert reader.offset == len(preamble) + len(EXAMPLE)
