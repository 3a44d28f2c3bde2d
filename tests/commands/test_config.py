"""CONFIG GET, SET, REWRITE and RESETSTAT."""

from __future__ import annotations

from contextlib import closing

import pytest

from pyredmem.config.settings import SettingError
from pyredmem.engine.host import Host
from tests.differential.harness import Pair, step
from tests.support.replies import OK, SYNTAX_ERROR, Error, Map, Reply, wrong_arity
from tests.support.servers import Server
from tests.support.world import World


class FileHost(Host):
    """A process with a configuration file that is a string, or that cannot be used."""

    def __init__(self, text: str = "", read_error: OSError | None = None, write_error: OSError | None = None) -> None:
        self.text = text
        self.read_error = read_error
        self.write_error = write_error
        self.logged: list[str] = []

    def config_path(self) -> str:
        return "/etc/redis.conf"

    def read_config(self) -> str:
        if self.read_error is not None:
            raise self.read_error
        return self.text

    def write_config(self, text: str) -> None:
        if self.write_error is not None:
            raise self.write_error
        self.text = text

    def log(self, level: str, message: str) -> None:
        self.logged.append(f"{level}: {message}")


def rewrite(host: FileHost, *changes: str) -> Reply:
    world = World(host=host)
    if changes:
        assert world.do("CONFIG", "SET", *changes) == OK
    return world.do("CONFIG", "REWRITE")


