"""The server: an engine with listeners, a timer that ticks, and an orderly end.

    Server(settings).run()      in a process of its own: handles signals, tunes the collector, returns the exit status
    Server(settings).start()    inside another program: serves in a thread of its own, until stop()

Everything that the engine does happens in the one thread that runs the loop.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeVar, cast

from pyredmem.assembly import create_engine
from pyredmem.base.clock import Clock, SystemClock
from pyredmem.base.key_hash import hash_seed
from pyredmem.base.rng import Random
from pyredmem.config.settings import Settings
from pyredmem.engine.command import Registry
from pyredmem.engine.engine import Engine
from pyredmem.host.loops import new_event_loop
from pyredmem.memory import process
from pyredmem.persistence.persistence import persistence_of
from pyredmem.server.alarm import Alarm
from pyredmem.server.collector import Collector
from pyredmem.server.connection import Connection
from pyredmem.server.endpoints import METRICS, MONITOR, TCP
from pyredmem.server.errors import StartError
from pyredmem.server.host import ServerHost
from pyredmem.server.lazyfree_worker import LazyFreeWorker
from pyredmem.server.listeners import Listeners, SocketOptions
from pyredmem.server.logs import MASTER, Log
from pyredmem.server.loops import loop_choice
from pyredmem.server.network import Network, somaxconn
from pyredmem.server.ticker import Ticker

Result = TypeVar("Result")

# How long an ending server waits until its last replies are sent.
LINGER_SECONDS: Final = 1.0
LINGER_STEP_SECONDS: Final = 0.002
START_SECONDS: Final = 30.0

FAILED: Final = 1

#: Those that the system has; the last one is Windows's, sent by Ctrl+Break and to a group of processes.
ENDING_SIGNALS: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name)]


class Server:
    """An engine with its listeners and its event loop."""

    def __init__(
        self,
        settings: Settings,
        log: Log | None = None,
        config_path: str = "",
        clock: Clock | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.settings = settings
        self.log = log or Log()
        self._clock = clock or SystemClock()
        options = SocketOptions(
            backlog=settings.integer("tcp-backlog"),
            keepalive_seconds=settings.integer("tcp-keepalive"),
            unix_permissions=settings.integer("unixsocketperm"),
        )
        self.listeners = Listeners(self._accept, options, self.log)
        self._network = Network(settings, self.listeners, self.log)
        self._host = ServerHost(settings, self.log, config_path, self._end_soon, self.listeners)
        fixed_seed = settings.integer("random-seed")
        self.engine: Engine = create_engine(
            settings,
            self._clock,
            Random(fixed_seed or int.from_bytes(os.urandom(7))),
            self._host,
            registry,
            hash_seed(fixed_seed) if fixed_seed else 0,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._signals = 0
        self._connections = 0
        self._collector = Collector()
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._http: dict[str, Any] = {}  # what answers at the ports for HTTP; their modules are loaded only if needed
        self._status = 0  # the exit status of the process

    # In a process of its own

    def run(self) -> int:
        """Serve until a signal or SHUTDOWN ends the server; returns the exit status for the process."""
        process.keep_large_blocks_apart()
        self._host.is_own_process = True
        self._collector.turn_off()
        try:
            loop = new_event_loop(loop_choice())
            self._catch_signals(loop)
            try:
                loop.run_until_complete(self._serve(self._collector.take_charge))
            finally:
                loop.close()
        except StartError as error:
            self.log.warning(str(error))
            return FAILED
        return self._status

    def _catch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in ENDING_SIGNALS:
            try:
                loop.add_signal_handler(number, self._signalled, number)
            except NotImplementedError:  # on Windows
                signal.signal(number, lambda got, _: self._signalled_soon(loop, got))

    def _signalled_soon(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        loop.call_soon_threadsafe(self._signalled, signal.Signals(number))

    def _signalled(self, number: signal.Signals) -> None:
        self._signals += 1
        if self._signals > 1:
            self.log.warning(f"Received {number.name} again: exiting at once.")
            os._exit(1)
        self.log.warning(f"Received {number.name}, shutting down...")
        setting = "shutdown-on-sigint" if number == signal.SIGINT else "shutdown-on-sigterm"
        if persistence_of(self.engine).prepare_end(set(self.settings.words(setting))):
            self._end.set()
            return
        self._signals = 0
        self.log.warning(
            f"{number.name} received but errors trying to shut down the server, check the logs for more information"
        )

    def _end_soon(self) -> None:
        """End the server on SHUTDOWN. The engine calls this, so it runs in the loop's thread."""
        self._end.set()

    # Inside another program

    def start(self) -> None:
        """Serve in a thread. Returns when connections are accepted, or raises the error that prevented it."""
        self._thread = threading.Thread(target=self._run_in_thread, name="pyredmem", daemon=True)
        self._thread.start()
        self._started.wait(START_SECONDS)
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """End the server; returns when its thread has ended."""
        self.request_end()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def call(self, function: Callable[[], Result]) -> Result:
        """Run `function` in the server's thread, which alone may use the engine; returns or raises what it does."""
        assert self._loop is not None, "the server has not been started"
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:  # handed to the thread that called
                future.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return future.result(START_SECONDS)

    def request_end(self) -> None:
        """Ask the server to end; any thread may call this."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._end.set)

    @property
    def port(self) -> int:
        """The TCP port that the server listens on; 0 if it listens on none."""
        addresses = self.listeners.addresses(TCP)
        return addresses[0][1] if addresses else 0

    def _run_in_thread(self) -> None:
        try:
            loop = new_event_loop(loop_choice())
            try:
                loop.run_until_complete(self._serve(lambda: None))
            finally:
                loop.close()
        except BaseException as error:  # handed to the thread that called start()
            self._failure = error
        finally:
            self._started.set()

    # Serving

    async def _serve(self, ready: Callable[[], None]) -> None:
        """Listen, tick, wait for the end, and close everything."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._report_fault)
        self.log.role = MASTER
        ticker = Ticker(self._loop, self._tick, self.engine.cron.interval_ms)
        alarm = Alarm(self._loop, self.engine.run_tasks)
        self._host.alarm = alarm
        self._load_http_ports(ticker)
        watch = self._alert_watch()
        self._host.call_after_turn = partial(self._loop.call_soon, self.engine.write_output)
        worker = LazyFreeWorker(self.engine, self._clock, self._loop)
        worker.start()
        try:
            if MONITOR in self._http:
                await self._http[MONITOR].open()
            self._network.open()
            await self.listeners.attach()
            ticker.start()
            if watch is not None:
                watch.start(self._loop)
            self._announce()
            self._start_with_dataset(ready)
            self._started.set()
            await self._end.wait()
        finally:
            worker.stop()
            ticker.stop()
            if watch is not None:
                watch.close()
            self._host.alarm = None
            self._host.call_after_turn = None
            alarm.close()
            self.engine.script_run.abandon()
            self.listeners.close()
            for port in self._http.values():
                await port.close()
            self.engine.links.close_all()
            await self._close_sessions()
        self.log.warning("The server is ready to exit, bye bye...")

    async def _close_sessions(self) -> None:
        """Close each connection when its replies are sent, and all that are left after a while."""
        for session in list(self.engine.sessions.values()):
            session.close()
            session.output_ready()
        deadline = asyncio.get_running_loop().time() + LINGER_SECONDS
        while self.engine.sessions and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(LINGER_STEP_SECONDS)
        for session in list(self.engine.sessions.values()):  # their clients do not read
            self.engine.clients.drop(session)
        await asyncio.sleep(0)  # the transports close in the loop's next turn

    def _report_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Log an exception that was not caught. The loop closes the connection from which it came."""
        error = context.get("exception")
        self.log.warning(f"Fault: {context.get('message', 'exception')}: {error!r}")
        if isinstance(error, BaseException):
            for line in "".join(traceback.format_exception(error)).splitlines():
                self.log.warning(line)

    def _accept(self, kind: str) -> asyncio.Protocol:
        if kind in self._http:
            protocol: asyncio.Protocol = self._http[kind].protocol()
            return protocol
        # A compiled class cannot inherit from an interpreted one; what makes it a protocol is its methods.
        return cast(asyncio.Protocol, Connection(self.engine, kind, self._opened))

    def _load_http_ports(self, ticker: Ticker) -> None:
        """Make what answers at `metrics-port` and `monitor-port`, if they are set."""
        if self.settings.integer("metrics-port"):
            module = self._http_module("metrics-port", "pyredmem.server.metrics_port")
            self._http[METRICS] = module.MetricsPort(self.engine, lambda: (ticker.lag_s, ticker.longest_lag_s))
        if self.settings.integer("monitor-port"):
            module = self._http_module("monitor-port", "pyredmem.server.monitor_port")
            self._http[MONITOR] = module.MonitorPort(self.engine, self._name())

    def _name(self) -> str:
        """The server for somebody who sees several."""
        port = self._host.tcp_port()
        return f"{socket.gethostname()}:{port}" if port else self.settings.text("unixsocket")

    @staticmethod
    def _http_module(setting: str, name: str) -> Any:
        try:
            return import_module(name)
        except ImportError as error:
            raise StartError(f"{setting} needs {error.name}: pip install 'pyredmem[monitor]'") from error

    def _alert_watch(self) -> Any:
        """What looks for alerts; None if nobody wants that."""
        if not self.settings.flag("alerts"):
            return None
        return import_module("pyredmem.server.alert_watch").AlertWatch(self.engine, self.settings, self.log)

    def _opened(self, _connection: Connection) -> None:
        self._connections += 1

    def _tick(self) -> None:
        self.engine.tick(self._clock.now_us() // 1000)
        self._collector.tick(self._connections - len(self.engine.sessions))

    def _start_with_dataset(self, ready: Callable[[], None]) -> None:
        """Load the dataset that was saved, if there is one and its directory belongs to the server."""
        persistence = persistence_of(self.engine)
        if self._host.is_own_process or self.settings.flag("appendonly"):
            persistence.start_in_slices(partial(self._loaded, ready))
        else:
            persistence.start_empty()
            self._loaded(ready, "")

    def _loaded(self, ready: Callable[[], None], problem: str) -> None:
        """The dataset is loaded, or cannot be: then the server ends, so that it does not overwrite the file."""
        if problem:
            self.log.warning(f"Fatal error loading the DB, check server logs. Exiting. {problem}")
            self._status = FAILED
            self._end.set()
            return
        ready()
        for kind in self.listeners.kinds():
            self.log.notice(f"Ready to accept connections {kind}")

    def _announce(self) -> None:
        backlog, most = self.listeners.options.backlog, somaxconn()
        if 0 < most < backlog:
            self.log.warning(
                f"tcp-backlog is {backlog}, but the kernel queues at most {most} connections (net.core.somaxconn)."
            )
        self.log.notice(f"Running mode=standalone, port={self.settings.integer('port')}.")
        self.log.notice("Server initialized")
