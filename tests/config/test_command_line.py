"""Arguments of the command line; the errors are compared with a real server's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyredmem.config import command_line
from pyredmem.config.command_line import Invocation, parse
from pyredmem.config.file import ConfigFileError, load_file, read
from pyredmem.config.settings import Settings
from tests.config.real import startup_error

FILE = "port 0\nhz 20\n"


def settings_of(arguments: list[str], file_text: str = "", stdin_text: str = "") -> Settings:
    settings = Settings()
    read(parse(arguments).configuration(file_text, stdin_text), settings)
    return settings


def test_no_arguments_start_a_server_with_defaults() -> None:
    assert parse([]) == Invocation(command_line.RUN)


@pytest.mark.parametrize("arguments", [["-v"], ["--version"], ["-v", "x"]])
def test_version(arguments: list[str]) -> None:
    assert parse(arguments).action == command_line.VERSION


@pytest.mark.parametrize("arguments", [["-h"], ["--help"]])
def test_help(arguments: list[str]) -> None:
    assert parse(arguments).action == command_line.HELP


@pytest.mark.parametrize("arguments", [["--sentinel"], ["a.conf", "--sentinel"], ["--test-memory", "1"]])
def test_an_option_for_something_that_does_not_exist_here_is_refused_with_a_reason(arguments: list[str]) -> None:
    invocation = parse(arguments)
    assert invocation.action == command_line.REFUSED
    assert invocation.message


def test_check_system() -> None:
    assert parse(["--check-system"]).action == command_line.CHECK_SYSTEM


def test_an_rdb_file_can_be_checked() -> None:
    assert parse(["check-rdb", "dump.rdb"]) == Invocation(command_line.CHECK_RDB, path="dump.rdb")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["a.rdb", "b.rdb"]])
def test_a_check_of_anything_but_one_file_has_no_path(arguments: list[str]) -> None:
    assert parse(["check-rdb", *arguments]) == Invocation(command_line.CHECK_RDB)


def test_a_check_tells_its_version_too() -> None:
    assert parse(["check-rdb", "--version"]).action == command_line.VERSION


def test_a_check_of_an_append_only_file_gets_all_other_arguments() -> None:
    assert parse(["check-aof", "--fix", "a"]) == Invocation(command_line.CHECK_AOF, arguments=("--fix", "a"))
    assert parse(["check-aof", "--version"]).action == command_line.VERSION


@pytest.mark.parametrize("arguments", [[], ["--help"], ["keys", "--db", "1", "dump.rdb"]])
def test_the_tool_for_rdb_files_gets_all_other_arguments(arguments: list[str]) -> None:
    assert parse(["rdb", *arguments]) == Invocation(command_line.RDB, arguments=tuple(arguments))


def test_the_first_argument_may_be_a_file() -> None:
    invocation = parse(["/etc/redis.conf", "--hz", "50"])
    assert (invocation.path, invocation.options) == ("/etc/redis.conf", 'hz "50" ')


def test_options_override_the_file() -> None:
    assert settings_of(["a.conf", "--hz", "50"], FILE).integer("hz") == 50


@pytest.mark.parametrize("arguments", [["-"], ["--hz", "50", "-"], ["a.conf", "-"]])
def test_a_dash_at_the_end_means_standard_input(arguments: list[str]) -> None:
    assert parse(arguments).from_stdin


def test_options_override_standard_input() -> None:
    settings = settings_of(["--hz", "50", "-"], stdin_text="hz 1\ntimeout 3")
    assert (settings.integer("hz"), settings.integer("timeout")) == (50, 3)


def test_an_option_can_have_several_values() -> None:
    settings = settings_of(["--bind", "a", "b", "--save", "900", "1", "300", "10", "--port", "0"])
    assert settings.text("bind") == "a b"
    assert settings.text("save") == "900 1 300 10"
    assert settings.integer("port") == 0


@pytest.mark.parametrize("arguments", [["--save", ""], ["--save"], ["--save", "--hz", "20"], ["--SAVE"]])
def test_save_without_a_value_is_off(arguments: list[str]) -> None:
    assert settings_of(arguments).text("save") == ""


def test_two_save_options_add_up() -> None:
    assert settings_of(["--save", "", "--save", "900", "1", "--save", "300", "10"]).text("save") == "900 1 300 10"


def test_an_option_and_its_value_may_be_one_argument() -> None:
    assert settings_of(["--hz 50", "--timeout", "5"]).integer("hz") == 50


def test_values_are_taken_literally() -> None:
    assert settings_of(["--requirepass", 'a "b\\n# é']).text("requirepass") == 'a "b\\n# é'


CASES = [
    ["--foo", "bar"],
    ["--port"],
    ["--port", "abc"],
    ["-x"],
    ["--port", "--save"],
    ["--port", "1", "--save", "--hz"],
    ["--port", "1", "--hz abc"],
    ["--port=1"],
    ["--save", "900"],
    ["--port", "1", "--save 900 1 300 10", "--hz", "20", "--foo"],
    ["a.conf", "--hz", "abc"],
    ["a.conf", "extra"],
    ["--cluster-enabled", "yes", "--replicaof", "a", "1"],
    ["--save", "", "x"],
    ["--bind", "a", "b", "--hz", "q"],
    ["--requirepass", 'a"b\n', "--x"],
    ["--client-output-buffer-limit", ""],
    ["--latency-tracking-info-percentiles", "200"],
    ["--oom-score-adj-values", "1", "2"],
    ['--port "abc'],
    ["--", "--", "--hz"],
    ["--appendonly"],
    ["--supervised", "x"],
    ["--tls-auth-clients", "x"],
    ["--enable-debug-command", "x"],
    ["--list-max-ziplist-value", "4", "--q"],
    ["--unixsocketperm", "8"],
    ["--unixsocketperm", "1000"],
    ["--dbfilename", "a/b"],
    ["--appendfilename", ""],
    ["--appenddirname", "a/b"],
    ["--rename-command", "x"],
    ["--sentinel-x", "y"],
]


@pytest.mark.needs_redis
@pytest.mark.parametrize("arguments", CASES, ids=" ".join)
def test_mistakes_are_reported_as_in_redis(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.conf").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    invocation = parse(arguments)
    text = invocation.configuration(load_file(invocation.path) if invocation.path else "")
    with pytest.raises(ConfigFileError) as caught:
        read(text, Settings(), load_file)
    assert caught.value.report("7.0.15") == startup_error(arguments, tmp_path)
