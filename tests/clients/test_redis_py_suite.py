"""redis-py's own tests pass here if they pass on a real server; and the script that runs them counts rightly."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from pyredmem.compatibility.reference import REDIS_PY_TESTS_IN_PROCESS
from pyredmem.config.profiles import MIXED, PROFILES
from tests.clients import redis_py_in_process
from tests.clients.redis_py_in_process import PARSER_FILES
from tests.clients.redis_py_suite import (
    FAILED,
    OURS,
    PASSED,
    PROTOCOLS,
    SKIPPED,
    Comparison,
    NoSourceError,
    compare,
    judges,
    outcomes,
    reason_for,
    source,
)
from tests.support.suites import DEFAULT, SUITE, time_limit

LONGEST_SECONDS = 3600


@pytest.fixture
def _needs_source() -> None:
    try:
        source()
    except NoSourceError as error:
        pytest.skip(str(error))


@pytest.mark.slow
@pytest.mark.needs_redis
@time_limit(LONGEST_SECONDS)
@pytest.mark.usefixtures("_needs_source")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_passes_on_a_real_server_passes_here(protocol: int) -> None:
    comparison = compare(protocol, SUITE.redis_py_files)
    print(comparison.report({}))
    assert len(comparison.both()) > (50 if SUITE.redis_py_files else 1000)
    assert not comparison.missing()


@pytest.mark.slow
@pytest.mark.needs_redis
@time_limit(LONGEST_SECONDS)
@pytest.mark.usefixtures("_needs_source")
@pytest.mark.parametrize("protocol", PROTOCOLS[-1:] if SUITE.redis_py_files_of_profiles else PROTOCOLS)
@pytest.mark.parametrize("profile", SUITE.redis_py_profiles)
def test_what_passes_on_a_server_passes_with_the_profile_of_its_version(profile: str, protocol: int) -> None:
    if not judges(profile):
        pytest.skip(f"no server to compare {profile} with")
    comparison = compare(protocol, SUITE.redis_py_files_of_profiles, profile)
    print(comparison.report({}))
    assert len(comparison.both()) > (50 if SUITE.redis_py_files_of_profiles else 1000)
    assert not comparison.missing()


@pytest.mark.slow
@time_limit(LONGEST_SECONDS)
@pytest.mark.usefixtures("_needs_source")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_passes_over_tcp_passes_in_the_process(protocol: int) -> None:
    comparison = redis_py_in_process.compare(protocol, SUITE.redis_py_files)
    print(comparison.report(REDIS_PY_TESTS_IN_PROCESS))
    assert len(comparison.both()) > (50 if SUITE.redis_py_files else 1000)
    assert not [name for name in sorted(comparison.missing()) if not reason_for(name, REDIS_PY_TESTS_IN_PROCESS)]


@pytest.mark.slow
@time_limit(LONGEST_SECONDS)
@pytest.mark.usefixtures("_needs_source")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_passes_over_tcp_passes_in_the_process_without_hiredis(protocol: int) -> None:
    files = SUITE.redis_py_files or PARSER_FILES
    comparison = redis_py_in_process.compare(protocol, files, has_python_parser=True)
    print(comparison.report(REDIS_PY_TESTS_IN_PROCESS))
    assert len(comparison.both()) > 50
    assert not [name for name in sorted(comparison.missing()) if not reason_for(name, REDIS_PY_TESTS_IN_PROCESS)]


REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_a.TestA" name="test_one[x]" file="tests/test_a.py"/>
<testcase classname="tests.test_a" name="test_two" file="tests/test_a.py"><failure/></testcase>
<testcase classname="tests.test_a" name="test_three" file="tests/test_a.py"><skipped/></testcase>
<testcase classname="tests.test_a" name="test_four" file="tests/test_a.py"/>
<testcase classname="tests.test_a" name="test_four" file="tests/test_a.py"><error/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_read_with_the_names_that_pytest_takes() -> None:
    assert outcomes(ElementTree.fromstring(REPORT)) == {
        "tests/test_a.py::TestA::test_one[x]": PASSED,
        "tests/test_a.py::test_two": FAILED,
        "tests/test_a.py::test_three": SKIPPED,
        "tests/test_a.py::test_four": FAILED,
    }


COMPARISON = Comparison(
    2,
    {
        OURS: {"a": PASSED, "b": FAILED, "c": FAILED, "d": SKIPPED, "e[1]": FAILED},
        "redis-server": {"a": PASSED, "b": FAILED, "c": PASSED, "d": PASSED, "e[1]": SKIPPED, "f": PASSED},
        "redis-8": {"a": PASSED, "b": FAILED, "c": FAILED, "d": PASSED, "e[1]": PASSED},
    },
)


def test_a_test_counts_against_us_if_any_real_server_passes_it() -> None:
    assert COMPARISON.both() == {"a"}
    assert COMPARISON.missing() == {"c", "e[1]", "f"}


def test_a_skipped_test_counts_against_us_if_it_should_not_be_skipped() -> None:
    comparison = replace(COMPARISON, skipping_is_failing=True)
    assert comparison.missing() == {"c", "d", "e[1]", "f"}


def test_the_report_names_the_tests_that_do_not_pass_and_their_reasons() -> None:
    lines = COMPARISON.report({"e": "it is special"}).splitlines()
    assert lines[1:] == [
        "  pyredmem: 1 passed, 3 failed, 1 skipped",
        "  redis-server: 4 passed, 1 failed, 1 skipped",
        "  redis-8: 3 passed, 2 failed, 0 skipped",
        "  a real server and pyredmem pass: 1",
        "  a real server passes, but pyredmem does not: 3",
        "    c",
        "    e[1]  it is special",
        "    f",
    ]


def test_a_second_try_replaces_the_outcome_of_the_first() -> None:
    comparison = Comparison(3, {OURS: {"a": FAILED}, "redis-server": {"a": PASSED}})
    comparison.replace(Comparison(3, {OURS: {"a": PASSED}, "redis-server": {"a": PASSED}}))
    assert comparison.missing() == set()


def test_the_full_suite_tries_all_profiles() -> None:
    assert {*DEFAULT.redis_py_profiles, MIXED.name} == set(PROFILES)
