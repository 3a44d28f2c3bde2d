"""The settings: reading them, CONFIG GET, and CONFIG SET, which sets all or nothing."""

from __future__ import annotations

import pytest

from pyredmem.config.settings import SettingError, Settings


def refusal(settings: Settings, *pairs: tuple[str, str], local_client: bool = False) -> str:
    with pytest.raises(SettingError) as caught:
        settings.set_many(list(pairs), local_client)
    return caught.value.message.decode()


def failed(argument: str, reason: str) -> str:
    return f"ERR CONFIG SET failed (possibly related to argument '{argument}') - {reason}"


def test_a_number_is_read_by_name_and_by_alias() -> None:
    settings = Settings()
    settings.set_many([("lua-time-limit", "7")])
    assert settings.integer("busy-reply-threshold") == 7
    assert settings.integer("lua-time-limit") == 7


def test_a_changed_number_is_read_by_both_of_its_names() -> None:
    settings = Settings()
    for value in (7, 8):
        assert settings.integer("lua-time-limit") != value
        settings.set_many([("busy-reply-threshold", str(value))])
        assert settings.integer("busy-reply-threshold") == settings.integer("lua-time-limit") == value


def test_the_numbers_of_one_server_are_not_those_of_another() -> None:
    one, other = Settings([("hz", "20")]), Settings()
    assert (one.integer("hz"), other.integer("hz")) == (20, 10)
    other.set_many([("hz", "30")])
    assert (one.integer("hz"), other.integer("hz"), Settings().integer("hz")) == (20, 30, 10)


def test_memory_is_stored_in_bytes() -> None:
    settings = Settings([("maxmemory", "100mb")])
    assert settings.integer("maxmemory") == 100 * 1024 * 1024
    assert settings.text("maxmemory") == "104857600"


def test_flags_are_booleans() -> None:
    settings = Settings([("daemonize", "YES")])
    assert settings.flag("daemonize") is True
    assert settings.flag("appendonly") is False


def test_a_percentage_of_maxmemory_is_a_negative_number() -> None:
    settings = Settings([("maxmemory-clients", "5%")])
    assert settings.integer("maxmemory-clients") == -5
    assert settings.text("maxmemory-clients") == "5%"


def test_permissions_are_octal() -> None:
    settings = Settings([("unixsocketperm", "0770")])
    assert settings.integer("unixsocketperm") == 0o770
    assert settings.text("unixsocketperm") == "770"


def test_output_buffer_limits_change_only_the_classes_named() -> None:
    settings = Settings([("client-output-buffer-limit", "replica 1mb 1k 5")])
    assert settings.output_buffer_limits() == {
        "normal": (0, 0, 0),
        "slave": (1048576, 1000, 5),
        "pubsub": (33554432, 8388608, 60),
    }


def test_percentiles_are_numbers() -> None:
    assert Settings().percentiles() == [50.0, 99.0, 99.9]


def test_hz_is_clamped_as_in_redis() -> None:
    settings = Settings([("hz", "1000")])
    assert settings.integer("hz") == 500


def test_config_get_shows_matching_aliases_and_each_name_once() -> None:
    found = Settings().matching([b"hash-max-*", b"hash-max-listpack-value"])
    assert found == [
        ("hash-max-listpack-entries", "512"),
        ("hash-max-ziplist-entries", "512"),
        ("hash-max-listpack-value", "64"),
        ("hash-max-ziplist-value", "64"),
    ]


def test_config_get_ignores_case_and_shows_an_exact_name_as_typed() -> None:
    assert Settings().matching([b"MAXMemory", b"maxmemory", b"DBFILE*"]) == [
        ("MAXMemory", "0"),
        ("dbfilename", "dump.rdb"),
    ]


def test_hidden_settings_show_only_for_their_exact_name() -> None:
    settings = Settings()
    assert settings.matching([b"*-seed"]) == []
    assert settings.matching([b"random-seed"]) == [("random-seed", "0")]


def test_a_value_may_contain_any_bytes() -> None:
    settings = Settings()
    settings.set_many([("requirepass", b"p\xff\xc3\xa9".decode("utf-8", "surrogateescape"))])
    assert settings.matching([b"requirepass"])[0][1].encode("utf-8", "surrogateescape") == b"p\xff\xc3\xa9"


def test_an_unknown_name_is_refused() -> None:
    message = refusal(Settings(), ("hz", "20"), ("NoSuch", "1"))
    assert message == "ERR Unknown option or number of arguments for CONFIG SET - 'NoSuch'"


