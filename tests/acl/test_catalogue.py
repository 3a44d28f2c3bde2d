from __future__ import annotations

from pyredmem.acl.catalogue import ABSENT, AclCommand, Catalogue, category_named
from tests.acl.users import INDEXES, catalogue


def test_a_command_is_found_in_upper_and_lower_case() -> None:
    found = catalogue().find(b"CONFIG|Get")
    assert found is not None
    assert found.index == INDEXES[b"config|get"]


def test_an_unknown_command_is_not_found() -> None:
    assert catalogue().find(b"nosuch") is None
    assert catalogue().find(b"config|nosuch") is None


def test_a_command_stands_for_its_subcommands_too() -> None:
    found = catalogue().find(b"config")
    assert found is not None
    assert found.indexes() == [INDEXES[b"config"], INDEXES[b"config|get"], INDEXES[b"config|set"]]


def test_a_command_that_the_server_lacks_has_no_index() -> None:
    found = catalogue().find(b"bgsave")
    assert found is not None
    assert found.index == ABSENT


def test_a_category_has_its_commands_and_subcommands() -> None:
    assert [command.name for command in catalogue().in_category("admin")] == [b"config|get", b"config|set"]


def test_the_name_of_a_category_may_be_in_upper_case() -> None:
    assert category_named(b"ReaD") == "read"
    assert category_named(b"nosuch") is None
    assert category_named(b"\xff") is None


def test_the_list_is_made_when_it_is_first_needed_and_once() -> None:
    made: list[int] = []

    def load() -> list[AclCommand]:
        made.append(1)
        return [AclCommand(b"get", 0, frozenset())]

    commands = Catalogue(load)
    assert made == []
    commands.find(b"get")
    commands.find(b"set")
    assert made == [1]
