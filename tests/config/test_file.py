"""Reading a configuration file, and replacing it on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyredmem.config.file import ConfigFileError, Directives, MissingFileError, load_file, read, save_file
from pyredmem.config.settings import Settings


def settings_of(text: str) -> Settings:
    settings = Settings()
    read(text, settings, load_file)
    return settings


def error_of(text: str) -> ConfigFileError:
    with pytest.raises(ConfigFileError) as caught:
        read(text, Settings(), load_file)
    return caught.value


def test_comments_and_empty_lines_are_skipped() -> None:
    assert settings_of("# hz 1\n\n  \t\n  HZ   20 \r\n").integer("hz") == 20


def test_the_last_line_of_a_setting_counts() -> None:
    assert settings_of("hz 20\nhz 30\n").integer("hz") == 30


@pytest.mark.parametrize(
    ("text", "save"),
    [
        ("", "3600 1 300 100 60 10000"),
        ("save 900 1\nsave 300 10 60 5", "900 1 300 10 60 5"),
        ('save "900 1 300 10"', "900 1 300 10"),
        ('save 900 1\nsave ""', ""),
        ('save 900 1\nsave ""\nsave 60 5', "60 5"),
    ],
)
def test_save_lines_add_up_and_an_empty_one_drops_those_before_it(text: str, save: str) -> None:
    assert settings_of(text).text("save") == save


@pytest.mark.parametrize(("text", "bind"), [("bind a b", "a b"), ('bind "a b"', "a b"), ('bind ""', "")])
def test_bind_takes_several_addresses(text: str, bind: str) -> None:
    assert settings_of(text).text("bind") == bind


def test_directives_that_are_not_settings_are_returned() -> None:
    found = read('user bob on >x\nrename-command CONFIG ""\nloadmodule m.so 1\nmodule.x 1\n', Settings())
    assert found == Directives(users=[["bob", "on", ">x"]], renamed_commands=[("CONFIG", "")], modules=[["m.so", "1"]])


def test_withdrawn_directives_are_accepted_and_change_nothing() -> None:
    settings = Settings()
    found = read("list-max-ziplist-entries 5\nlua-replicate-commands yes", settings)
    assert found == Directives()
    assert settings.matching([b"*"]) == Settings().matching([b"*"])


@pytest.mark.parametrize(
    ("text", "number", "line", "reason"),
    [
        ('hz 1\n  bogus "x" y ', 2, 'bogus "x" y', "Bad directive or wrong number of arguments"),
        ('\n\nhz "1', 3, 'hz "1', "Unbalanced quotes in configuration line"),
        ("hz 1 2", 1, "hz 1 2", "wrong number of arguments"),
        ("hz x", 1, "hz x", "argument couldn't be parsed into an integer"),
        ("sentinel monitor a", 1, "sentinel monitor a", "sentinel directive while not in sentinel mode"),
        ("rename-command a", 1, "rename-command a", "Bad directive or wrong number of arguments"),
        ("a.b", 1, "a.b", "Module config specified without value"),
    ],
)
def test_an_error_tells_the_line_and_the_reason(text: str, number: int, line: str, reason: str) -> None:
    error = error_of(text)
    assert (error.line_number, error.line, error.reason) == (number, line, reason)


def test_the_report_of_an_error_is_the_same_as_in_redis() -> None:
    assert error_of("x").report("7.4.7") == (
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.7) ***\n"
        "Reading the configuration file, at line 1\n"
        ">>> 'x'\n"
        "Bad directive or wrong number of arguments\n"
    )


def test_an_error_of_the_whole_file_has_no_line() -> None:
    error = error_of("cluster-enabled yes\nreplicaof a 1")
    assert error.line_number == 0
    assert ">>>" not in error.report("7.4.7")


def test_an_included_file_is_read_at_the_place_of_the_include(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("hz 20\ntimeout 1\n")
    settings = settings_of(f"hz 10\ninclude {tmp_path}/a.conf\ntimeout 2")
    assert (settings.integer("hz"), settings.integer("timeout")) == (20, 2)


def test_an_include_with_wildcards_reads_all_matching_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "2.conf").write_text("hz 20\n")
    (tmp_path / "1.conf").write_text("hz 30\n")
    assert settings_of(f"include {tmp_path}/*.conf\ninclude {tmp_path}/*.none").integer("hz") == 20


def test_the_lines_of_an_included_file_are_numbered_from_one(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("\n\nbad\n")
    assert error_of(f"include {tmp_path}/a.conf").line_number == 3


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text(f"include {tmp_path}/a.conf\n")
    assert error_of(f"include {tmp_path}/a.conf").reason == "Too many nested include directives"


def test_the_error_for_a_missing_file_names_it() -> None:
    with pytest.raises(MissingFileError) as caught:
        load_file("/no/such.conf")
    assert str(caught.value) == "Fatal error, can't open config file '/no/such.conf': No such file or directory"


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("old")
    save_file(str(path), "new é\udcff\n")
    assert path.read_bytes() == b"new \xc3\xa9\xff\n"
    assert os.listdir(tmp_path) == ["redis.conf"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        save_file(str(path), "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["redis.conf"]
