"""The marker `redmem` of the pytest plugin."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import RunTests

pytest_plugins = ["pytester"]


def test_it_sets_settings_of_the_fresh_server(run_tests: RunTests) -> None:
    result = run_tests(
        """
        import pytest

        @pytest.mark.redmem(maxmemory="10mb", maxmemory_policy="allkeys-lru", databases=2, appendonly=False)
        def test_it(redmem):
            assert redmem.config_get("maxmemory*")["maxmemory"] == "10485760"
            assert redmem.config_get("databases") == {"databases": "2"}
            assert redmem.config_get("appendonly") == {"appendonly": "no"}
    """,
        "--strict-markers",
    )
    result.assert_outcomes(passed=1)


def test_the_closest_marker_counts(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        pytestmark = pytest.mark.redmem(databases=2, maxmemory="1mb")

        @pytest.mark.redmem(databases=3)
        def test_it(redmem):
            assert redmem.config_get("databases", "maxmemory") == {"databases": "3", "maxmemory": "1048576"}
    """)
    result.assert_outcomes(passed=1)


def test_it_sets_options_of_the_clients(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.mark.redmem(protocol=2, decode_responses=True)
        def test_it(redmem, aredmem, redmem_server):
            redmem.set("a", "1")
            assert redmem.get("a") == "1"
            assert redmem.client_info()["resp"] == "2"
            assert aredmem.get_encoder().decode_responses

        @pytest.mark.redmem(protocol=3)
        def test_newer(redmem):
            assert redmem.client_info()["resp"] == "3"
    """)
    result.assert_outcomes(passed=2)


def test_the_clients_know_the_password(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.mark.redmem(requirepass="secret")
        def test_it(redmem):
            assert redmem.ping()
    """)
    result.assert_outcomes(passed=1)


def test_one_seed_gives_one_order_of_chance(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        drawn = []

        @pytest.mark.parametrize("turn", [1, 2])
        @pytest.mark.redmem(seed=7)
        def test_draw(redmem, turn):
            redmem.sadd("s", *range(1000))
            drawn.append(redmem.spop("s", 20))

        def test_same():
            assert drawn[0] == drawn[1]
    """)
    result.assert_outcomes(passed=3)


def test_a_server_may_obey_pythons_time(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.mark.redmem(obeys_python_time=True)
        def test_it(redmem_module_server):
            with pytest.raises(RuntimeError, match="obeys Python's time"):
                redmem_module_server.clock

        @pytest.mark.redmem(obeys_python_time=True)
        def test_fresh(redmem_server):
            with pytest.raises(RuntimeError, match="obeys Python's time"):
                redmem_server.clock
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*can't change obeys_python_time of a server that runs already*"])


def test_a_shared_server_has_its_settings_for_one_test(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        pytestmark = pytest.mark.redmem(databases=4)

        @pytest.mark.redmem(maxmemory="1mb")
        def test_first(redmem, redmem_module_server):
            assert redmem.config_get("maxmemory", "databases") == {"maxmemory": "1048576", "databases": "4"}

        def test_second(redmem, redmem_module_server):
            assert redmem.config_get("maxmemory") == {"maxmemory": "0"}

        @pytest.mark.redmem(maxmemory="2mb")
        def test_third(redmem, redmem_module_server):
            assert redmem.config_get("maxmemory") == {"maxmemory": "2097152"}

        @pytest.mark.redmem(databases=5)
        def test_fixed(redmem_module_server):
            pass
    """)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*can't set immutable config*"])


def test_a_marker_concerns_the_servers_of_its_test_only(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        def test_shared(redmem_session_server):
            pass

        @pytest.mark.redmem(databases=5, seed=2)
        def test_fresh(redmem):
            assert redmem.config_get("databases") == {"databases": "5"}
    """)
    result.assert_outcomes(passed=2)


def test_it_reaches_a_shared_server_in_the_place_of_the_fresh_one(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.fixture
        def redmem_server(redmem_session_server):
            return redmem_session_server

        @pytest.mark.parametrize("turn", [1, 2])
        @pytest.mark.redmem(maxmemory="1mb")
        def test_limited(redmem, turn):
            assert redmem.config_get("maxmemory") == {"maxmemory": "1048576"}

        def test_unlimited(redmem):
            assert redmem.config_get("maxmemory") == {"maxmemory": "0"}
    """)
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("maxmemry='1mb'", "the marker redmem has no setting maxmemry; did you mean maxmemory?"),
        ("nothing_like_it=1", "the marker redmem has no setting nothing_like_it"),
        ("maxmemory='much'", "*maxmemory*argument must be a memory value*"),
        ("'10mb'", "the marker redmem takes names only: redmem(name='10mb')"),
    ],
)
def test_a_mistake_in_it_is_named(run_tests: RunTests, marker: str, message: str) -> None:
    result = run_tests(f"""
        import pytest

        @pytest.mark.redmem({marker})
        def test_it(redmem):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{message}"])


def test_it_is_listed(run_tests: RunTests) -> None:
    shown = run_tests("", "--markers").stdout.str()
    assert "@pytest.mark.redmem(**settings): settings for the server of the test" in shown


def test_a_marker_freezes_the_time_and_keeps_clients_from_trying_again(run_tests: RunTests) -> None:
    run_tests("""
        from datetime import UTC, datetime
        import pytest
        import redis

        @pytest.mark.redmem(frozen_at=datetime(2030, 1, 1, tzinfo=UTC), retry=None)
        def test_it(redmem, redmem_server):
            assert redmem.time() == (1893456000, 0)
            with redmem_server.faults.drop("GET") as fault, pytest.raises(redis.ConnectionError):
                redmem.get("a")
            assert fault.fired == 1
    """).assert_outcomes(passed=1)
