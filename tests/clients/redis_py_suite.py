"""Runs redis-py's own tests, from its source distribution, against real servers and against pyredmem.

`python -m tests.clients.redis_py_suite [--protocol 3] [--profile valkey-9.1] [file ...]` prints how many tests pass on
both, and which pass on a real server but not here. Paths of files are those in the source distribution, such as
`tests/test_lock.py`; without any, all files run that need neither a cluster nor Sentinel, a module or TLS. The asyncio
client's tests are among them.

The source distribution has the version of the redis-py that is installed. It is downloaded once into the directory that
PYREDMEM_REDIS_PY names (by default one in the directory for temporary files); nothing of it is kept in this repository.

The real server of a profile's version judges it. Two judge `mixed`, because each of them skips some tests: redis-server
7.0 skips those of later versions, and 8.2 those of what has changed since. There is no Redis 7.4 to ask: the profiles
before and after it judge that one. A test counts against us if one of the judges passes it, and ours neither passes nor
skips it. What seems to count is tried a second time, on one server after the other, so that a test that depends on the
speed of the machine or on a fixed port accuses nobody.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pyredmem
from pyredmem.config.profiles import MIXED, PROFILES, REDIS_7_2, REDIS_7_4, REDIS_8_2, REDIS_8_4, VALKEY_9_1
from tests.support.servers import (
    REDIS_SERVER,
    Server,
    newer_redis_command,
    pyredmem_command,
    pyredmem_server,
    redis_server_command,
    running,
    valkey_command,
)

OURS = "pyredmem"
PROTOCOLS = (2, 3)
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
#: How long one run of all tests may take; they take between three and four minutes.
RUN_SECONDS = 1800
#: A test that hangs is stopped and counts as failed.
TEST_SECONDS = 30

#: Files about what a standalone server without modules does not have, and about services that are not servers.
_OTHER_SUBJECTS = re.compile(
    "cluster|sentinel|json|search|bloom|timeseries|vsets|ssl|multidb|scenario|maint_|observability|auth|http|credentials"
)
_MARKERS = "not redismod and not onlycluster and not replica and not ssl and not cp_integration"

#: Where our plugins for these tests are, and what they import.
_PLUGINS = Path(__file__).parent / "plugins"
_PACKAGE = Path(pyredmem.__file__).parent


class NoSourceError(Exception):
    """The source distribution can't be had; the text says why."""


def source() -> Path:
    """The directory of redis-py's source distribution, which is downloaded and unpacked if that was not done before."""
    kept = Path(os.environ.get("PYREDMEM_REDIS_PY") or Path(tempfile.gettempdir()) / "pyredmem-redis-py")
    name = f"redis-{version('redis')}"
    if not (kept / name / "tests").is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        _download(kept, name)
    return kept / name


def _download(kept: Path, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        options = ["--quiet", "--no-deps", "--no-binary", "redis", "--dest", scratch]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, name.replace("-", "==")],
            capture_output=True,
            text=True,
            check=False,
        )
        archive = Path(scratch) / f"{name}.tar.gz"
        if done.returncode != 0 or not archive.is_file():
            raise NoSourceError(f"no source distribution of {name}: {done.stderr.strip()[-400:]}")
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        with contextlib.suppress(OSError):  # another worker was faster
            (Path(scratch) / name).rename(kept / name)


def files(directory: Path) -> list[str]:
    """The files of tests that concern a standalone server."""
    paths = [*directory.glob("tests/test_*.py"), *directory.glob("tests/test_asyncio/test_*.py")]
    names = sorted(str(path.relative_to(directory)) for path in paths)
    return [name for name in names if not _OTHER_SUBJECTS.search(name)]


# One run.


