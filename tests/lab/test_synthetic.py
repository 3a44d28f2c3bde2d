"""Synthetic traces."""

from __future__ import annotations

import numpy as np
import pytest

from pyredmem.lab.errors import SpecError
from pyredmem.lab.operations import DELETE, READ, WRITE
from pyredmem.lab.synthetic import make, parsed_spec


def names(text: str) -> list[int]:
    trace = make(parsed_spec(text))
    return [int(trace.names[key].removeprefix(b"key:")) for key in trace.keys]


def test_the_same_seed_gives_the_same_trace() -> None:
    text = "operations = 5000\nreads = 0.7\nttls = [[0.5, 10], [0.5, 0]]\nvalues = [10, 90]\n"
    one, same, other = (make(parsed_spec(text + more)) for more in ("seed = 4", "seed = 4", "seed = 5"))
    for name, column in one.columns().items():
        assert np.array_equal(column, same.columns()[name])
    assert one.names == same.names
    assert not np.array_equal(one.operations, other.operations)


def test_zipf_asks_for_a_few_keys_often() -> None:
    counts = np.sort(np.bincount(names('operations = 50000\n[[part]]\nkind = "zipf"\nkeys = 1000\nskew = 1.0')))[::-1]
    expected = 50000 / sum(1 / rank for rank in range(1, 1001))
    assert counts[0] == pytest.approx(expected, rel=0.1)
    assert counts[9] == pytest.approx(expected / 10, rel=0.15)


def test_the_hot_keys_change() -> None:
    text = 'operations = 6000\n[[part]]\nkind = "hot"\nkeys = 1000\nhot = 0.1\nhot_reads = 0.9\nmoves = 3'
    found = np.array(names(text))
    for stretch in range(3):
        part = found[stretch * 2000 : (stretch + 1) * 2000]
        hot = (part >= stretch * 100) & (part < (stretch + 1) * 100)
        assert float(hot.mean()) == pytest.approx(0.91, abs=0.03)


def test_a_scan_and_a_loop_ask_for_each_key_in_turn() -> None:
    assert names('operations = 25\n[[part]]\nkind = "scan"\nkeys = 10\nfirst = 50') == [50 + n % 10 for n in range(25)]
    found = names('operations = 30\n[[part]]\nkind = "loop"\nkeys = 10')
    assert sorted(found[:10]) == list(range(10))
    assert found[:10] == found[10:20] == found[20:]


def test_parts_are_mixed_by_weight_in_runs() -> None:
    text = """
operations = 20000
[[part]]
keys = 100
[[part]]
kind = "scan"
first = 1000
keys = 100000
run = 50
weight = 0.25
"""
    found = np.array(names(text))
    scanned = found[found >= 1000]
    assert len(scanned) / len(found) == pytest.approx(0.2, abs=0.05)
    assert scanned.tolist() == list(range(1000, 1000 + len(scanned)))
    places = np.flatnonzero(found >= 1000)
    assert int((np.diff(places) > 1).sum()) <= len(places) // 50


def test_operations_times_to_live_and_lengths() -> None:
    text = "operations = 20000\nper_second = 100\nreads = 0.6\ndeletes = 0.1\nttls = [[0.25, 60], [0.75, 0]]\n"
    trace = make(parsed_spec(text + "values = [100, 200]\n[[part]]\nkind = 'uniform'\nkeys = 5000"))
    shares = np.bincount(trace.operations) / len(trace)
    assert shares[READ] == pytest.approx(0.6, abs=0.02)
    assert shares[WRITE] == pytest.approx(0.3, abs=0.02)
    assert shares[DELETE] == pytest.approx(0.1, abs=0.02)
    assert trace.seconds == pytest.approx(199.99)
    written = trace.operations == WRITE
    assert set(trace.ttls[written].tolist()) == {60_000, -1}
    assert float((trace.ttls[written] == 60_000).mean()) == pytest.approx(0.25, abs=0.03)
    assert (trace.sizes[written].min(), trace.sizes[written].max()) == (100, 200)
    pairs = set(zip(trace.keys[written].tolist(), trace.sizes[written].tolist(), strict=True))
    assert len(pairs) == len(set(trace.keys[written].tolist()))  # a key has one length


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("operations = ", "Invalid value"),
        ("operations = 0", "operations must be more than 0"),
        ("operation = 5", "the trace has no 'operation'"),
        ("operations = 'many'", "'operations' of the trace must be a number"),
        ("key = 5", "'key' of the trace must be a text"),
        ("key = 'a{'", "key like"),
        ("reads = 0.9\ndeletes = 0.2", "shares of 1"),
        ("values = [5]", "values must be two lengths"),
        ("values = [5, 1]", "the least one first"),
        ("ttls = [1, 2]", "ttls pairs"),
        ("part = 5", "part must be a list"),
        ("[[part]]\nkind = 'none'", "kind must be one of zipf"),
        ("[[part]]\nkeys = 0", "must be more than 0"),
        ("[[part]]\nhot = 2.0", "shares of 1"),
        ("[[part]]\nlength = 2.0", "part 1 has no 'length'"),
        ("seed = -1", "seed"),
    ],
)
def test_a_wrong_specification_is_explained(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parsed_spec(text)
