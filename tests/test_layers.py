"""Imports point downward only, and I/O stays out of the engine.

The layers are those of docs/architecture.md. A package may import itself and packages of lower layers;
packages of one layer do not import each other. All imports stand at the head of a module: an import inside a
function hides a dependency or a cycle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pyredmem"
LAYERS = (
    ("memory", "base"),
    ("structures", "protocol", "config", "alerts"),
    ("objects", "acl"),
    ("keyspace",),
    ("engine",),
    ("scripting",),
    ("persistence",),
    ("commands", "info"),
    ("assembly", "metrics"),
    ("host", "web"),
    ("server", "client", "rdb"),
    ("lab", "monitor", "fakeredis", "pytest_plugin", "compatibility", "cli", "__main__"),
)
LAYER_OF = {name: number for number, names in enumerate(LAYERS) for name in names}
SHELLS = 9
# What the sans-I/O engine must not reach for: the network, the operating system, the wall clock, chance, threads.
OUTSIDE_WORLD = {
    *("socket", "socketserver", "ssl", "select", "selectors", "asyncio", "uvloop"),
    *("time", "datetime", "random", "secrets", "threading", "multiprocessing", "subprocess", "concurrent"),
    *("librt.time", "librt.random"),
    *("os", "ctypes", "resource", "mmap"),
}
ALLOWED = {
    "base/clock.py": {"time", "librt.time"},  # the one place that asks the operating system for the time
    "base/rng.py": {"librt.random"},  # the one source of chance, seeded
    "config/file.py": {"os"},  # the configuration file, read at start and rewritten on request
    "info/server.py": {"os"},  # finds out which operating system this is
    "memory/c_library.py": {"ctypes"},  # calls the C library: page_release.py and process.py
    "memory/process.py": {"os"},  # the figures of the process that the operating system gives
    "memory/process_heap.py": {"os"},  # reads the interpreter's heap through the operating system
}
CLIENT_LIBRARY_USERS = (
    *("client/", "fakeredis/", "pytest_plugin.py", "rdb/running.py", "web/wire_source.py", "monitor/", "lab/"),
)
#: What a function may import: modules that load redis-py, which is loaded at first use.
LOADED_LATE = {
    "redis",
    "redis.asyncio",
    "pyredmem.client",
    "pyredmem.client.client_options",
    "pyredmem.client.pipelines",
    "pyredmem.client.sync",
    "pyredmem.client.listening",
    "pyredmem.client.aio",
}

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs the sources, not an installed package")


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _label(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _imports(path: Path) -> Iterator[str]:
    """Dotted names of everything a module imports, relative ones resolved, and of what it loads by its name."""
    parts = ["pyredmem", *path.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call):
            if ast.unparse(node.func).endswith(("import_module", "optional_module")):
                yield from (str(name.value) for name in node.args if isinstance(name, ast.Constant))
        elif isinstance(node, ast.ImportFrom):
            base = parts[: -node.level] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            if len(module) == 1:
                yield from (f"{module[0]}.{alias.name}" for alias in node.names)
            else:
                yield ".".join(module)


def _home(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _own_imports(path: Path) -> Iterator[str]:
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "pyredmem" and len(parts) > 1 and parts[1] in LAYER_OF:
            yield parts[1]


modules = pytest.mark.parametrize("path", _modules(), ids=_label)


@modules
def test_every_module_has_a_layer(path: Path) -> None:
    assert _home(path) in LAYER_OF or _label(path) == "__init__.py"


@modules
def test_imports_point_downward(path: Path) -> None:
    home = _home(path)
    if home not in LAYER_OF:
        return  # the package itself imports nothing when it is loaded: `test_package`
    wrong = [name for name in _own_imports(path) if name != home and not LAYER_OF[name] < LAYER_OF[home]]
    assert not wrong


@modules
def test_the_engine_does_not_touch_the_outside_world(path: Path) -> None:
    if LAYER_OF.get(_home(path), 0) >= SHELLS:
        return
    names = set(_imports(path))
    names |= {name.split(".")[0] for name in names}
    assert not (names & OUTSIDE_WORLD) - ALLOWED.get(_label(path), set())


@modules
def test_the_engine_does_not_await(path: Path) -> None:
    if LAYER_OF.get(_home(path), 0) >= SHELLS:
        return
    tree = ast.walk(ast.parse(path.read_text()))
    assert not [node.lineno for node in tree if isinstance(node, ast.AsyncFunctionDef | ast.Await)]


@modules
def test_the_client_library_stays_in_the_client(path: Path) -> None:
    if _label(path).startswith(CLIENT_LIBRARY_USERS):
        return
    assert not [name for name in _imports(path) if name.split(".")[0] == "redis"]


@modules
def test_imports_stand_at_the_head_of_a_module(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    inside = [
        node.lineno
        for function in functions
        if _label(path) != "pytest_plugin.py"  # it loads nothing before a fixture is used
        for node in ast.walk(function)
        if isinstance(node, ast.Import)
        or (isinstance(node, ast.ImportFrom) and not (path.parent.name == "client" and node.module in LOADED_LATE))
    ]
    assert not inside


def _imported_modules(path: Path, names: set[str]) -> set[str]:
    """The modules of the package that a module imports, including those that it imports for type checking."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            imported.add(node.module)
            imported.update(f"{node.module}.{alias.name}" for alias in node.names)
    return imported & names


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for type checking count too: a circle of annotations is a circle in the design."""
    paths = {".".join(("pyredmem", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in _modules()}
    imports = {name: _imported_modules(path, set(paths)) for name, path in paths.items()}
    try:
        tuple(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")