def test_nothing_is_set_if_one_value_is_invalid() -> None:
    settings = Settings()
    assert refusal(settings, ("timeout", "5"), ("PORT", "70000")) == failed(
        "port", "argument must be between 0 and 65535 inclusive"
    )
    assert settings.integer("timeout") == 0


def test_setting_the_same_name_twice_is_refused() -> None:
    message = refusal(Settings(), ("maxmemory", "1"), ("MaxMemory", "2"))
    assert message == failed("MaxMemory", "duplicate parameter")


def test_immutable_settings_are_refused_under_the_name_typed() -> None:
    assert refusal(Settings(), ("DAEMONIZE", "yes")) == failed("DAEMONIZE", "can't set immutable config")


@pytest.mark.parametrize(("enabled", "local", "allowed"), [("no", True, False), ("local", True, True)])
def test_protected_settings_need_permission(enabled: str, local: bool, allowed: bool) -> None:
    settings = Settings([("enable-protected-configs", enabled)])
    if allowed:
        settings.set_many([("dbfilename", "x.rdb")], local_client=local)
        assert settings.text("dbfilename") == "x.rdb"
    else:
        assert refusal(settings, ("dbfilename", "x.rdb"), local_client=local) == failed(
            "dbfilename", "can't set protected config"
        )


def test_permission_for_local_clients_is_not_for_other_machines() -> None:
    settings = Settings([("enable-protected-configs", "local")])
    assert refusal(settings, ("dir", "/"), local_client=False) == failed("dir", "can't set protected config")


def test_a_subscriber_is_called_once_for_a_change_of_several_settings() -> None:
    settings = Settings()
    seen: list[tuple[int, int]] = []

    def copy() -> None:
        seen.append((settings.integer("maxmemory"), settings.integer("maxmemory-samples")))

    settings.subscribe("maxmemory", copy)
    settings.subscribe("maxmemory-samples", copy)
    settings.set_many([("maxmemory", "10"), ("maxmemory-samples", "3")])
    assert seen == [(10, 3)]


def test_a_subscriber_is_not_called_if_the_value_stays_the_same() -> None:
    settings = Settings()
    seen: list[str] = []
    settings.subscribe("hz", lambda: seen.append("hz"))
    settings.set_many([("hz", "10"), ("timeout", "1")])
    assert seen == []


def test_a_subscription_may_name_the_alias() -> None:
    settings = Settings()
    seen: list[int] = []
    settings.subscribe("lua-time-limit", lambda: seen.append(settings.integer("busy-reply-threshold")))
    settings.set_many([("busy-reply-threshold", "1")])
    assert seen == [1]


def test_a_follower_copies_the_values_at_once_and_after_each_change() -> None:
    settings = Settings([("hz", "20")])
    copies: list[tuple[int, int]] = []

    def copy() -> None:
        copies.append((settings.integer("hz"), settings.integer("timeout")))

    settings.follow(("hz", "timeout"), copy)
    settings.set_many([("timeout", "5")])
    settings.set_many([("hz", "30"), ("timeout", "6")])
    settings.set_many([("maxmemory", "1mb")])
    assert copies == [(20, 0), (20, 5), (30, 6)]


def test_a_follower_may_refuse_a_change() -> None:
    settings = Settings()

    def refuse() -> None:
        if settings.integer("timeout") > 5:
            raise SettingError(reason="not here")

    settings.follow(("timeout",), refuse)
    assert refusal(settings, ("timeout", "6")) == failed("timeout", "not here")
    assert settings.integer("timeout") == 0


def test_a_subscriber_that_refuses_rolls_everything_back() -> None:
    settings = Settings()
    copies: list[int] = []

    def copy() -> None:
        copies.append(settings.integer("timeout"))

    def refuse() -> None:
        if settings.flag("activedefrag"):
            raise SettingError(reason="not here")

    settings.subscribe("timeout", copy)
    settings.subscribe("activedefrag", refuse)
    assert refusal(settings, ("timeout", "5"), ("activedefrag", "yes")) == failed("activedefrag", "not here")
    assert copies == [5, 0]
    assert not settings.flag("activedefrag")
    assert settings.integer("timeout") == 0


def test_the_error_has_the_argument_and_the_reason() -> None:
    with pytest.raises(SettingError) as caught:
        Settings().set_many([("hz", "x")])
    assert (caught.value.argument, caught.value.reason) == (
        "hz",
        "argument couldn't be parsed into an integer",
    )


def test_immutable_settings_can_be_set_at_the_start() -> None:
    assert Settings([("databases", "4")]).integer("databases") == 4


def test_an_unknown_setting_is_refused_at_the_start() -> None:
    with pytest.raises(SettingError):
        Settings([("nosuch", "4")])
