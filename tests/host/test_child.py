"""A fork of the process: its result, its reports, its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyredmem.engine.host import RUNNING, Child
from pyredmem.host.child import fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

Report = Callable[[int], None]


def ended(child: Child) -> int:
    """The status of a child when it has ended."""
    deadline = time.monotonic() + 20
    while child.status() == RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return child.status()


def nothing() -> None:
    """Close nothing."""


def work_for_ever(report: Report) -> bool:
    while True:
        time.sleep(1)


def raise_an_error(report: Report) -> bool:
    raise OSError("no")


@pytest.mark.parametrize(("result", "status"), [(True, 0), (False, 1)])
def test_the_status_tells_whether_the_work_succeeded(result: bool, status: int) -> None:
    assert ended(fork(lambda report: result, nothing)) == status


def test_an_exception_in_the_child_is_a_failure() -> None:
    assert ended(fork(raise_an_error, nothing)) == 1


def test_the_last_report_is_kept() -> None:
    def work(report: Report) -> bool:
        for number in range(100_000):  # more than the pipe takes
            report(number)
        return True

    child = fork(work, nothing)
    assert ended(child) == 0
    progress = child.progress()
    assert progress.done > 0
    assert progress.peak_bytes >= progress.private_bytes
    assert progress.private_bytes > 0 or not Path("/proc/self/smaps_rollup").exists()


def test_a_child_can_be_killed_and_leaves_no_zombie() -> None:
    child = fork(work_for_ever, nothing)
    assert child.status() == RUNNING
    child.kill()
    assert child.status() == -signal.SIGKILL
    with pytest.raises(ChildProcessError):
        os.waitpid(child.process_id(), 0)
    child.kill()  # once more is no error


def test_a_child_that_a_signal_ends_has_its_number_as_status() -> None:
    child = fork(work_for_ever, nothing)
    os.kill(child.process_id(), signal.SIGTERM)
    assert ended(child) == -signal.SIGTERM


def test_a_child_whose_end_somebody_else_has_seen_counts_as_failed() -> None:
    child = fork(lambda report: True, nothing)
    os.waitpid(child.process_id(), 0)
    assert child.status() == 1


def test_the_child_closes_what_it_is_told_to_and_the_parent_keeps_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = fork(work_for_ever, lambda: os.close(listener.fileno()))
        try:
            with socket.create_connection(listener.getsockname()) as connection:
                assert connection.getpeername() == listener.getsockname()
        finally:
            child.kill()


def test_nothing_of_the_parent_runs_in_the_child(tmp_path: Path) -> None:
    """Neither `finally` nor atexit, and what the parent has not written yet is not written twice."""
    program = textwrap.dedent(
        """
        import atexit, sys, time
        from pyredmem.host.child import fork
        from pyredmem.engine.host import RUNNING
        atexit.register(lambda: print("exit"))
        print("before")
        try:
            child = fork(lambda report: True, lambda: None)
            while child.status() == RUNNING:
                time.sleep(0.01)
        finally:
            print("finally")
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["before", "finally", "exit"]
