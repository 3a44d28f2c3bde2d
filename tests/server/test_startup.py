from __future__ import annotations

import pytest

from pyredmem.assembly import REGISTRY
from pyredmem.config.file import ConfigFileError, read
from pyredmem.config.profiles import DEFAULT
from pyredmem.config.settings import Settings
from pyredmem.server.startup import check_users, refuse_impossible


def test_an_error_in_a_user_line_names_the_line() -> None:
    directives = read("port 7777\nuser a on\n\nuser a bad\n", Settings())
    with pytest.raises(ConfigFileError, match="Duplicate user found") as caught:
        check_users(directives, REGISTRY, DEFAULT)
    assert (caught.value.line_number, caught.value.line) == (4, "user a bad")


def test_user_lines_without_errors_pass() -> None:
    check_users(read("user a on >p +@all ~*\nuser default off\n", Settings()), REGISTRY, DEFAULT)


def test_defragmentation_is_refused_with_an_allocator_that_does_not_support_it() -> None:
    with pytest.raises(ConfigFileError, match="modified Jemalloc"):
        refuse_impossible(Settings([("activedefrag", "yes"), ("mem-allocator", "libc")]))


def test_defragmentation_is_accepted_with_the_default_allocator() -> None:
    settings = Settings([("activedefrag", "yes")])
    refuse_impossible(settings)  # raises if it is not
    assert settings.flag("activedefrag")