def run(
    directory: Path, port: int, protocol: int, selected: Sequence[str], plugins: Sequence[str] = ()
) -> dict[str, str]:
    """Run the tests of some files, or single tests, against a server; returns what became of each test.

    ``plugins`` are modules in the directory of that name beside this one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        options = ["--redis-url", f"redis://localhost:{port}/0", "--protocol", str(protocol)]
        options += [option for plugin in plugins for option in ("-p", plugin)]
        output = ["-q", "--tb=no", "-p", "no:cacheprovider", f"--junitxml={report}"]
        # In a process of its own, which is replaced when it ends: some tests end it when they have waited too long.
        output += ["-n", "1", "--max-worker-restart", "1000"]
        settings = ["-o", "addopts=", "-o", f"timeout={TEST_SECONDS}", "-o", "junit_family=xunit1", "-m", _MARKERS]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *selected, *options, *output, *settings],
            cwd=directory,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if not report.is_file():
            raise RuntimeError(
                f"pytest ended with status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )
        return outcomes(ElementTree.parse(report).getroot())


def _environment() -> dict[str, str]:
    """The environment without what pytest and our own tests have added to it; the plugins can be imported there."""
    removed = ("PYTEST_", "PYTHONPATH", "PYREDMEM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(removed)}
    return {**kept, "PYTHONPATH": os.pathsep.join((str(_PLUGINS), str(_PACKAGE.parent)))}


def outcomes(report: ElementTree.Element) -> dict[str, str]:
    """What a report of pytest says of each test, by the test's name."""
    found: dict[str, str] = {}
    for case in report.iter("testcase"):
        name = _name(case)
        outcome = PASSED
        if case.find("failure") is not None or case.find("error") is not None:
            outcome = FAILED
        elif case.find("skipped") is not None:
            outcome = SKIPPED
        if found.get(name) != FAILED:  # an error while a test is cleaned up is a second entry
            found[name] = outcome
    return found


def _name(case: ElementTree.Element) -> str:
    """The name by which pytest runs a test again: `tests/test_lock.py::TestLock::test_lock`."""
    path = case.get("file") or ""
    module = path.removesuffix(".py").replace("/", ".")
    classes = (case.get("classname") or "").removeprefix(module).strip(".")
    return "::".join(part for part in (path, *classes.split("."), case.get("name") or "") if part)


# Comparison.


@dataclass
class Comparison:
    """What became of the tests on each server, by the server's name."""

    protocol: int
    results: dict[str, dict[str, str]] = field(default_factory=dict)
    ours: str = OURS
    others: str = "a real server"
    skipping_is_failing: bool = False  # otherwise a test that is skipped here asks for more than we have

    def passed(self) -> set[str]:
        """The tests that another server passes."""
        return {name for server, found in self.results.items() if server != self.ours for name in _passed(found)}

    def both(self) -> set[str]:
        """The tests that another server and ours pass."""
        return self.passed() & _passed(self.results[self.ours])

    def missing(self) -> set[str]:
        """The tests that another server passes, but ours does not."""
        ours = self.results[self.ours]
        failing = (FAILED, SKIPPED) if self.skipping_is_failing else (FAILED,)
        return {name for name in self.passed() if ours.get(name, FAILED) in failing}

    def replace(self, again: Comparison) -> None:
        """Take the outcomes of a second try."""
        for server, found in again.results.items():
            self.results[server].update(found)

    def report(self, reasons: dict[str, str]) -> str:
        """The figures, and the tests that we do not pass."""
        missing = sorted(self.missing())
        lines = [f"redis-py {version('redis')}, RESP{self.protocol}"]
        for server, found in self.results.items():
            counts = ", ".join(
                f"{list(found.values()).count(outcome)} {outcome}" for outcome in (PASSED, FAILED, SKIPPED)
            )
            lines.append(f"  {server}: {counts}")
        lines.append(f"  {self.others} and {self.ours} pass: {len(self.both())}")
        lines.append(f"  {self.others} passes, but {self.ours} does not: {len(missing)}")
        lines += [f"    {name}  {reason_for(name, reasons)}".rstrip() for name in missing]
        return "\n".join(lines)


def _passed(found: dict[str, str]) -> set[str]:
    return {name for name, outcome in found.items() if outcome == PASSED}


