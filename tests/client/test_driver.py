"""The driver: one thread at a time is inside, whatever interrupts it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from pyredmem.base.build import COMPILED
from pyredmem.client.driver import Waiter
from pyredmem.client.server import Server


class Interrupted(Exception):  # noqa: N818 - what a signal's handler raises
    pass


class Interrupter:
    """Raises an exception at one of the places where Python runs the handlers of signals: the one of this number.

    These are the beginning of each function in Python, and the end of each call of one in C.
    """

    def __init__(self, number: int) -> None:
        self.left = number
        self.is_on = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        name = frame.f_code.co_name
        if event == "call" and name == "wait":
            self.is_on = True
        if name == "_catch_up":  # from here on all is as it was
            self.is_on = False
        if self.is_on and event in {"call", "c_return"}:
            self.left -= 1
            if self.left == 0:
                self.is_on = False
                raise Interrupted


@pytest.mark.skipif(COMPILED, reason="compiled code has no such places")
def test_a_thread_that_is_interrupted_anywhere_while_it_waits_is_inside_afterwards(server: Server) -> None:
    driver = server.driver
    next_one = Waiter()
    for number in range(1, 100):
        interrupter = Interrupter(number)
        driver.enter()
        driver._waiters.append(next_one)
        was_interrupted = False
        sys.setprofile(interrupter)
        try:
            driver.wait(Waiter(), 0.001)
        except Interrupted:
            was_interrupted = True
        finally:
            sys.setprofile(None)
        assert driver._lock.locked(), number
        assert driver._waiters == [next_one], number
        driver._waiters.clear()
        driver.leave()
        if not was_interrupted:
            assert number > 10
            return
    pytest.fail("it never ended")
