"""The manifest of a multi-part append-only file: what is read, what is refused, and how the list of files changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredmem.config.quoting import decode
from pyredmem.persistence.aof_manifest import AofFile, Manifest, ManifestError, manifest_name, parse

EXAMPLE = b"""\
file appendonly.aof.2.base.rdb seq 2 type b
file appendonly.aof.1.base.rdb seq 1 type h
file appendonly.aof.1.incr.aof seq 1 type h
file appendonly.aof.2.incr.aof seq 2 type i
file appendonly.aof.3.incr.aof seq 3 type i
"""
NAME = "appendonly.aof"


def refusal(data: bytes) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        parse(data)
    return caught.value


def names(files: list[AofFile]) -> list[str]:
    return [file.name for file in files]


# Reading and writing.


def test_the_files_of_a_manifest_are_read_by_their_kinds() -> None:
    manifest = parse(EXAMPLE)
    assert manifest.base is not None
    assert manifest.base.seq == 2
    assert names(manifest.history) == ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"]
    assert names(manifest.files()) == [
        "appendonly.aof.2.base.rdb",
        "appendonly.aof.2.incr.aof",
        "appendonly.aof.3.incr.aof",
    ]


def test_a_manifest_is_written_as_it_was_read() -> None:
    assert parse(EXAMPLE).text() == EXAMPLE


def test_the_base_is_written_first_and_increments_last() -> None:
    lines = EXAMPLE.splitlines(keepends=True)
    assert parse(b"".join([*lines[3:], *lines[1:3], lines[0]])).text() == EXAMPLE


@pytest.mark.parametrize(
    "line",
    [
        b"  file\ta  seq 1 type i \r\n",
        b"FILE a SEQ 1 TYPE i\n",
        b"type increment seq +1tail file a\n",
        b"file a seq 1 type i startoffset 17 endoffset 18\n",
        b'file "\\x61" seq 1 type i\n',
        b"file 'a' seq 1 type i\n",
        b"file b file a seq 2 seq 1 type i\n",
        b'file "a\\x00b" seq 1 type i\n',
        b"# a comment\nfile a seq 1 type i\n#",
    ],
)
def test_other_spellings_mean_the_same(line: bytes) -> None:
    assert parse(line).text() == b"file a seq 1 type i\n"


def test_a_number_that_is_too_large_is_the_largest() -> None:
    assert parse(b"file a seq 99999999999999999999 type h\n").history[0].seq == (1 << 63) - 1


NAMES = st.binary(max_size=200).map(lambda data: decode(data.translate(None, b"/\\\0")))


@given(st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=4), NAMES | st.none())
def test_files_with_odd_names_survive_writing_and_reading(
    increments: list[str], history: list[str], base: str | None
) -> None:
    manifest = Manifest()
    if base is not None:
        manifest.base = AofFile(base, 7, "b")
    manifest.history = [AofFile(name, 1, "h") for name in history]
    manifest.increments = [AofFile(name, seq, "i") for seq, name in enumerate(increments, 1)]
    text = manifest.text()
    if not text:
        assert refusal(text).message == "Found an empty AOF manifest"
        return
    read = parse(text)
    assert read.text() == text
    assert names(read.files()) == names(manifest.files())
    assert names(read.history) == history


# What is refused.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\n", "Invalid AOF manifest file format"),
        (b"file a seq 1\n", "Invalid AOF manifest file format"),
        (b"file a seq 1 type i extra\n", "Invalid AOF manifest file format"),
        (b"file a seq 0 type i\n", "Invalid AOF manifest file format"),
        (b"file a seq x type i\n", "Invalid AOF manifest file format"),
        (b'file a seq 1 type ""\n', "Invalid AOF manifest file format"),
        (b"name a seq 1 type i\n", "Invalid AOF manifest file format"),
        (b'file "a seq 1 type i\n', "Invalid AOF manifest file format"),
        (b"file a/b seq 1 type i\n", "File can't be a path, just a filename"),
        (b'file "a\\\\b" seq 1 type i\n', "File can't be a path, just a filename"),
        (b"file a seq 1 type x\n", "Unknown AOF file type"),
        (b"file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information"),
        (b"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number"),
        (b"file a seq -1 type i\n", "Found a non-monotonic sequence number"),
    ],
)
def test_a_wrong_line_is_refused_and_shown(data: bytes, message: str) -> None:
    error = refusal(data)
    assert error.message == message
    lines = data.decode().split("\n")[:-1]
    assert (error.number, error.line) == (len(lines), lines[-1])


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"file a seq 1 type i", 1),
        (EXAMPLE + b"file", 6),
        (b"file a\0 seq 1 type i\n", 1),
        (b"file a seq 1 type i" + b" " * 1005 + b"\n", 1),
    ],
)
def test_a_line_without_an_end_is_refused_and_not_shown(data: bytes, number: int) -> None:
    error = refusal(data)
    assert error.message == "The AOF manifest file contains too long line"
    assert (error.number, error.line) == (number, None)


def test_a_line_may_have_1024_bytes_with_its_line_break() -> None:
    line = b"file a seq 1 type i"
    assert names(parse(line + b" " * (1023 - len(line)) + b"\n").increments) == ["a"]


def test_the_rest_of_a_comment_that_is_too_long_is_another_line() -> None:
    assert refusal(b"#" * 1024 + b"abc\n").line == "abc"


def test_an_empty_manifest_is_refused() -> None:
    error = refusal(b"")
    assert (error.message, error.line) == ("Found an empty AOF manifest", None)


@pytest.mark.parametrize("size", range(len(EXAMPLE)))
def test_a_manifest_that_was_cut_off_has_whole_lines_or_is_refused(size: int) -> None:
    part = EXAMPLE[:size]
    if part.endswith(b"\n"):
        assert parse(part).text() == part
    else:
        assert refusal(part).line is None


def test_an_error_is_told_as_in_the_log_of_redis() -> None:
    assert refusal(b"# comment\n file a seq 1 typ i \n").log_entries() == [
        "\n*** FATAL AOF MANIFEST FILE ERROR ***\n",
        "Reading the manifest file, at line 2\n",
        ">>> 'file a seq 1 typ i'\n",
        "Invalid AOF manifest file format\n",
    ]
    assert refusal(b"").log_entries()[1:] == ["Found an empty AOF manifest\n"]


# Changes.


def test_the_first_files_have_the_number_one() -> None:
    manifest = Manifest()
    assert manifest.is_empty()
    assert manifest.next_base(NAME, True) == "appendonly.aof.1.base.rdb"
    assert manifest.next_increment(NAME) == "appendonly.aof.1.incr.aof"
    assert not manifest.is_empty()
    assert manifest.text() == (
        b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    )


def test_a_rewrite_makes_history_of_what_it_replaces() -> None:
    manifest = parse(b"file old.4.base.aof seq 4 type b\nfile x.7 seq 7 type i\nfile x.8 seq 8 type i\n")
    assert manifest.next_increment(NAME) == "appendonly.aof.9.incr.aof"
    assert manifest.next_base(NAME, False) == "appendonly.aof.5.base.aof"
    manifest.retire_increments(keeps_last=True)
    assert manifest.text() == (
        b"file appendonly.aof.5.base.aof seq 5 type b\n"
        b"file x.7 seq 7 type h\n"
        b"file x.8 seq 8 type h\n"
        b"file old.4.base.aof seq 4 type h\n"
        b"file appendonly.aof.9.incr.aof seq 9 type i\n"
    )
    manifest.drop_history()
    assert names(manifest.files()) == ["appendonly.aof.5.base.aof", "appendonly.aof.9.incr.aof"]
    assert manifest.history == []


@pytest.mark.parametrize(("keeps_last", "left"), [(True, ["appendonly.aof.3.incr.aof"]), (False, [])])
def test_increments_are_retired_with_or_without_the_last(keeps_last: bool, left: list[str]) -> None:
    manifest = parse(EXAMPLE)
    manifest.retire_increments(keeps_last)
    assert names(manifest.increments) == left
    assert len(manifest.history) == 4 - len(left)


def test_there_may_be_no_increments_to_retire() -> None:
    manifest = Manifest()
    manifest.retire_increments(keeps_last=True)
    assert manifest.history == []


def test_numbers_go_on_after_the_files_are_gone() -> None:
    manifest = parse(EXAMPLE)
    manifest.retire_increments(keeps_last=False)
    assert manifest.next_increment(NAME) == "appendonly.aof.4.incr.aof"


def test_a_copy_changes_alone() -> None:
    manifest = parse(EXAMPLE)
    other = manifest.copy()
    other.next_base(NAME, True)
    assert other.next_increment(NAME) == "appendonly.aof.4.incr.aof"
    other.retire_increments(keeps_last=False)
    assert manifest.text() == EXAMPLE


def test_an_old_single_file_becomes_the_first_base() -> None:
    manifest = Manifest()
    manifest.adopt_base(NAME)
    assert manifest.text() == b"file appendonly.aof seq 1 type b\n"
    assert manifest.next_base(NAME, True) == "appendonly.aof.2.base.rdb"


def test_only_history_is_an_empty_append_only_file() -> None:
    assert parse(b"file a seq 1 type h\n").is_empty()


def test_the_manifest_has_the_name_of_the_append_only_file() -> None:
    assert manifest_name(NAME) == "appendonly.aof.manifest"
