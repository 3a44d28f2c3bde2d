"""The part of an engine that runs scripts: it knows the script that is running, its caller and its rules."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.base.redis_version import version_parts
from pyredmem.engine import figures
from pyredmem.engine.context import Context
from pyredmem.engine.engine import Engine, Extension
from pyredmem.engine.spec import Command
from pyredmem.scripting.cache import ScriptCache, sha1_of
from pyredmem.scripting.calls import REPLICATE_ALL, Calls
from pyredmem.scripting.drand48 import Drand48
from pyredmem.scripting.functions import FunctionMemory, Libraries, Library
from pyredmem.scripting.interpreter import REFUSED_ABOVE, CompileError, Interpreter, NoRoomError
from pyredmem.scripting.results import reply_parts, reply_value
from pyredmem.scripting.script import (
    ALLOW_OOM,
    COMPATIBLE,
    NO_WRITES,
    Runnable,
    Script,
    command_flags,
    read_shebang,
)

#: What Lua calls the text of a script.
CHUNK_NAME: Final = b"@user_script"
_NO_ROOM: Final = b"ERR not enough memory for the script and its arguments"
#: How long a library may take to load.
_LOADING_US: Final = 500_000
_OOM: Final = b"OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
_NOT_READ_ONLY: Final = b"ERR Can not execute a script with write flag using *_ro command."


def version_number(version: str) -> int:
    """A version as redis.REDIS_VERSION_NUM has it: a byte for each number."""
    major, minor, patch = version_parts(version)
    return major << 16 | minor << 8 | patch


class LuaEngine:
    """A Lua state that is made when it is first needed, with the calls that its scripts make."""

    def __init__(self, engine: Engine, special: str, random: Drand48) -> None:
        self._engine = engine
        self._random = random
        self._special = special
        self.calls = Calls(engine)
        self._interpreter: Interpreter | None = None
        #: When the library that is being loaded must be ready; 0 while none is.
        self.loading_until_us: i64 = 0

    def interpreter(self) -> Interpreter:
        """The Lua state."""
        if self._interpreter is None:
            self._interpreter = self._make()
        return self._interpreter

    def _make(self) -> Interpreter:
        calls = self.calls
        profile = self._engine.profile
        version = profile.known_as
        host: dict[str, object] = {
            "perform": calls.perform,
            "more": calls.more,
            "log": calls.log,
            "sha1hex": calls.sha1hex,
            "call_libraries": calls.call_libraries,
            "set_protocol": calls.set_protocol,
            "set_replication": calls.set_replication,
            "may_run": calls.may_run,
            "draw": self._random.draw,
            "seed": self._random.seed,
            "tick": self.tick,
            "version": version.encode(),
            "version_number": version_number(version),
        }
        if not profile.names_redis_in_scripts:
            host["server_name"] = profile.server.encode()
            host["own_version"] = profile.version.encode()
            host["own_version_number"] = version_number(profile.version)
        made = Interpreter(host, self._special)
        calls.memory_used = made.memory_used
        calls.collect = made.collect
        calls.memory_limit = REFUSED_ABOVE
        return made

    def tick(self) -> bool:
        """Lua calls this while it works; true if it must end."""
        if self.loading_until_us > 0:
            return self._engine.clock.now_us() > self.loading_until_us
        return self._engine.script_run.tick()

    def memory(self) -> int:
        """The bytes that the state takes; 0 if there is none."""
        return 0 if self._interpreter is None else self._interpreter.memory_used()

    def drop(self) -> None:
        """Forget the state and everything in it."""
        self._interpreter = None
        self.calls.memory_used = None
        self.calls.collect = None


class Scripting(Extension):
    """Scripts of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._core = engine.core
        self._run = engine.script_run
        self.random = Drand48()
        self.lua = LuaEngine(engine, "eval", self.random)
        self.cache = ScriptCache(engine.allocator, engine.profile.most_evaluated_scripts)
        engine.script_run.find_flags = self._flags_of_call
        engine.core.owners.register("scripts", self.cache.addresses)
        provide = engine.figures.provide
        provide(figures.LUA_EVAL_BYTES, self.lua.memory)
        provide(figures.LUA_CACHES_BYTES, self.cache.memory)
        provide(figures.CACHED_SCRIPTS, self.cache.count)
        provide(figures.EVICTED_SCRIPTS, self._evicted_scripts)
        engine.figures.on_reset(self.cache.reset_evicted)
        self.function_lua = LuaEngine(engine, "function", self.random)
        self.libraries = Libraries()
        self._function_memory = FunctionMemory(engine.allocator)
        engine.core.owners.register("functions", self._function_memory.addresses)
        provide(figures.LUA_FUNCTIONS_BYTES, self.function_lua.memory)
        provide(figures.FUNCTIONS_CACHES_BYTES, self._function_memory.total)
        provide(figures.FUNCTIONS, self._count_functions)
        provide(figures.LIBRARIES, self._count_libraries)

    def close(self) -> None:
        """Forget both Lua states."""
        self.lua.drop()
        self.function_lua.drop()

    def _count_functions(self) -> int:
        return self.libraries.function_count()

    def _count_libraries(self) -> int:
        return len(self.libraries.by_name)

    def _flags_of_call(self, command: Command, argv: list[bytes]) -> i64:
        """The flags of a call of a command that runs a script or function."""
        if command.name.startswith("fcall"):
            function = self.libraries.find(argv[1])
            return command.flags if function is None else command_flags(command, function.flags)
        if command.name.startswith("evalsha"):
            script = self.cache.find(argv[1].lower())
            return command.flags if script is None else command_flags(command, script.flags)
        try:
            flags, _ = read_shebang(argv[1])
        except CommandError:
            return command.flags
        return command_flags(command, flags)

    # The cache.

    def _evicted_scripts(self) -> int:
        return int(self.cache.evicted)

    def load(self, body: bytes, is_evaluated: bool = False) -> Script:
        """The script with a text: the cached one, or a new one that is cached from now on.

        ``is_evaluated`` says that EVAL brings it.
        """
        script = self.cache.find_text(body)
        if script is not None:
            if is_evaluated:
                self.cache.use(script)
            return script
        flags, skipped = read_shebang(body)
        try:
            function = self.lua.interpreter().compile(body[skipped:], CHUNK_NAME)
        except CompileError as error:
            raise CommandError(b"ERR Error compiling script (new function): " + error.message) from None
        except NoRoomError:
            raise CommandError(_NO_ROOM) from None
        script = Script(sha1_of(body), body, flags, function)
        if is_evaluated:
            self.cache.add_evaluated(script)
        else:
            self.cache.add(script)
        return script

    def flush(self) -> None:
        """Forget all scripts, and whatever Lua keeps."""
        self.cache.clear()
        self.lua.drop()

    # Libraries of functions.

    def load_library(self, code: bytes, replaces: bool) -> bytes:
        """Load a library of functions; returns its name."""
        library = self._load_into(self.libraries, code, replaces)
        self._function_memory.forget(library.name)
        self._function_memory.update(self.libraries)
        return library.name

    def _load_into(self, libraries: Libraries, code: bytes, replaces: bool) -> Library:
        lua = self.function_lua
        lua.loading_until_us = self._core.clock.now_us() + _LOADING_US
        try:
            return libraries.load(lua.interpreter(), code, replaces)
        finally:
            lua.loading_until_us = 0

    def delete_library(self, name: bytes) -> bool:
        """Forget a library; returns whether it was there."""
        found = self.libraries.remove(name)
        self._function_memory.update(self.libraries)
        return found

    def library_codes(self) -> list[bytes]:
        """The codes of all libraries, in the order in which they were loaded."""
        return [library.code for library in self.libraries.by_name.values()]

    def flush_libraries(self) -> None:
        """Forget all libraries, and whatever Lua keeps."""
        self._replace_libraries(Libraries())
        self.function_lua.drop()

    def restore_libraries(self, codes: list[bytes], flushes: bool, replaces: bool) -> None:
        """Load libraries, all or none; they join those that are there, or take their place."""
        restored = Libraries()
        for code in codes:
            self._load_into(restored, code, False)
        if flushes:
            self._replace_libraries(restored)
            return
        for name in restored.by_name:
            if name in self.libraries.by_name and not replaces:
                raise CommandError(b"ERR Library " + name + b" already exists")
        self.libraries.join(list(restored.by_name.values()))
        for name in restored.by_name:
            self._function_memory.forget(name)
        self._function_memory.update(self.libraries)

    def _replace_libraries(self, libraries: Libraries) -> None:
        self.libraries = libraries
        self._function_memory.update(Libraries())
        self._function_memory.update(libraries)

    # Running.

    def run(
        self,
        context: Context,
        runnable: Runnable,
        keys: list[bytes],
        arguments: list[bytes],
        argv: list[bytes],
        is_read_only: bool,
    ) -> None:
        """Run a script or a function, and reply with what it returns."""
        lua = self.function_lua if runnable.is_function else self.lua
        interpreter = lua.interpreter()
        calls = lua.calls
        self._begin(context, calls, runnable, argv, is_read_only)
        try:
            interpreter.make_room(_size_of(keys) + _size_of(arguments))
            if runnable.is_function:
                result = interpreter.call(runnable.body, keys, arguments)
            else:
                result = interpreter.run(runnable.body, keys, arguments)
        except NoRoomError:
            raise CommandError(_NO_ROOM) from None
        finally:
            self._end(context, calls)
        self._reply(context, interpreter, calls, result, runnable.name, argv)

    def _begin(self, context: Context, calls: Calls, runnable: Runnable, argv: list[bytes], is_read_only: bool) -> None:
        """Check whether a script or function may run, and note that it begins (Redis 7.2 scriptPrepareForRun)."""
        flags = runnable.flags
        is_out_of_memory = self._engine.memory_limit.is_exceeded()
        if not flags & COMPATIBLE:
            if is_out_of_memory and not flags & (ALLOW_OOM | NO_WRITES):
                raise CommandError(_OOM)
            if is_read_only and not flags & NO_WRITES:
                raise CommandError(_NOT_READ_ONLY)
        called = Context(context.runner, self._engine, context.session, calls.sink)
        calls.sink.protocol = 2
        calls.context = called
        calls.is_read_only = is_read_only or flags & NO_WRITES != 0
        calls.is_out_of_memory = is_out_of_memory and not flags & ALLOW_OOM
        calls.replication = REPLICATE_ALL
        calls.fault = None
        self._core.is_in_script = True
        self._run.begin(runnable.name, runnable.is_function, argv)

    def _end(self, context: Context, calls: Calls) -> None:
        """Note that it has ended; the database that it has selected was selected for itself only."""
        self._run.end()
        self._core.is_in_script = False
        calls.context = None
        context.session.db = context.db
        calls.sink.begin()
        if calls.fault is not None:
            fault = calls.fault
            calls.fault = None
            raise fault

    def _reply(
        self, context: Context, interpreter: Interpreter, calls: Calls, result: object, name: bytes, argv: list[bytes]
    ) -> None:
        """Reply with what Lua gave back."""
        if isinstance(result, tuple):
            command = self._engine.commands.lookup(argv)
            assert command is not None
            counters = self._engine.statistics.of(command)
            reply_parts(context, interpreter.more(result), calls.sink.protocol, name, counters)
        else:
            reply_value(context.reply, result, calls.sink.protocol)


def scripting_of(engine: Engine) -> Scripting:
    """The part of an engine that runs scripts."""
    part = engine.scripting
    assert isinstance(part, Scripting)
    return part


def _size_of(values: list[bytes]) -> int:
    size = 40 * len(values)
    for value in values:
        size += len(value)
    return size
