"""Runs fakeredis's own tests, from its source distribution, against `pyredmem.fakeredis`.

`python -m tests.clients.fakeredis_suite [--python PYTHON] [file ...]` prints how many of the tests that a real
redis-server passes pass here too, and which do not. Most of these tests run once on a real server and once on a fake
one: the same test, so the one judges the other. The others are counted by themselves.

The tests import a package `fakeredis`. Here that is one of a few lines, which takes the public names from
`pyredmem.fakeredis` and leaves to the source distribution only the helpers that the tests themselves use. Tests of how
fakeredis works inside, and of servers and modules that are not ours, do not run.

The source distribution is downloaded once into the directory that PYREDMEM_FAKEREDIS names (by default one in the
directory for temporary files); nothing of it is kept in this repository. `--python` names an interpreter that has what
the tests need: pytest with the plugins asyncio, mock, timeout and xdist, hypothesis, valkey, lupa, sortedcontainers.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.clients.redis_py_suite import FAILED, PASSED, SKIPPED, outcomes
from tests.support.servers import ROOT, redis_server

VERSION = "2.41.0"
#: How many of the tests that a real server passes must pass here.
BAR = 0.97
RUN_SECONDS = 3000
TEST_SECONDS = 60

#: The port that the tests have for the real server.
_THEIR_PORT = "6390"
#: Directories and files about other servers and modules, and about how fakeredis works inside.
_OTHER_SUBJECTS = ("test_stack", "test_dragonfly", "test_kividb", "test_valkey")
_INSIDE = re.compile(
    "test_(expiring_members_set|expiry_tracking|extract_args|fake_selector|model_ttl|reply_shaping|tcp_resp|xstream"
    "|acl_validation|pipeline_internals)"
)

#: The package `fakeredis` that the tests import: its files, by name.
_PACKAGE = {
    "fakeredis/__init__.py": """
from pyredmem.fakeredis import *
from pyredmem.fakeredis import __all__
__path__.append({genuine!r})
""",
    "fakeredis/aioredis.py": "from pyredmem.fakeredis.aioredis import *\n",
    "fakeredis/_clients/__init__.py": "__path__.append({genuine!r} + '/_clients')\n",
    "fakeredis/_clients/_tcp_server.py": """
from pyredmem.fakeredis import TcpFakeServer
TCP_SERVER_TEST_PORT = {tcp_port}
""",
    "fakeredis/_clients/_valkey.py": "from pyredmem.fakeredis.for_valkey import *\n",
    # The tests of Hypothesis try the same examples each time, however slow the machine is.
    "conftest.py": """
from hypothesis import HealthCheck, settings
checks = list(HealthCheck)
settings.register_profile("ours", derandomize=True, deadline=None, database=None, suppress_health_check=checks)
settings.load_profile("ours")
""",
    f"fakeredis-{VERSION}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: fakeredis\nVersion: {VERSION}\n",
}


class NoSourceError(Exception):
    """The source distribution can't be had; the text says why."""


def source() -> Path:
    """The directory of the source distribution, which is downloaded and unpacked if that was not done before."""
    kept = Path(os.environ.get("PYREDMEM_FAKEREDIS") or Path(tempfile.gettempdir()) / "pyredmem-fakeredis")
    name = f"fakeredis-{VERSION}"
    if not (kept / name / "test").is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        _download(kept, name)
    return kept / name


def _download(kept: Path, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        options = ["--quiet", "--no-deps", "--no-binary", "fakeredis", "--dest", scratch, f"fakeredis=={VERSION}"]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options], capture_output=True, text=True, check=False
        )
        archive = Path(scratch) / f"{name}.tar.gz"
        if done.returncode != 0 or not archive.is_file():
            raise NoSourceError(f"no source distribution of {name}: {done.stderr.strip()[-400:]}")
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        with contextlib.suppress(OSError):  # another worker was faster
            (Path(scratch) / name).rename(kept / name)


def files(directory: Path) -> list[str]:
    """The files of tests that concern a Redis server without modules."""
    paths = sorted(path.relative_to(directory) for path in directory.glob("test/**/test_*.py"))
    return [str(path) for path in paths if path.parts[1] not in _OTHER_SUBJECTS and not _INSIDE.match(path.name)]


# One run.


def prepare(genuine: Path, scratch: Path, port: int, tcp_port: int) -> None:
    """Put the tests and the package that they import into a directory; ``port`` is that of the real server."""
    shutil.copy(genuine / "pyproject.toml", scratch)
    shutil.copytree(genuine / "test", scratch / "test")
    for path in scratch.glob("test/**/*.py"):
        text = path.read_text()
        if _THEIR_PORT in text:
            path.write_text(text.replace(_THEIR_PORT, str(port)))
    for name, text in _PACKAGE.items():
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(genuine=str(genuine / "fakeredis"), tcp_port=tcp_port))


