"""INFO process."""

from __future__ import annotations

import pytest

from pyredmem.base.build import COMPILED
from pyredmem.memory.process_heap import ARENA_BYTES, obstacle
from tests.support.hosted import Hosted

FIELDS = (
    *("profile", "profile_judged"),
    *("process_allocator", "process_compaction", "process_arenas", "process_arena_bytes", "process_live_bytes"),
    *("process_releasable_bytes", "process_heap_ratio", "process_rss_bytes", "process_ledger_ratio"),
    *("compaction_state", "compaction_effort", "compaction_plugs", "compaction_runs", "compaction_passes"),
    *("compaction_moved_objects", "compaction_plugs_made", "compaction_emptied_arenas", "compaction_returned_bytes"),
    *("compaction_run_ms", "compaction_busy_ms", "compaction_longest_us"),
)


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def test_the_section_has_its_fields_in_order(hosted: Hosted) -> None:
    assert tuple(hosted.info("process")) == FIELDS


@pytest.mark.parametrize(("version", "judged"), [("redis-7.2", "yes"), ("valkey-9.1", "yes"), ("redis-8.4", "no: ")])
def test_the_section_says_whether_the_profile_was_compared_with_a_server(version: str, judged: str) -> None:
    found = Hosted(redis_version=version).info("process")
    assert found["profile"] == version
    assert found["profile_judged"].startswith(judged)


def test_the_section_is_only_shown_on_request(hosted: Hosted) -> None:
    assert "# Process" not in hosted.info_text()
    assert "# Process" in hosted.info_text("everything")


@pytest.mark.skipif(bool(obstacle()), reason="the heap of this interpreter cannot be read")
def test_the_figures_of_the_heap_are_those_of_the_interpreter(hosted: Hosted) -> None:
    found = hosted.info("process")
    assert found["process_allocator"] == "pymalloc"
    assert int(found["process_arena_bytes"]) == int(found["process_arenas"]) * ARENA_BYTES
    assert 0 < int(found["process_live_bytes"]) < int(found["process_arena_bytes"])
    assert int(found["process_releasable_bytes"]) < int(found["process_arena_bytes"])


@pytest.mark.skipif(COMPILED, reason="only for the interpreted build")
def test_an_interpreted_package_says_that_its_heap_cannot_be_compacted(hosted: Hosted) -> None:
    assert hosted.info("process")["process_compaction"].startswith("impossible: the package is not compiled")


@pytest.mark.skipif(not COMPILED or bool(obstacle()), reason="only for the compiled build")
def test_the_heap_of_a_compiled_package_can_be_compacted(hosted: Hosted) -> None:
    assert hosted.info("process")["process_compaction"] == "possible"


def test_the_resident_set_is_compared_with_the_ledger(hosted: Hosted) -> None:
    found = hosted.info("process")
    assert found["process_rss_bytes"] == "100000000"
    assert float(found["process_ledger_ratio"]) > 100


def test_an_idle_server_has_compacted_nothing(hosted: Hosted) -> None:
    found = hosted.info("process")
    assert found.pop("compaction_state") == "idle"
    assert {value for name, value in found.items() if name.startswith("compaction_")} == {"0"}
