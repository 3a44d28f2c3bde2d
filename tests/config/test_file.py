"""Reading a configuration file and replacing it on disk."""

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


def test_the_last_line_wins() -> None:
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
def test_save_lines_add_up_and_an_empty_one_forgets(text: str, save: str) -> None:
    assert settings_of(text).text("save") == save


@pytest.mark.parametrize(("text", "bind"), [("bind a b", "a b"), ('bind "a b"', "a b"), ('bind ""', "")])
def test_bind_takes_several_addresses(text: str, bind: str) -> None:
    assert settings_of(text).text("bind") == bind


def test_directives_that_are_no_settings_are_handed_over() -> None:
    found = read('user bob on >x\nrename-command CONFIG ""\nloadmodule m.so 1\nmodule.x 1\n', Settings())
    assert found == Directives(users=[["bob", "on", ">x"]], renamed_commands=[("CONFIG", "")], modules=[["m.so", "1"]])


def test_withdrawn_directives_are_forgotten() -> None:
    read("list-max-ziplist-entries 5\nlua-replicate-commands yes", Settings())


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
def test_an_error_names_line_and_reason(text: str, number: int, line: str, reason: str) -> None:
    error = error_of(text)
    assert (error.line_number, error.line, error.reason) == (number, line, reason)


def test_the_report_is_that_of_redis() -> None:
    assert error_of("x").report("7.4.7") == (
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.7) ***\n"
        "Reading the configuration file, at line 1\n"
        ">>> 'x'\n"
        "Bad directive or wrong number of arguments\n"
    )


def test_an_error_of_the_whole_has_no_line() -> None:
    error = error_of("cluster-enabled yes\nreplicaof a 1")
    assert error.line_number == 0
    assert ">>>" not in error.report("7.4.7")


def test_an_include_is_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("hz 20\ntimeout 1\n")
    settings = settings_of(f"hz 10\ninclude {tmp_path}/a.conf\ntimeout 2")
    assert (settings.integer("hz"), settings.integer("timeout")) == (20, 2)


def test_an_include_with_wildcards_reads_all_in_order_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "2.conf").write_text("hz 20\n")
    (tmp_path / "1.conf").write_text("hz 30\n")
    assert settings_of(f"include {tmp_path}/*.conf\ninclude {tmp_path}/*.none").integer("hz") == 20


def test_an_error_in_an_include_counts_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("\n\nbad\n")
    assert error_of(f"include {tmp_path}/a.conf").line_number == 3


def test_an_include_of_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text(f"include {tmp_path}/a.conf\n")
    assert error_of(f"include {tmp_path}/a.conf").reason == "Too many nested include directives"


def test_a_missing_file_is_named() -> None:
    with pytest.raises(MissingFileError) as caught:
        load_file("/no/such.conf")
    assert str(caught.value) == "Fatal error, can't open config file '/no/such.conf': No such file or directory"


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("old")
    save_file(str(path), "new é\udcff\n")
    assert path.read_bytes() == b"new \xc3\xa9\xff\n"
    assert os.listdir(tmp_path) == ["redis.conf"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "redis.conf"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        save_file(str(path), "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["redis.conf"]
