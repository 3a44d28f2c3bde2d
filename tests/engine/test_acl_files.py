"""Users that come from an ACL file or from redis.conf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyredmem.acl.catalogue import Catalogue
from pyredmem.assembly import REGISTRY
from pyredmem.config.profiles import DEFAULT
from pyredmem.engine.acl_calls import acl_commands
from pyredmem.engine.acl_files import TWO_SOURCES, UserLineError, UsersError, check_user_line, set_up_users
from tests.support.hosted import RecordingHost
from tests.support.replies import OK, PONG, Error
from tests.support.world import World

UNCHANGED = b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"


class FilingHost(RecordingHost):
    """A host with files in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, bytes] = {}
        self.fails = False

    def read_file(self, path: str) -> bytes:
        if path not in self.texts:
            raise FileNotFoundError(2, "No such file or directory")
        return self.texts[path]

    def write_file(self, path: str, content: bytes) -> None:
        if self.fails:
            raise PermissionError(13, "Permission denied")
        self.texts[path] = content


class Filed(World):
    """A world with an ACL file."""

    def __init__(self, **settings: Any) -> None:
        self.host = FilingHost()
        super().__init__(host=self.host, **{"aclfile": "u.acl", **settings})

    def load(self, text: str) -> object:
        self.host.texts["u.acl"] = text.encode()
        return self.do("ACL", "LOAD")


@pytest.fixture
def filed() -> Iterator[Filed]:
    made = Filed()
    yield made
    made.check()


# ACL LOAD and ACL SAVE.


def test_without_a_file_nothing_is_loaded_or_saved(world: World) -> None:
    for command in ("LOAD", "SAVE"):
        assert world.raw("ACL", command).startswith(b"-ERR This Redis instance is not configured to use an ACL file.")


def test_load_replaces_all_users(filed: Filed) -> None:
    filed.do("ACL", "SETUSER", "old")
    assert filed.load("user a on +get ~x\nuser default on nopass +@all ~*\n") == OK
    assert filed.do("ACL", "LIST") == [
        b"user a on sanitize-payload ~x resetchannels -@all +get",
        b"user default on nopass sanitize-payload ~* resetchannels +@all",
    ]


def test_a_file_without_the_default_user_restores_it(filed: Filed) -> None:
    filed.do("ACL", "SETUSER", "default", "-get")
    assert filed.load("user a on\n") == OK
    assert filed.do("ACL", "GETUSER", "default")[5] == b"+@all"


def test_a_file_with_errors_changes_nothing(filed: Filed) -> None:
    filed.do("ACL", "SETUSER", "old")
    before = filed.do("ACL", "LIST")
    assert filed.load("user a bad\nuser b on\nuser b off\n") == Error(
        b"ERR u.acl:1: Syntax error. WARNING: Duplicate user 'b' found on line 3. " + UNCHANGED
    )
    assert filed.do("ACL", "LIST") == before


def test_a_missing_file_is_an_error(filed: Filed) -> None:
    assert filed.do("ACL", "LOAD") == Error(b"ERR Error loading ACLs, opening file 'u.acl': No such file or directory")


def test_load_disconnects_only_the_clients_whose_user_is_gone(filed: Filed) -> None:
    clients = {}
    for name in ("a", "b"):
        filed.do("ACL", "SETUSER", name, "on", "nopass", "+@all")
        clients[name] = filed.client()
        clients[name].do("AUTH", name, "x")
    filed.load("user b on nopass +ping\n")
    assert not clients["a"].session.is_connected
    assert clients["b"].do("PING") == PONG
    assert clients["b"].do("ECHO", "x") == Error(b"NOPERM User b has no permissions to run the 'echo' command")


def test_what_is_saved_is_loaded_again(filed: Filed) -> None:
    filed.do("ACL", "SETUSER", "a", "on", ">p", "~x", "+@all", "-get", "(+set %W~y)")
    before = filed.do("ACL", "LIST")
    assert filed.do("ACL", "SAVE") == OK
    filed.do("ACL", "DELUSER", "a")
    assert filed.do("ACL", "LOAD") == OK
    assert filed.do("ACL", "LIST") == before


def test_a_file_that_cannot_be_written_is_an_error_and_logged(filed: Filed) -> None:
    filed.host.fails = True
    assert filed.do("ACL", "SAVE") == Error(
        b"ERR There was an error trying to save the ACLs. Please check the server logs for more information"
    )
    assert filed.host.logged == [("warning", "Saving the ACL file 'u.acl' failed: Permission denied")]


# The start of a server.


def set_up(world: World, *lines: str) -> None:
    set_up_users(world.engine.core, world.engine.access, [line.split() for line in lines])


def test_a_server_starts_with_the_users_of_its_file(filed: Filed) -> None:
    filed.host.texts["u.acl"] = b"user a on\n"
    set_up(filed)
    assert filed.do("ACL", "USERS") == [b"a", b"default"]


def test_a_server_does_not_start_with_a_bad_file(filed: Filed) -> None:
    filed.host.texts["u.acl"] = b"user a bad\n"
    with pytest.raises(UsersError, match=r"Aborting Redis startup because of ACL errors: u\.acl:1: Syntax error"):
        set_up(filed)


def test_users_come_from_one_place_only(filed: Filed) -> None:
    with pytest.raises(UsersError) as caught:
        set_up(filed, "a on")
    assert str(caught.value) == TWO_SOURCES


def test_a_server_starts_with_the_users_of_its_configuration(world: World) -> None:
    set_up(world, "a on >p (+get ~x) +set", "default on nopass +@all -debug ~*")
    assert world.do("ACL", "GETUSER", "a")[1] == [b"on", b"sanitize-payload"]
    assert world.do("ACL", "GETUSER", "default")[5:8:2] == [b"+@all -debug", b"~*"]


def test_the_line_of_the_default_user_overrides_requirepass() -> None:
    world = World(requirepass="secret")
    set_up(world, "default on >other +@all ~*")
    assert world.client().do("AUTH", "other") == OK


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "a +nosuch",
            "Error loading ACL rule '+nosuch' for the user named 'a': Unknown command or category name in ACL",
        ),
        ("a\0b on", "Spaces not allowed in ACL usernames"),
    ],
)
def test_a_server_does_not_start_with_a_user_that_cannot_be_set_up(world: World, line: str, reason: str) -> None:
    with pytest.raises(UsersError) as caught:
        set_up(world, line)
    assert str(caught.value) == reason


def checked(*lines: str) -> None:
    catalogue = Catalogue(lambda: acl_commands(REGISTRY.table, DEFAULT))
    names: set[str] = set()
    for line in lines:
        check_user_line(line.split(), names, catalogue)


def test_lines_of_the_configuration_without_errors_pass() -> None:
    checked("a on >p +get (+set ~x)", "b", "default off", "c +nosuch -@nosuch")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["a on", "a off"], "'a': Duplicate user found. A user can only be defined once in config files"),
        (["a bad"], "'user': Syntax error"),
        (["a on bad"], "'a': Syntax error"),
        (["a on +get bad"], "'on': Syntax error"),
        (["a (+get ~x) on (+set"], "'~x)': Wrong format"),
    ],
)
def test_the_error_about_a_line_names_the_argument_that_redis_names(lines: list[str], reason: str) -> None:
    with pytest.raises(UserLineError) as caught:
        checked(*lines)
    assert str(caught.value) == f"Error in user declaration {reason}"
