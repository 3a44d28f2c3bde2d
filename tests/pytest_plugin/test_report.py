"""What the pytest plugin adds to the report of a test that fails."""

from __future__ import annotations

from tests.pytest_plugin.conftest import RunTests

pytest_plugins = ["pytester"]


def test_it_shows_the_last_commands_and_the_keyspace(run_tests: RunTests) -> None:
    result = run_tests("""
        from datetime import datetime, UTC

        def test_it(redmem_server):
            redmem_server.clock.freeze(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
            with redmem_server.client(client_name="web") as client:
                client.set("session", "x", ex=60)
                client.rpush("queue", "a b")
                client.lpush("session", "y")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- pyredmem -*",
            "all commands (time, client, database, command, reply):",
            "  03:04:05.000000  1=web  db0  SET session x EX 60 -> OK",
            "  03:04:05.000000  1=web  db0  RPUSH queue 'a b' -> 1",
            "  03:04:05.000000  1=web  db0  LPUSH session y -> (error) WRONGTYPE *",
            "database 0: 2 keys",
            "  queue: list",
            "  session: string, expires in 60.000 s",
        ]
    )
    result.stdout.no_fnmatch_line("*SETINFO*")


def test_it_is_short(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_it(redmem):
            for number in range(100):
                redmem.set(f"key:{number}", "x" * 10000)
            redmem.mget([f"key:{number}" for number in range(100)])
            assert False
    """)
    lines = result.outlines[next(at for at, line in enumerate(result.outlines) if "- pyredmem -" in line) :]
    assert lines[1].startswith("the last 15 of ")
    assert len(lines) < 35
    assert max(map(len, lines)) < 160


def test_a_shared_server_is_reported_by_the_test_that_used_it(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_first(redmem_session_server):
            redmem_session_server.client().set("a", "1")
            assert False

        def test_second():
            assert False
    """)
    result.assert_outcomes(failed=2)
    assert len([line for line in result.outlines if "- pyredmem -" in line]) == 1


def test_a_failing_fixture_is_reported_too(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest

        @pytest.fixture
        def broken(redmem):
            redmem.set("a", "1")
            yield
            assert redmem.get("a") == b"2"

        def test_it(broken):
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*- pyredmem -*", "*GET a -> 1"])


def test_a_test_that_passes_has_none(run_tests: RunTests) -> None:
    result = run_tests(
        """
        def test_it(redmem):
            redmem.set("a", "1")
    """,
        "-rA",
    )
    result.assert_outcomes(passed=1)
    assert "- pyredmem -" not in result.stdout.str()


def test_a_server_without_commands_is_reported_in_a_line(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_it(redmem_server):
            assert False
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- pyredmem -*", "no commands", "no keys"])


def test_it_names_the_faults_that_fired(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_it(redmem_server, redmem):
            redmem_server.faults.error("GET", "ERR out of order")
            redmem.get("k")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["faults that fired:", "  *GET*client * GET k"])


def test_a_shared_server_has_no_faults_in_the_next_test(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_first(redmem_session_server):
            redmem_session_server.faults.error("*", "ERR out of order")

        def test_second(redmem_session_server):
            assert redmem_session_server.client().ping()
    """)
    result.assert_outcomes(passed=2)


def test_a_server_that_a_project_has_made_is_reported_too(run_tests: RunTests) -> None:
    result = run_tests("""
        import pytest
        import pyredmem

        @pytest.fixture
        def redmem_server():
            with pyredmem.Server() as server:
                yield server

        def test_it(redmem_server, redmem):
            redmem.set("a", "1")
            assert redmem_server.commands.count("SET") == 1
            assert False

        @pytest.mark.redmem(maxmemory="1mb")
        def test_marked(redmem_server):
            pass
    """)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*- pyredmem -*", "*SET a 1 -> OK*"])
    result.stdout.fnmatch_lines(["*the marker redmem sets up the servers of the plugin, and this test has another*"])


def test_a_shared_server_is_reported_without_commands(run_tests: RunTests) -> None:
    result = run_tests("""
        def test_it(redmem_session_server):
            redmem_session_server.load({"k": "v"})
            assert False
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- pyredmem -*", "*k: string*"])
