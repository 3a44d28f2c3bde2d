"""A server inside the process, isolated from all others, and the clients to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pyredmem.assembly import create_engine
from pyredmem.base.key_hash import hash_seed
from pyredmem.base.rng import Random
from pyredmem.client import dataset, leftovers
from pyredmem.client.clock import ControlledClock, PythonClock
from pyredmem.client.command_history import CommandHistory
from pyredmem.client.driver import Driver
from pyredmem.client.faults import FaultControl
from pyredmem.client.host import ClientHost
from pyredmem.client.memory_view import MemoryView
from pyredmem.client.setting_names import check_names, setting_name, setting_text
from pyredmem.client.snapshot import Snapshot
from pyredmem.client.time_control import TimeControl, unix_us
from pyredmem.config.settings import Settings
from pyredmem.engine.engine import Engine
from pyredmem.persistence.persistence import persistence_of

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from pyredmem.client.listening import Listener


class Server:
    """An engine of its own, with genuine clients of redis-py.

    Settings are those of redis.conf, with underscores: ``Server(maxmemory="10mb", maxmemory_policy="allkeys-lru")``.
    Files, such as that of SAVE, are in memory too, unless there is a ``dir``: then the server begins with the dataset
    that was saved there, or raises LoadError. ``seed`` rules everything that is left to chance. `clock` controls the
    time, unless ``obeys_python_time`` lets the server show what `time.time` says, which freezegun and time-machine
    change; with ``frozen_at`` it begins with a time that stands still. ``records_commands`` lets `commands` tell what
    the clients send. A server ends with `close`, or as a context manager.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        obeys_python_time: bool = False,
        frozen_at: datetime | None = None,
        records_commands: bool = False,
        **settings: str | int,
    ) -> None:
        if obeys_python_time and frozen_at is not None:
            raise ValueError("a server that obeys Python's time cannot be frozen")
        pairs = [(setting_name(name), setting_text(value)) for name, value in settings.items()]
        check_names(settings)
        given = dict(pairs)
        host = ClientHost(seed, given.get("dir", ""))
        clock = ControlledClock()
        python_clock = PythonClock() if obeys_python_time else None
        if frozen_at is not None:
            clock.set(unix_us(frozen_at), 0.0)
        self.engine: Engine = create_engine(
            Settings([("save", ""), *pairs]),
            python_clock or clock,
            Random(seed),
            host,
            hash_seed=hash_seed(seed),
        )
        self.driver = Driver(self.engine)
        host.driver = self.driver
        if python_clock is not None:
            python_clock.on_set_back = self.driver.clock_was_set_back
        self._listeners: list[Listener] = []
        self._faults = FaultControl(self.driver)
        self._clock = None if python_clock is not None else TimeControl(self.driver, clock)
        self.commands = CommandHistory(self.driver)
        self.memory = MemoryView(self.driver)
        if records_commands:
            self.commands.start()
        self._keeps_files = "dir" in given
        persistence_of(self.engine).start()

    @property
    def clock(self) -> TimeControl:
        """The time of this server. Raises RuntimeError if it obeys Python's time instead."""
        if self._clock is None:
            raise RuntimeError("this server obeys Python's time")
        return self._clock

    @property
    def faults(self) -> FaultControl:
        """What a test lets go wrong in this server."""
        return self._faults

    def __enter__(self) -> Self:
        self.driver.require_open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect all clients. A client that is used afterwards gets redis-py's ConnectionError.

        A server with a ``dir`` and save points saves its dataset.
        """
        if self._keeps_files:
            self._keeps_files = False
            self.driver.enter()
            try:
                persistence_of(self.engine).prepare_end({"force"})
            finally:
                self.driver.leave()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self.driver.close()

    def listen(self, host: str = "127.0.0.1", port: int = 0, *, path: str = "") -> Listener:
        """Listen on a real socket too, from a thread: on a free port, on ``port``, or on a Unix socket at ``path``.

        The result has ``host``, ``port`` and ``url``, and a ``close``. Raises OSError if the address is taken.
        """
        from pyredmem.client.listening import Listener

        self.driver.require_open()
        listener = Listener(self.driver, host, port, path)
        self._listeners.append(listener)
        return listener

    # Insight.

    def load(self, values: Mapping[Any, Any], *, database: int = 0) -> None:
        """Write Python values to keys, in place of what was there; see `pyredmem.client.dataset`.

        Raises TypeError or ValueError before anything is written, or ResponseError if a command fails.
        """
        dataset.load(self.driver, values, database)

    def dump(self, pattern: str = "*", *, database: int = 0) -> dict[str, Any]:
        """The values of the keys that match a pattern, in the form that `load` takes."""
        return dataset.dump(self.driver, pattern, database)

    def snapshot(self) -> Snapshot:
        """The dataset as it is now, for `restore`. It costs well below a microsecond per key, whatever is in them."""
        return Snapshot(self.driver)

    def restore(self, snapshot: Snapshot) -> None:
        """Set the dataset back: any snapshot of this server, as often as wanted. Clients stay connected.

        Raises ValueError if the snapshot is closed or was taken of another server.
        """
        snapshot.restore(self.driver)

    def expect_clean(
        self,
        *,
        locks: leftovers.Patterns = (),
        without_expiry: leftovers.Patterns = (),
        keys: leftovers.Patterns = (),
    ) -> None:
        """Raise AssertionError, with a list, if something is left.

        This is a client that is blocked, is subscribed, is in MULTI or MONITOR, or watches keys; and a key that matches
        a pattern of ``locks`` (of redis-py, which are keys) or ``keys``, or one of ``without_expiry`` and has no expire
        time.
        """
        leftovers.expect_clean(self.driver, locks=locks, without_expiry=without_expiry, keys=keys)

    @property
    def blocked_clients(self) -> int:
        """How many clients wait in a blocking command, or for the end of CLIENT PAUSE."""
        return self.driver.engine.clients.blocked()

    # Clients.

    def client(self, **options: Any) -> redis.Redis:
        """A client; ``options`` are those of `redis.Redis`."""
        from redis import Redis

        from pyredmem.client.client_options import completed
        from pyredmem.client.pipelines import PipelineMaker
        from pyredmem.client.sync import LocalConnection, shorten

        single = options.pop("single_connection_client", False)
        client = Redis(**completed(Redis, options))  # connects at its first command
        self._serve(client.connection_pool, LocalConnection)
        shorten(client.connection_pool, options)
        if single:
            client.auto_close_connection_pool = False  # the pool goes over to another client
            client = Redis(connection_pool=client.connection_pool, single_connection_client=True)
            client.auto_close_connection_pool = True
        client.pipeline = PipelineMaker(client)  # type: ignore[method-assign]  # a genuine client, with short pipelines
        return client

    def async_client(self, **options: Any) -> redis.asyncio.Redis:
        """A client for asyncio; ``options`` are those of `redis.asyncio.Redis`."""
        from redis.asyncio import Redis

        from pyredmem.client.aio import AsyncLocalConnection
        from pyredmem.client.client_options import completed

        client = Redis(**completed(Redis, options))
        self._serve(client.connection_pool, AsyncLocalConnection)
        return client

    def _serve(self, pool: Any, connection_class: type) -> None:
        """Let the connections of a pool lead here. It must not have made one."""
        pool.connection_class = connection_class
        pool.connection_kwargs["driver"] = self.driver