def reason_for(name: str, reasons: dict[str, str]) -> str:
    """The reason that is known for a test, by the test's name without its parameters; empty if there is none."""
    return reasons.get(name.partition("[")[0], "")


#: The judges of each profile: real servers, or profiles of ours.
JUDGES: dict[str, tuple[str, ...]] = {
    REDIS_7_2.name: ("redis-server-7.0",),
    REDIS_7_4.name: (REDIS_7_2.name, REDIS_8_2.name),
    REDIS_8_2.name: ("redis-server-8.2",),
    REDIS_8_4.name: (REDIS_8_2.name,),
    VALKEY_9_1.name: ("valkey-server-9.1",),
    MIXED.name: ("redis-server-7.0", "redis-server-8.2"),
}


def judges(profile: str) -> dict[str, list[str]]:
    """The commands that start those judges of a profile that are installed, by their names."""
    commands = {
        "redis-server-7.0": redis_server_command() if REDIS_SERVER is not None else None,
        "redis-server-8.2": newer_redis_command(),
        "valkey-server-9.1": valkey_command(),
        **{name: [*pyredmem_command(), "--redis-version", name] for name in PROFILES},
    }
    found = {name: commands[name] for name in JUDGES[profile]}
    return {name: command for name, command in found.items() if command is not None}


@contextlib.contextmanager
def all_servers(profile: str) -> Iterator[list[Server]]:
    """Ours with a profile, and its judges."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(pyredmem_server("--redis-version", profile))]
        for name, command in judges(profile).items():
            servers.append(stack.enter_context(running(name, command, "--enable-debug-command", "yes")))
        yield servers


def compare(protocol: int, selected: Sequence[str] = (), profile: str = MIXED.name) -> Comparison:
    """Run tests against a profile and its judges."""
    directory = source()
    with all_servers(profile) as servers:
        assert len(servers) > 1, f"no server to compare {profile} with"
        return twice(
            lambda names, at_once: _run_all(directory, servers, protocol, names, at_once), selected or files(directory)
        )


def twice(run_all: Callable[[Sequence[str], bool], Comparison], selected: Sequence[str]) -> Comparison:
    """Run tests on all servers at once, and those that we seem not to pass a second time, on each server in turn."""
    with _locked(fcntl.LOCK_SH):
        comparison = run_all(selected, True)
    # By the names without parameters, since a parameter may be a text that can't be named on a command line.
    missing = sorted({name.partition("[")[0] for name in comparison.missing()})
    if missing:
        with _locked(fcntl.LOCK_EX):
            comparison.replace(run_all(missing, False))
    return comparison


@contextlib.contextmanager
def _locked(mode: int) -> Iterator[None]:
    """Hold a lock on the machine: some of the tests listen on a fixed port, so the second try is alone."""
    with open(Path(tempfile.gettempdir()) / "pyredmem-redis-py.lock", "w") as file:
        fcntl.flock(file, mode)
        yield


def _run_all(
    directory: Path, servers: list[Server], protocol: int, selected: Sequence[str], at_once: bool
) -> Comparison:
    """Run tests against all servers, at once or in turn. Most of the time they wait."""
    with ThreadPoolExecutor(len(servers) if at_once else 1) as pool:
        runs = [pool.submit(run, directory, server.port, protocol, selected) for server in servers]
        return Comparison(protocol, {server.name: done.result() for server, done in zip(servers, runs, strict=True)})


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", type=int, choices=PROTOCOLS, help="the version of RESP; both by default")
    parser.add_argument("--profile", choices=PROFILES, default=MIXED.name, help="mixed by default")
    parser.add_argument("file", nargs="*", help="files of tests, or single tests as pytest names them")
    given = parser.parse_args(None if arguments is None else list(arguments))
    for protocol in [given.protocol] if given.protocol else PROTOCOLS:
        print(compare(protocol, given.file, given.profile).report({}))


if __name__ == "__main__":
    main()
