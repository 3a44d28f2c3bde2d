"""The functions of the laboratory for programs and notebooks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from pyredmem.lab.aof_import import read_aof
from pyredmem.lab.csv_import import read_csv
from pyredmem.lab.grid import configurations, policies_of, sizes_of, versions_of
from pyredmem.lab.recorder import record as record_to_file
from pyredmem.lab.replays import replay_all
from pyredmem.lab.results import Results
from pyredmem.lab.synthetic import make as make_of_spec
from pyredmem.lab.synthetic import parsed_spec, spec_of
from pyredmem.lab.trace import Trace
from pyredmem.lab.trace_file import load


def make(text: str = "", **spec: Any) -> Trace:
    """A synthetic trace, from a specification as a text of TOML, or as arguments with the same names.

    Raises SpecError.
    """
    return make_of_spec(parsed_spec(text) if text else spec_of(spec))


def record(url: str, seconds: float, sample: float = 1.0, hash_keys: bool = False) -> Trace:
    """What the clients of a server ask for during some seconds; ``sample`` is the share of keys that is recorded.

    Raises RecordError.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "trace")
        record_to_file(url, path, seconds, sample, hash_keys)
        return load(path)


def import_aof(path: str, per_second: float = 1000.0) -> Trace:
    """The trace of an append-only file or a manifest. Without times in it, ``per_second`` commands come in a second.

    Raises ImportFileError and OSError.
    """
    return read_aof(path, per_second)


def import_csv(path: str) -> Trace:
    """The trace of a CSV file with the columns of Twitter's cache traces. Raises ImportFileError and OSError."""
    return read_csv(path)


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
    versions: str | Sequence[str] = "",
    advance: Callable[[int], None] = lambda count: None,
) -> Results:
    """Replay a trace under policies and sizes (bytes), and under exact caches of the same sizes.

    ``sample`` is the share of keys that stand for all. ``jobs`` is the number of processes, 0 for one on each core.
    ``settings`` are further settings of the server, ``versions`` are values of redis-version. ``advance`` is told how
    many operations were replayed. Raises ReplayError.
    """
    names = policies_of(policies if isinstance(policies, str) else ",".join(policies))
    sizes = sizes_of(maxmemory) if isinstance(maxmemory, str) else sorted(maxmemory)
    profiles = versions_of(versions if isinstance(versions, str) else ",".join(versions))
    chosen = configurations(names, sizes, samples, seed, fill_misses, tuple(settings), profiles)
    return replay_all(trace, chosen, sample, jobs, advance)
