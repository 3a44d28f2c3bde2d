"""What is said of replays, in figures and in words."""

from __future__ import annotations

import pytest

from pyredmem.lab.charts import page, png
from pyredmem.lab.engine_run import Configuration, Outcome
from pyredmem.lab.results import Results
from pyredmem.lab.table import text_of

MB = 1024 * 1024


def results(ratios: dict[str, list[float]], rate: float = 1.0) -> Results:
    """Results with hit ratios at 100 MB, 200 MB, 400 MB ..."""
    outcomes = [
        Outcome(
            Configuration(policy, 5, (100 << number) * MB),
            reads=1000,
            misses=round(1000 * (1 - ratio)),
            memory_by_type={"string": 5000},
        )
        for policy, line in ratios.items()
        for number, ratio in enumerate(line)
    ]
    return Results(outcomes, 1000, 50, rate)


@pytest.mark.parametrize(
    ("ratios", "sentence"),
    [
        (
            {"allkeys-lru": [0.5, 0.6, 0.8], "allkeys-lfu": [0.6, 0.7, 0.9], "belady": [1, 1, 1]},
            "allkeys-lfu at 200.0 MiB gives what allkeys-lru gives at 282.8 MiB.",
        ),
        (
            {"allkeys-lru": [0.5, 0.6, 0.65], "allkeys-lfu": [0.6, 0.7, 0.9]},
            "allkeys-lfu at 200.0 MiB gives more than allkeys-lru gives at 400.0 MiB.",
        ),
        (
            {"allkeys-lru": [0.5, 0.7, 0.9], "allkeys-lfu": [0.4, 0.6, 0.7], "allkeys-random": [0.3, 0.5, 0.6]},
            "allkeys-lru at 200.0 MiB gives what allkeys-lfu gives at 400.0 MiB.",
        ),
        (
            {"allkeys-lru": [0.5, 0.7, 0.9], "allkeys-lfu": [0.5, 0.7, 0.9]},
            "At 200.0 MiB allkeys-lru and allkeys-lfu give the same: 70.0% hits.",
        ),
        ({"allkeys-lru": [0.5, 0.7]}, "allkeys-lru gives 50.0% hits at 100.0 MiB, and 70.0% at 200.0 MiB."),
        ({"allkeys-lru": [0.5]}, "allkeys-lru gives 50.0% hits at 100.0 MiB."),
        ({"noeviction": [0.9], "belady": [1]}, "No policy that evicts was replayed, so none can be recommended."),
    ],
)
def test_the_last_line_in_words(ratios: dict[str, list[float]], sentence: str) -> None:
    assert results(ratios).conclusion() == sentence


def test_curves_are_interpolated_between_sizes() -> None:
    [curve] = results({"allkeys-lru": [0.4, 0.6, 0.7]}).curves()
    assert curve.ratio_at(100 * MB * 2**0.5) == pytest.approx(0.5)
    assert curve.size_for(0.65) == pytest.approx(200 * MB * 2**0.5)
    assert curve.size_for(0.1) == 100 * MB
    assert curve.size_for(0.71) is None


def test_a_sample_is_compared_with_the_reads_that_it_should_have() -> None:
    outcome = Outcome(Configuration("allkeys-lru", 5, MB), reads=80, misses=25)
    assert outcome.hit_ratio == pytest.approx(1 - 25 / 80)
    outcome.expected_reads = 100.0
    assert outcome.hit_ratio == 0.75
    outcome.misses = 500
    assert outcome.hit_ratio == 0.0


def test_arrays_for_a_notebook() -> None:
    found = results({"allkeys-lru": [0.5, 0.7], "belady": [0.6, 0.8]})
    arrays = found.arrays()
    assert arrays["hit_ratio"].tolist() == [0.5, 0.7, 0.6, 0.8]
    assert arrays["policy"].tolist() == ["allkeys-lru"] * 2 + ["belady"] * 2
    sizes, ratios = found.curve("belady")
    assert (sizes.tolist(), ratios.tolist()) == ([100 * MB, 200 * MB], [0.6, 0.8])
    with pytest.raises(KeyError):
        found.curve("allkeys-lfu")


def test_the_table_ends_with_the_words() -> None:
    found = results({"allkeys-lru": [0.5, 0.7], "allkeys-lfu": [0.6, 0.8]}, rate=0.01)
    text = text_of(found, is_terminal=False)
    assert text.splitlines()[-1] == found.conclusion()
    assert "Sampled at 0.01 of the keys" in text
    assert "allkeys-lfu, 5 samples" in text
    assert "string 4.88 KiB" in text


def test_the_picture_and_the_page() -> None:
    found = results({"allkeys-lru": [0.5, 0.7], "allkeys-lfu": [0.6, 0.8], "belady": [0.7, 0.9]})
    assert png(found).startswith(b"\x89PNG\r\n")
    text = page(found, "Replay of <a trace>")
    assert text == page(found, "Replay of <a trace>")
    assert "<svg" in text
    assert "Replay of &lt;a trace&gt;" in text
    assert found.conclusion() in text
    for loads in ('src="', "@import", "<link", "url(http", 'href="http'):
        assert loads not in text
