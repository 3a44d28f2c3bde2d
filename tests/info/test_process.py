"""INFO process."""

from __future__ import annotations

import pytest

from pyredmem.base.build import COMPILED
from pyredmem.memory.process_heap import ARENA_BYTES, obstacle
from tests.support.hosted import Hosted

FIELDS = (
    *("process_allocator", "process_compaction", "process_arenas", "process_arena_bytes", "process_live_bytes"),
    *("process_releasable_bytes", "process_heap_ratio", "process_rss_bytes", "process_ledger_ratio"),
    *("compaction_state", "compaction_effort", "compaction_plugs", "compaction_runs", "compaction_passes"),
    *("compaction_moved_objects", "compaction_plugs_made", "compaction_emptied_arenas", "compaction_returned_bytes"),
    *("compaction_run_ms", "compaction_busy_ms", "compaction_longest_us"),
)


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


def test_the_section_has_these_fields_in_order(hosted: Hosted) -> None:
    assert tuple(hosted.info("process")) == FIELDS


def test_it_is_not_shown_unasked(hosted: Hosted) -> None:
    assert "# Process" not in hosted.info_text()
    assert "# Process" in hosted.info_text("everything")


@pytest.mark.skipif(bool(obstacle()), reason="this interpreter has another heap")
def test_the_heap_is_that_of_the_interpreter(hosted: Hosted) -> None:
    found = hosted.info("process")
    assert found["process_allocator"] == "pymalloc"
    assert int(found["process_arena_bytes"]) == int(found["process_arenas"]) * ARENA_BYTES
    assert 0 < int(found["process_live_bytes"]) < int(found["process_arena_bytes"])
    assert int(found["process_releasable_bytes"]) < int(found["process_arena_bytes"])


@pytest.mark.skipif(COMPILED, reason="of the other build")
def test_an_interpreted_package_says_that_it_cannot_compact(hosted: Hosted) -> None:
    assert hosted.info("process")["process_compaction"].startswith("impossible: the package is not compiled")


@pytest.mark.skipif(not COMPILED or bool(obstacle()), reason="of the other build")
def test_a_compiled_package_can_compact(hosted: Hosted) -> None:
    assert hosted.info("process")["process_compaction"] == "possible"


def test_the_resident_set_is_compared_with_the_ledger(hosted: Hosted) -> None:
    found = hosted.info("process")
    assert found["process_rss_bytes"] == "100000000"
    assert float(found["process_ledger_ratio"]) > 100


def test_an_idle_server_has_done_nothing(hosted: Hosted) -> None:
    found = hosted.info("process")
    assert found.pop("compaction_state") == "idle"
    assert {value for name, value in found.items() if name.startswith("compaction_")} == {"0"}
