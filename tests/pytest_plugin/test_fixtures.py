"""The fixtures of the pytest plugin."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.conftest import RunTests

pytest_plugins = ["pytester"]


def test_each_test_has_a_fresh_server(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test_counter(redmem, turn):
            assert redmem.incr("counter") == 1
    """)
    result.assert_outcomes(passed=2)


def test_the_clients_are_those_of_the_server_of_the_test(run_tests: RunTests) -> None:
    result = run_tests("""
        import redis

        def test_it(redmem, redmem_server, redmem_url):
            assert type(redmem) is redis.Redis
            redmem.set("a", "1")
            assert redmem_server.dump() == {"a": "1"}
            with redis.Redis.from_url(redmem_url) as other:
                assert other.get("a") == b"1"
            assert redmem_server.commands.count("GET", key="a") == 1
    """)
    result.assert_outcomes(passed=1)


def test_a_shared_server_is_emptied_between_tests(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        seen = []

        @pytest.mark.parametrize("turn", [1, 2])
        @pytest.mark.parametrize("name", ["redmem_module_server", "redmem_session_server"])
        def test_it(request, name, turn):
            server = request.getfixturevalue(name)
            with server.client() as client:
                assert client.config_get("maxmemory") == {"maxmemory": "0"}
                assert client.dbsize() == 0
                assert not server.commands.of("SET")
                assert client.acl_users() == ["default"]
                client.set("a", "1")
                client.config_set("maxmemory", "10mb")
                client.acl_setuser("ann", enabled=True, nopass=True, commands=["+@all"])
                client.acl_setuser("default", commands=["-get"])
            server.clock.freeze()
            seen.append(server)

        def test_there_were_two_servers():
            assert len(set(map(id, seen))) == 2
    """)
    result.assert_outcomes(passed=5)


def test_the_time_of_a_shared_server_is_real_again_in_the_next_test(run_tests: RunTests) -> None:
    result = run_tests("""
        from datetime import datetime, UTC

        def test_first(redmem_module_server):
            redmem_module_server.clock.freeze(datetime(2000, 1, 1, tzinfo=UTC))

        def test_second(redmem_module_server):
            assert redmem_module_server.clock.now().year > 2000
    """)
    result.assert_outcomes(passed=2)


def test_clients_that_listen_or_wait_do_not_reach_the_next_test(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.fixture(scope="module")
        def client(redmem_module_server):
            with redmem_module_server.client() as client:
                yield client

        def test_first(client, redmem_module_server):
            listener = client.pubsub()
            listener.subscribe("news")
            with pytest.raises(AssertionError, match="is subscribed to 'news'"):
                redmem_module_server.expect_clean()
            client.listener = listener
            client.client_pause(60000)

        def test_second(client, redmem_module_server):
            assert client.publish("news", "x") == 0
            redmem_module_server.expect_clean()
            client.listener.close()
    """)
    result.assert_outcomes(passed=2)


def test_a_shared_server_is_the_server_of_a_test_that_asks_for_it(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_it(redmem, redmem_module_server):
            redmem.set("a", "1")
            assert redmem_module_server.dump() == {"a": "1"}
    """)
    result.assert_outcomes(passed=1)


def test_a_project_can_choose_the_server_of_all_its_tests(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.fixture
        def redmem_server(redmem_session_server):
            return redmem_session_server

        def test_first(redmem, redmem_session_server):
            redmem.set("a", "1")
            assert redmem_session_server.dump() == {"a": "1"}

        def test_second(redmem):
            assert redmem.dbsize() == 0
    """)
    result.assert_outcomes(passed=2)


def test_the_patch_leads_code_under_test_to_the_server(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest
        import redis

        def test_default(redmem_patch, redmem):
            with redis.Redis() as mine:
                mine.set("a", "1")
            assert redmem.get("a") == b"1"

        @pytest.mark.redmem(addresses=["cache:7000"])
        def test_addresses(redmem_patch):
            with redis.Redis("cache", 7000) as mine:
                assert mine.ping()
            with redis.Redis() as mine, pytest.raises(redis.ConnectionError, match="no patch of pyredmem claims"):
                mine.ping()
    """)
    result.assert_outcomes(passed=2)


def test_the_server_is_closed_after_a_test_that_fails(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest
        import redis

        kept = []

        def test_that_fails(redmem_server):
            kept.append(redmem_server)
            assert False

        def test_afterwards():
            with pytest.raises(redis.ConnectionError):
                kept[0].client().ping()
    """)
    result.assert_outcomes(failed=1, passed=1)


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_the_async_client_works_with_pytest_asyncio(run_tests: RunTests, mode: str) -> None:
    result = run_tests(
        """
        import pytest
        import redis.asyncio

        @pytest.mark.asyncio
        async def test_it(aredmem, redmem):
            assert type(aredmem) is redis.asyncio.Redis
            await aredmem.set("a", "1")
            assert redmem.get("a") == b"1"

        @pytest.fixture
        def before(event_loop_policy):
            return 1

        @pytest.mark.asyncio
        async def test_blocking(before, aredmem):
            assert await aredmem.blpop("nothing", 0.01) is None

        def test_unused(aredmem):
            pass
        """,
        "-o",
        f"asyncio_mode={mode}",
    )
    result.assert_outcomes(passed=3)


def test_the_async_client_works_with_anyio_on_asyncio(run_tests: RunTests) -> None:
    pytest.importorskip("anyio")
    result = run_tests("""
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def test_it(aredmem):
            assert await aredmem.incr("a") == 1
    """)
    result.assert_outcomes(passed=1)


def test_the_async_client_is_refused_clearly_under_trio(run_tests: RunTests) -> None:
    pytest.importorskip("anyio")
    pytest.importorskip("trio")
    result = run_tests("""
        import pytest

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["trio"])
        async def test_it(aredmem):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*aredmem is a client of redis-py, which runs on asyncio only*"])


def test_the_async_client_is_refused_clearly_under_pytest_trio(run_tests: RunTests) -> None:
    result = run_tests(
        """
        import pytest

        @pytest.mark.trio
        def test_it(aredmem):
            pass
        """,
        "-o",
        "markers=trio: as of pytest-trio",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*aredmem is a client of redis-py, which runs on asyncio only*"])


def test_each_worker_of_xdist_has_servers_of_its_own(run_tests_apart: RunTests) -> None:
    result = run_tests_apart(
        """
        import pytest

        @pytest.mark.parametrize("turn", range(8))
        def test_it(redmem_session_server, redmem, turn):
            assert redmem.incr("counter") == 1

        def test_that_fails(redmem):
            redmem.set("a", "1")
            assert False
        """,
        "-n",
        "2",
    )
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(["*- pyredmem -*", "*SET a 1 -> OK"])


def test_nothing_is_loaded_before_a_fixture_is_used(run_tests_apart: RunTests) -> None:
    result = run_tests_apart(
        """
        import sys

        def test_without():
            assert not [name for name in sys.modules if name.startswith(("pyredmem.", "redis", "lupa"))
                        and name != "pyredmem.pytest_plugin"]

        def test_with(redmem_server):
            assert "redis" not in sys.modules
        """,
        "-p",
        "no:pytest_redis",
    )
    result.assert_outcomes(passed=2)
