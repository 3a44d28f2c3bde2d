"""A world that can save: its files are in memory, and its forks do their work at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyredmem.base.files import Files
from pyredmem.engine.host import RUNNING, Child, Progress
from pyredmem.persistence.persistence import Persistence, persistence_of
from tests.support.faulty_files import FaultyFiles, after_crash
from tests.support.hosted import Hosted, RecordingHost

#: The id of each child.
CHILD = 4712


class PretendedChild(Child):
    """A child whose work is done, and which has not been looked at yet."""

    def __init__(self, succeeds: bool) -> None:
        self.result = 0 if succeeds else 1
        self.is_running = True
        self.was_killed = False

    def process_id(self) -> int:
        return CHILD

    def status(self) -> int:
        return RUNNING if self.is_running else self.result

    def progress(self) -> Progress:
        return Progress(3, 4096, 8192, 7)

    def kill(self) -> None:
        self.was_killed = True


class SavingHost(RecordingHost):
    """A host with files. If it ``forks``, what a child would do is done when it is forked."""

    def __init__(self, forks: bool) -> None:
        super().__init__()
        self.faulty = FaultyFiles()
        self.forks = forks
        self.children: list[PretendedChild] = []
        self.refuses_to_fork = False
        self.pass_time: Callable[[], object] = int  # is called while it forks
        self._is_child = False
        self.aborts = 0

    def files(self) -> Files:
        return self.faulty

    def process_id(self) -> int:
        return CHILD if self._is_child else super().process_id()

    def abort(self) -> None:
        self.aborts += 1

    def fork(self, work: Callable[[Callable[[int], None]], bool]) -> Child | None:
        if not self.forks:
            return None
        if self.refuses_to_fork:
            raise OSError(11, "Resource temporarily unavailable")
        self.pass_time()
        self._is_child = True
        succeeds = work(lambda number: None)
        self._is_child = False
        self.children.append(PretendedChild(succeeds))
        return self.children[-1]


class SavingWorld(Hosted):
    """A world on such a host."""

    def __init__(self, forks: bool = False, host: SavingHost | None = None, **settings: Any) -> None:
        self.saving_host = host or SavingHost(forks)
        self.settings_given = settings
        super().__init__(host=self.saving_host, **settings)

    @property
    def files(self) -> FaultyFiles:
        return self.saving_host.faulty

    @property
    def persistence(self) -> Persistence:
        return persistence_of(self.engine)

    def field(self, name: str) -> str:
        """A field of INFO persistence."""
        return self.info("persistence")[name]

    def logged(self, text: str) -> bool:
        """Whether a line of the log contains a text."""
        return any(text in line for _, line in self.saving_host.logged)

    def started(self) -> SavingWorld:
        """This server, when it has loaded what is there."""
        self.persistence.start()
        return self

    def after_crash(self, operations: int, loses_power: bool) -> SavingWorld:
        """A server that starts after a crash of the machine or the process, which followed so many file operations."""
        survivor = SavingWorld(**self.settings_given)
        files = after_crash(self.files.operations[:operations], loses_power)
        survivor.files.content = {name: bytearray(content) for name, content in files.items()}
        return survivor.started()

    def another(self, **settings: Any) -> SavingWorld:
        """A new server with the same files, which has loaded nothing."""
        return SavingWorld(host=self.saving_host, **settings)
