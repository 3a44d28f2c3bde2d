"""The functions of the laboratory for programs and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyredmem.lab.grid import configurations, policies_of, sizes_of
from pyredmem.lab.replays import replay_all
from pyredmem.lab.results import Results
from pyredmem.lab.synthetic import make as make_of_spec
from pyredmem.lab.synthetic import parsed_spec, spec_of
from pyredmem.lab.trace import Trace


def make(text: str = "", **spec: Any) -> Trace:
    """A synthetic trace, from a specification as a text of TOML, or as arguments with the same names.

    Raises SpecError.
    """
    return make_of_spec(parsed_spec(text) if text else spec_of(spec))


def replay(
    trace: Trace,
    policies: str | Sequence[str] = "all",
    maxmemory: str | Sequence[int] = "50mb..1gb:8",
    samples: Sequence[int] = (5,),
    fill_misses: bool = False,
    seed: int = 1,
    jobs: int = 0,
    sample: float = 1.0,
    settings: Sequence[tuple[str, str]] = (),
    advance: Callable[[int], None] = lambda count: None,
) -> Results:
    """Replay a trace under policies and sizes (bytes), and under exact caches of the same sizes.

    ``sample`` is the share of keys that stand for all. ``jobs`` is the number of processes, 0 for one on each core.
    ``settings`` are further settings of the server. ``advance`` is told how many operations were replayed. Raises
    ReplayError.
    """
    names = policies_of(policies if isinstance(policies, str) else ",".join(policies))
    sizes = sizes_of(maxmemory) if isinstance(maxmemory, str) else sorted(maxmemory)
    chosen = configurations(names, sizes, samples, seed, fill_misses, tuple(settings))
    return replay_all(trace, chosen, sample, jobs, advance)
