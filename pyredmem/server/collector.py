"""Python's cyclic garbage collector in a server process.

Running a command makes no reference cycles, so reference counting alone gives its memory back; the collector's own
schedule would only stop the server to walk a data set in which it finds nothing. It is therefore turned off.

Connections are another matter: a transport, its protocol and what TLS adds to them refer to each other in circles that
not every event loop takes apart. So the collector runs once for every so many connections that have ended. With the
compiled core the objects of the data set are unknown to it and a run takes microseconds; interpreted, a million keys
take a tenth of a second.
"""

import gc
from typing import Final

ENDED_PER_RUN: Final = 1000


class Collector:
    """Decides when the collector runs."""

    def __init__(self) -> None:
        self._ended_at_last_run = 0
        self._in_charge = False

    def take_charge(self) -> None:
        """Turn the automatic collector off and leave everything alive so far out of later runs."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._in_charge = True

    def is_due(self, connections_ended: int) -> bool:
        """Whether enough connections have ended since the last run."""
        return self._in_charge and connections_ended - self._ended_at_last_run >= ENDED_PER_RUN

    def tick(self, connections_ended: int) -> None:
        """Run if that is due."""
        if self.is_due(connections_ended):
            self._ended_at_last_run = connections_ended
            gc.collect()
