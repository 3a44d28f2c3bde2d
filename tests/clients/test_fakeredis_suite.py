"""fakeredis's own tests pass here if they pass on a real server; and the script that runs them counts rightly."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.clients.fakeredis_suite import (
    BAR,
    Comparison,
    NoSourceError,
    Outcomes,
    compare,
    files,
    messages,
    prepare,
    source,
    twin,
)
from tests.clients.redis_py_suite import FAILED, PASSED, SKIPPED
from tests.support.suites import SUITE, time_limit

LONGEST_SECONDS = 3600
NEEDED = ("hypothesis", "pytest_asyncio", "pytest_mock", "sortedcontainers", "valkey", "xdist")


@pytest.mark.slow
@pytest.mark.needs_redis
@time_limit(LONGEST_SECONDS)
def test_what_passes_on_a_real_server_passes_here() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the tests of fakeredis need {', '.join(missing)}")
    try:
        source()
    except NoSourceError as error:
        pytest.skip(str(error))
    comparison = compare(selected=SUITE.fakeredis_files)
    print(comparison.report())
    assert len(comparison.judged()) > (100 if SUITE.fakeredis_files else 1000)
    assert comparison.share() >= BAR


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("test/a.py::test_one[Strict2]", "test/a.py::test_one[FakeStrict2]"),
        ("test/a.py::TestA::test_one[x-Strict3-y]", "test/a.py::TestA::test_one[x-FakeStrict3-y]"),
        ("test/a.py::test_one[real_resp3]", "test/a.py::test_one[fake_resp3]"),
        ("test/a.py::test_Strict2", "test/a.py::test_Strict2"),
    ],
)
def test_a_test_has_a_twin_here(name: str, here: str) -> None:
    assert twin(name) == here


COMPARISON = Comparison(
    Outcomes({"a[Strict2]": PASSED, "b[Strict2]": PASSED, "c[Strict2]": FAILED, "d[Strict2]": SKIPPED}),
    Outcomes(
        {"a[FakeStrict2]": PASSED, "b[FakeStrict2]": FAILED, "c[FakeStrict2]": FAILED, "e": FAILED, "f": PASSED},
        {"b[FakeStrict2]": "because"},
    ),
)


def test_the_share_is_of_those_that_a_real_server_passes() -> None:
    assert COMPARISON.judged() == ["a[FakeStrict2]", "b[FakeStrict2]"]
    assert COMPARISON.missing() == ["b[FakeStrict2]"]
    assert COMPARISON.share() == 0.5
    assert COMPARISON.refused() == ["c[FakeStrict2]"]


def test_a_test_without_a_twin_is_counted_by_itself() -> None:
    assert COMPARISON.others() == {"e": FAILED, "f": PASSED}
    assert COMPARISON.report().splitlines()[-2:] == [
        "  without a twin on a real server: 1 passed, 1 failed, 0 skipped",
        "    e",
    ]


def test_the_report_says_why_a_test_fails() -> None:
    report = """<testsuites><testsuite><testcase classname="test.test_a.TestA" name="test_one[x]" file="test/test_a.py">
    <failure message="because&#10;of this"/></testcase></testsuite></testsuites>"""
    outcomes = Outcomes({}, messages(ElementTree.fromstring(report)))
    assert outcomes.message("test/test_a.py::TestA::test_one[x]") == "because"


def test_tests_of_other_servers_and_of_the_inside_do_not_run(tmp_path: Path) -> None:
    names = ["test_stack/test_json.py", "test_internals/test_xstream.py", "test_mixins/test_sets.py", "test_own.py"]
    for name in names:
        (tmp_path / "test" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "test" / name).touch()
    assert files(tmp_path) == ["test/test_mixins/test_sets.py", "test/test_own.py"]


def test_the_tests_are_told_where_the_real_server_is(tmp_path: Path) -> None:
    genuine, scratch = tmp_path / "genuine", tmp_path / "scratch"
    (genuine / "test").mkdir(parents=True)
    scratch.mkdir()
    (genuine / "pyproject.toml").touch()
    (genuine / "test" / "test_a.py").write_text("PORT = 6390\n")
    prepare(genuine, scratch, 12345, 19000)
    assert (scratch / "test" / "test_a.py").read_text() == "PORT = 12345\n"
    assert str(genuine / "fakeredis") in (scratch / "fakeredis" / "__init__.py").read_text()