def run(genuine: Path, python: str, selected: Sequence[str], markers: str, tcp_port: int) -> Outcomes:
    """Run some files, or single tests, beside a real server of their own; returns what became of each test."""
    with tempfile.TemporaryDirectory() as directory, redis_server() as server:
        scratch = Path(directory)
        prepare(genuine, scratch, server.port, tcp_port)
        report = scratch / "report.xml"
        output = ["-q", "--tb=short", "-p", "no:cacheprovider", f"--junitxml={report}", "-n", "1"]
        settings = ["-o", "addopts=", "-o", f"timeout={TEST_SECONDS}", "-o", "junit_family=xunit1", "-m", markers]
        done = subprocess.run(
            [python, "-m", "pytest", *selected, *output, *settings],
            cwd=scratch,
            env=_environment(scratch),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if not report.is_file():
            raise RuntimeError(
                f"pytest ended with status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )
        root = ElementTree.parse(report).getroot()
        return Outcomes(outcomes(root), messages(root))


def _environment(scratch: Path) -> dict[str, str]:
    """The environment without what pytest and our own tests have added to it, with our package before others."""
    removed = ("PYTEST_", "PYTHONPATH", "PYREDMEM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
    return {**kept, "PYTHONPATH": os.pathsep.join((str(scratch), str(ROOT))), "FAKEREDIS_HYPOTHESIS_EXAMPLES": "25"}


def messages(root: ElementTree.Element) -> dict[str, str]:
    """The first line of why each test failed, by the short name of the test."""
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        for kind in ("failure", "error"):
            entry = case.find(kind)
            if entry is not None:
                lines = (entry.get("message") or "").splitlines() or [""]
                found.setdefault(f"{case.get('classname')}.{case.get('name')}", lines[0][:200])
    return found


# Comparison.


@dataclass
class Outcomes:
    """What became of the tests, by name, and why those failed that did."""

    results: dict[str, str]
    messages: dict[str, str] = field(default_factory=dict)

    def message(self, name: str) -> str:
        """Why a test failed."""
        path, _, rest = name.partition("::")
        short = f"{path.removesuffix('.py').replace('/', '.')}.{rest.replace('::', '.')}"
        return self.messages.get(short, "")


def twin(name: str) -> str:
    """The name of a test on the fake server, from its name on the real one."""
    test, bracket, parameters = name.partition("[")
    parameters = re.sub(r"(?<![A-Za-z])Strict([23])", r"FakeStrict\1", parameters)
    return test + bracket + parameters.replace("real_resp", "fake_resp")


@dataclass
class Comparison:
    """The tests on a real server, and those on ours; the latter include tests that have no twin."""

    real: Outcomes
    ours: Outcomes

    def judged(self) -> list[str]:
        """The tests, by their names here, that a real server passes."""
        passed = sorted(name for name, outcome in self.real.results.items() if outcome == PASSED)
        return [name for name in map(twin, passed) if name in self.ours.results]

    def missing(self) -> list[str]:
        """Those of them that do not pass here."""
        return [name for name in self.judged() if self.ours.results[name] != PASSED]

    def share(self) -> float:
        """How many of the tests that a real server passes pass here, of 1."""
        return 1 - len(self.missing()) / max(len(self.judged()), 1)

    def others(self) -> dict[str, str]:
        """What became of the tests that only run here."""
        twins = {twin(name) for name in self.real.results}
        return {name: outcome for name, outcome in self.ours.results.items() if name not in twins}

    def refused(self) -> list[str]:
        """The tests that fail on both."""
        ours = self.ours.results
        failed = sorted(twin(name) for name, outcome in self.real.results.items() if outcome == FAILED)
        return [name for name in failed if ours.get(name) == FAILED]

    def report(self) -> str:
        """The figures, and the tests that do not pass here."""
        others = self.others()
        counts = ", ".join(f"{list(others.values()).count(one)} {one}" for one in (PASSED, FAILED, SKIPPED))
        failed = sorted(name for name, outcome in others.items() if outcome == FAILED)
        lines = [f"fakeredis {VERSION}"]
        lines.append(f"  a real server passes: {len(self.judged())}, of which pass here: {self.share():.2%}")
        lines += [f"    {name}  {self.ours.message(name)}".rstrip() for name in self.missing()]
        lines.append(f"  fail on both: {len(self.refused())}")
        lines.append(f"  without a twin on a real server: {counts}")
        lines += [f"    {name}  {self.ours.message(name)}".rstrip() for name in failed]
        return "\n".join(lines)


def compare(python: str = sys.executable, selected: Sequence[str] = ()) -> Comparison:
    """Run tests on a real server and on ours, at once."""
    genuine = source()
    selected = selected or files(genuine)
    with ThreadPoolExecutor(2) as pool:
        real = pool.submit(run, genuine, python, selected, "real", 19001)
        ours = pool.submit(run, genuine, python, selected, "not real", 19000)
        return Comparison(real.result(), ours.result())


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has what the tests need")
    parser.add_argument("file", nargs="*", help="files of tests, or single tests as pytest names them")
    given = parser.parse_args(None if arguments is None else list(arguments))
    print(compare(given.python, given.file).report())


if __name__ == "__main__":
    main()