def test_get_replies_with_name_and_value(world: World) -> None:
    assert world.do("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"0"]


def test_get_is_a_map_under_resp3(world: World) -> None:
    world.set_protocol(3)
    assert world.do("CONFIG", "GET", "maxmemory") == Map({b"maxmemory": b"0"})


def test_get_of_an_unknown_setting_is_empty(world: World) -> None:
    assert world.do("CONFIG", "GET", "nosuch") == []


def test_get_takes_several_patterns_and_names_each_setting_once(world: World) -> None:
    assert world.do("CONFIG", "GET", "maxmemory-p*", "maxmemory-policy", "HZ")[::2] == [b"maxmemory-policy", b"HZ"]


def test_set_changes_several_settings(world: World) -> None:
    assert world.do("CONFIG", "SET", "hz", "20", "timeout", "5") == OK
    assert world.engine.settings.integer("hz") == 20
    assert world.engine.settings.integer("timeout") == 5


def test_set_changes_no_setting_if_one_is_refused(world: World) -> None:
    reply = world.do("CONFIG", "SET", "hz", "20", "timeout", "soon")
    reason = b"argument couldn't be parsed into an integer"
    assert reply == Error(b"ERR CONFIG SET failed (possibly related to argument 'timeout') - %b" % reason)
    assert world.engine.settings.integer("hz") == 10


def test_set_changes_no_setting_if_a_part_of_the_server_refuses(world: World) -> None:
    def refuse() -> None:
        if world.engine.settings.integer("timeout") > 3:
            raise SettingError(reason="too long")

    world.engine.settings.subscribe("timeout", refuse)
    reply = world.do("CONFIG", "SET", "hz", "20", "timeout", "5")
    assert reply == Error(b"ERR CONFIG SET failed (possibly related to argument 'timeout') - too long")
    assert world.engine.settings.integer("hz") == 10


def test_set_needs_pairs_of_name_and_value(world: World) -> None:
    assert world.do("CONFIG", "SET", "hz", "20", "timeout") == SYNTAX_ERROR
    assert world.do("CONFIG", "SET", "hz") == wrong_arity("config|set")


def test_protected_settings_can_be_allowed_for_local_clients_only() -> None:
    for protection, allowed in (("no", ""), ("local", "local"), ("yes", "local remote")):
        world = World(enable_protected_configs=protection, protected_mode="no")
        remote = world.client(address="10.0.0.1:5")
        for name, client in (("local", world.first), ("remote", remote)):
            accepted = client.do("CONFIG", "SET", "dbfilename", "x.rdb") == OK
            assert accepted is (name in allowed), (protection, name)


def test_rewrite_without_a_file(world: World) -> None:
    assert world.do("CONFIG", "REWRITE") == Error(b"ERR The server is running without a config file")


def test_rewrite_keeps_the_lines_of_the_file() -> None:
    host = FileHost("# mine\nhz 10\ntimeout 3\n")
    assert rewrite(host, "hz", "20", "maxmemory", "1mb") == OK
    assert host.text.startswith("# mine\nhz 20\n")
    assert "\nmaxmemory 1mb\n" in host.text
    assert host.logged == ["notice: CONFIG REWRITE executed with success."]


def test_rewrite_names_the_default_user() -> None:
    host = FileHost()
    rewrite(host)
    assert "\nuser default on nopass sanitize-payload ~* &* +@all\n" in host.text
    rewrite(host, "requirepass", "foo")
    hashed = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    assert f"\nuser default on sanitize-payload #{hashed} ~* &* +@all\n" in host.text


def test_rewrite_creates_the_file_if_it_does_not_exist_any_more() -> None:
    host = FileHost(read_error=FileNotFoundError(2, "No such file or directory"))
    assert rewrite(host, "hz", "20") == OK
    assert "hz 20\n" in host.text


def test_rewrite_says_what_went_wrong() -> None:
    host = FileHost(write_error=PermissionError(13, "Permission denied"))
    assert rewrite(host) == Error(b"ERR Rewriting config file: Permission denied")
    assert host.logged == ["warning: CONFIG REWRITE failed: Permission denied"]


def test_resetstat_sets_counters_to_zero(world: World) -> None:
    world.do("SET", "k", "v")
    world.do("GET", "k")
    world.do("GET", "nosuch")
    world.do("NOSUCH")
    assert world.do("CONFIG", "RESETSTAT") == OK
    engine = world.engine
    assert (engine.keyspace.hits, engine.keyspace.misses) == (0, 0)
    assert engine.stats.errors == {}
    assert engine.stats.error_replies == 0
    assert engine.stats.connections_received == 0
    assert [command.name for command in engine.commands.all() if engine.statistics.of(command).calls() > 0] == [
        "config|resetstat"
    ]


def test_resetstat_resets_the_figures_of_every_part_of_the_server(world: World) -> None:
    world.engine.clients.eviction.evicted = 3
    world.engine.maintenance.expiry.time_cap_reached = 4
    world.do("CONFIG", "RESETSTAT")
    assert world.engine.clients.eviction.evicted == 0
    assert world.engine.maintenance.expiry.time_cap_reached == 0


def test_resetstat_frees_the_latency_histograms(world: World) -> None:
    world.do("GET", "k")
    world.do("CONFIG", "RESETSTAT")
    world.do("CONFIG", "RESETSTAT")
    used = world.engine.allocator.used_memory
    world.do("GET", "k")
    world.do("CONFIG", "RESETSTAT")
    assert world.engine.allocator.used_memory == used


REFUSED = [
    *(
        "CONFIG",
        "CONFIG NOSUCH",
        "CONFIG GET",
        "CONFIG SET",
        "CONFIG SET hz",
        "CONFIG SET hz 1 x",
        "CONFIG RESETSTAT x",
    ),
    *("CONFIG SET nosuch 1", "CONFIG SET hz x", "CONFIG SET hz 20 hz 30", "CONFIG SET port 1 maxmemory x"),
    *("CONFIG SET databases 3", "CONFIG GET nosuch", "CONFIG REWRITE", "CONFIG REWRITE x", "CONFIG HELP x"),
    *("CONFIG SET maxmemory 1x", "CONFIG SET maxmemory-policy x", "CONFIG SET appendonly maybe"),
    *(
        "CONFIG GET maxmemory-policy",
        "CONFIG GET MAXMEMORY-policy",
        "CONFIG GET slowlog-m*",
        "CONFIG SET enable-debug-command no",
    ),
]


@pytest.mark.needs_redis
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_real_server_refuses_the_same_calls(real: Server, ours: Server, protocol: int) -> None:
    with closing(Pair(real, ours)) as pair:
        for call in REFUSED:
            pair.check([step(*call.split())], protocol)
