"""The files of the operating system and those in memory keep the same contract."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from errno import EROFS
from pathlib import Path
from threading import Event

import pytest

from pyredmem.base.files import Files
from pyredmem.host.files import SystemFiles
from pyredmem.host.memory_files import MemoryFiles


class Place:
    """A file system, and a directory in it."""

    def __init__(self, files: Files, directory: str) -> None:
        self.files = files
        self.directory = directory

    def path(self, name: str) -> str:
        return f"{self.directory}/{name}"

    def write(self, name: str, *pieces: bytes) -> str:
        """Create a file with these pieces; returns its path."""
        file = self.files.create(self.path(name))
        for piece in pieces:
            file.write(piece)
        file.sync()
        file.close()
        return self.path(name)

    def content(self, name: str) -> bytes:
        file = self.files.open(self.path(name))
        pieces = iter(lambda: file.read(1000), b"")
        data = b"".join(pieces)
        file.close()
        return data


@pytest.fixture(params=["system", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(SystemFiles() if request.param == "system" else MemoryFiles(), str(tmp_path))


def test_what_was_written_is_read(place: Place) -> None:
    place.write("a", b"one", b"", b" two")
    assert place.content("a") == b"one two"


def test_a_large_piece_is_written_whole(place: Place) -> None:
    data = bytes(range(256)) * 40_000
    place.write("a", data)
    assert place.content("a") == data


def test_a_file_that_is_created_again_is_empty(place: Place) -> None:
    place.write("a", b"old")
    place.write("a")
    assert place.content("a") == b""


def test_reading_goes_on_where_it_stopped_and_ends_with_nothing(place: Place) -> None:
    file = place.files.open(place.write("a", b"abcde"))
    assert [file.read(2), file.read(2), file.read(2), file.read(2)] == [b"ab", b"cd", b"e", b""]
    file.close()


def test_a_file_knows_its_size_however_much_was_read(place: Place) -> None:
    file = place.files.open(place.write("a", b"abcde"))
    file.read(3)
    assert file.size() == 5
    file.close()


def test_a_file_that_was_written_exists(place: Place) -> None:
    assert not place.files.exists(place.path("a"))
    place.write("a")
    assert place.files.exists(place.path("a"))


def test_a_renamed_file_has_its_new_path_alone(place: Place) -> None:
    place.files.rename(place.write("a", b"content"), place.path("b"))
    assert not place.files.exists(place.path("a"))
    assert place.content("b") == b"content"


def test_a_renamed_file_takes_the_place_of_another(place: Place) -> None:
    place.write("b", b"old")
    place.files.rename(place.write("a", b"new"), place.path("b"))
    assert place.content("b") == b"new"


def test_a_file_may_be_renamed_to_its_own_path(place: Place) -> None:
    path = place.write("a", b"content")
    place.files.rename(path, path)
    assert place.content("a") == b"content"


def test_a_file_that_is_open_can_be_read_after_another_has_taken_its_path(place: Place) -> None:
    """So a snapshot can be replaced while somebody reads the old one."""
    place.write("new", b"new")
    file = place.files.open(place.write("a", b"old"))
    place.files.rename(place.path("new"), place.path("a"))
    assert file.read(10) == b"old"
    file.close()


def test_a_removed_file_does_not_exist(place: Place) -> None:
    path = place.write("a")
    place.files.remove(path)
    assert not place.files.exists(path)


def test_a_directory_can_be_synced(place: Place) -> None:
    place.write("a", b"content")
    place.files.sync_directory(place.directory)
    assert place.content("a") == b"content"


ON_A_MISSING_FILE: dict[str, Callable[[Place], object]] = {
    "open": lambda place: place.files.open(place.path("a")),
    "rename": lambda place: place.files.rename(place.path("a"), place.path("b")),
    "remove": lambda place: place.files.remove(place.path("a")),
}


@pytest.mark.parametrize("name", ON_A_MISSING_FILE)
def test_a_missing_file_raises_the_error_of_the_operating_system(place: Place, name: str) -> None:
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        ON_A_MISSING_FILE[name](place)


def test_nothing_is_changed_by_a_rename_that_fails(place: Place) -> None:
    place.write("b", b"content")
    with pytest.raises(FileNotFoundError):
        place.files.rename(place.path("a"), place.path("b"))
    assert place.content("b") == b"content"


# What only the operating system has.


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"Is a directory|Permission denied"):
        SystemFiles().open(str(tmp_path))


def test_a_file_in_a_directory_that_is_missing_cannot_be_created(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SystemFiles().create(str(tmp_path / "none" / "a"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_file_without_permission_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"")
    path.chmod(stat.S_IWUSR)
    with pytest.raises(PermissionError):
        SystemFiles().open(str(path))


# The file system of an engine without a shell.


def test_without_a_shell_there_is_no_file() -> None:
    assert not Files().exists("a")
    with pytest.raises(FileNotFoundError):
        Files().open("a")


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.create("a"),
        lambda files: files.rename("a", "b"),
        lambda files: files.remove("a"),
        lambda files: files.sync_directory("."),
    ],
    ids=["create", "rename", "remove", "sync_directory"],
)
def test_without_a_shell_nothing_can_be_written(change: Callable[[Files], object]) -> None:
    with pytest.raises(OSError, match="Read-only file system") as caught:
        change(Files())
    assert caught.value.errno == EROFS


def test_work_aside_is_done_in_the_end(place: Place) -> None:
    def write() -> None:
        place.write("a", b"one")

    work = place.files.aside(write)
    work.wait()
    assert work.is_done()
    assert place.content("a") == b"one"


def test_an_error_of_work_aside_is_raised_when_it_is_done(place: Place) -> None:
    work = place.files.aside(lambda: place.files.remove(place.path("missing")))
    work.wait()
    with pytest.raises(FileNotFoundError):
        work.is_done()


def test_work_aside_goes_on_while_its_beginner_does(tmp_path: Path) -> None:
    may_end = Event()

    def go_on() -> None:
        may_end.wait()

    work = SystemFiles().aside(go_on)
    assert not work.is_done()
    may_end.set()
    work.wait()
    assert work.is_done()
