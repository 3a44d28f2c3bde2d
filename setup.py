"""Builds the package; compiles its core with mypyc where that is possible.

`PYREDMEM_COMPILE` chooses:

    unset or 1   compile; without a C compiler, or when the build fails, install the interpreted package and say so
    0            never compile
    require      fail when it cannot be compiled

`PYREDMEM_BUILD_DIR` names a directory to build in; otherwise it is a temporary one, so that nothing that was compiled
lands in the source tree. For the same reason an editable install is never compiled.

The metadata is in pyproject.toml, and so are the lists of what is compiled (`[tool.pyredmem.compile]`) and of what is
optimized as far as the C compiler can (`[tool.pyredmem.optimize]`). Translation and compilation happen when `build_ext`
runs, not when this file is loaded: an installer loads it three times.

The C compiler's time is nearly all of an installation's, and these things keep it low:

- A module that is not on a hot path is compiled with -Og, which takes about half the time of -O3 (-O1: two thirds).
- The code of a module that runs once, when the module is imported, is a quarter of all code, and is not optimized.
- All modules include the same 970 KB of headers, which are compiled once.
- Beside the core there is a tiny extension for each module, which only tells Python where in the core that module is.
  What takes time there is Python.h, which is compiled once too.
"""

import atexit
import os
import platform
import re
import shutil
import sys
import tempfile
import textwrap
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from setuptools import Distribution, Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

# setuptools' own copy of distutils, which is importable once setuptools is.
from distutils.ccompiler import new_compiler  # isort: skip  # codespell:ignore ccompiler
from distutils.sysconfig import customize_compiler, get_python_inc  # isort: skip

ROOT = Path(__file__).resolve().parent
CHOICE = os.environ.get("PYREDMEM_COMPILE", "1") or "1"
REQUIRED = CHOICE == "require"
OPTIMIZED = "3"
ORDINARY = "g"  # between 0 and 1: the passes that pay quickly
# Microsoft's compiler has no levels: for speed, and for size, which takes less time.
MSVC_OPTIMIZED = "/O2"
MSVC_ORDINARY = "/O1"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# Calls between modules need not go through the table of replaceable symbols: 5% of a command, measured. Optimization
# level 3 is worth 1% over 2, and 12% of the build time; link-time optimization nothing more, at twice the build time.
VISIBILITY = [] if sys.platform == "win32" else ["-fvisibility=hidden"]

PROBE = "#include <Python.h>\nint main(void) { return PY_MAJOR_VERSION == 0; }\n"


class CannotCompileError(Exception):
    """The core cannot be compiled here; the text says why."""


def wanted() -> bool:
    """Whether compiling is to be tried at all."""
    if CHOICE not in {"0", "1", "require"}:
        raise SystemExit(f"PYREDMEM_COMPILE must be 0, 1 or require, not {CHOICE!r}")
    return CHOICE != "0" and platform.python_implementation() == "CPython"


def modules(table: str) -> list[str]:
    """The modules that a table of pyproject.toml chooses, as paths relative to the root."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        lists = tomllib.load(file)["tool"]["pyredmem"][table]
    chosen = _expand(lists["include"]) - _expand(lists["exclude"])
    return sorted(path.relative_to(ROOT).as_posix() for path in chosen)


def _expand(entries: list[str]) -> set[Path]:
    """The modules that files, directories and patterns stand for."""
    found: set[Path] = set()
    for entry in entries:
        paths = list(ROOT.glob(entry))
        if not paths:
            raise SystemExit(f"pyproject.toml names {entry}, which does not exist")
        for path in paths:
            found.update(path.rglob("*.py") if path.is_dir() else [path])
    return {path for path in found if path.name != "__init__.py"}


def c_file(module: str) -> str:
    """The name of the C file that mypyc makes of a module."""
    return f"__native_{module.removesuffix('.py').replace('/', '___')}.c"


class Job(NamedTuple):
    """One C file to compile."""

    extension: Extension
    source: str
    flags: list[str]  # in addition to those of the extension


class MaybeCompiledDistribution(Distribution):
    """A distribution whose extensions are known only while it is being built."""

    def has_ext_modules(self) -> bool:
        """Whether the wheel belongs to one platform."""
        return wanted()


class BuildElsewhere(build):
    """Keeps the build directory out of the source tree."""

    def initialize_options(self) -> None:
        """Build in the directory of the environment, or in one that is removed at the end."""
        super().initialize_options()
        directory = os.environ.get("PYREDMEM_BUILD_DIR", "")
        if not directory:
            directory = tempfile.mkdtemp(prefix="pyredmem-build-")
            atexit.register(shutil.rmtree, directory, ignore_errors=True)
        self.build_base = directory


class BuildCore(build_ext):
    """Translates the core to C and compiles the C files on all cores."""

    def run(self) -> None:
        """Build the extensions, or do without them."""
        self._remove_extensions()
        if not wanted() or self.inplace or self.editable_mode:
            say("The core is not compiled, as asked for: this is the interpreted package.")
            return
        try:
            self._build()
        except (Exception, SystemExit) as error:
            if REQUIRED:
                raise
            self._remove_extensions()
            self.extensions = []
            say(excuse(error))

    def _build(self) -> None:
        os.makedirs(self.build_temp, exist_ok=True)
        self._probe_compiler()
        self.distribution.ext_modules = self._translate()
        # The extensions were not known when the command was prepared: do that again, for them.
        self.reinitialize_command(self)
        self.ensure_finalized()
        super().run()
        say(f"The core is compiled: {len(modules('compile'))} modules.")

    def _probe_compiler(self) -> None:
        """Fail at once, and in plain words, where nothing can be compiled."""
        probe = Path(self.build_temp, "probe.c")
        probe.write_text(PROBE)
        compiler = new_compiler()
        customize_compiler(compiler)
        try:
            compiler.compile([str(probe)], output_dir=self.build_temp, include_dirs=[get_python_inc()])
        except Exception as error:
            raise CannotCompileError(f"no working C compiler, or no headers of Python ({error})") from error

    def _translate(self) -> list[Extension]:
        """From Python to C: the extensions of the core, with their sources written to the build directory."""
        # Imported here since a build that does not compile must work without mypy.
        from mypyc.build import mypycify  # noqa: PLC0415

        os.chdir(ROOT)
        options = [
            "--config-file=",  # the checks for developers do not belong in an installation
            "--ignore-missing-imports",
            f"--cache-dir={self.build_temp}/mypy_cache",
        ]
        extensions = mypycify(
            options + modules("compile"),
            opt_level=OPTIMIZED,
            debug_level="0",
            multi_file=True,
            target_dir=f"{self.build_temp}/c",
            group_name="pyredmem",
        )
        for extension in extensions:
            # A warning of a newer compiler is no reason to go without.
            extension.extra_compile_args = [flag for flag in extension.extra_compile_args if flag != "-Werror"]
            extension.extra_compile_args += VISIBILITY
        return extensions

    def build_extensions(self) -> None:
        """Compile the sources of all extensions side by side, the largest first; then link each extension."""
        if self.compiler.compiler_type == "msvc" and not self.compiler.initialized:
            self.compiler.initialize()  # otherwise each thread would do it
        jobs = self._jobs()
        jobs.sort(key=lambda job: os.path.getsize(job.source), reverse=True)
        with ThreadPoolExecutor(CORES) as pool:
            objects = list(pool.map(self._compile, jobs))
        for job, compiled in zip(jobs, objects, strict=True):
            job.extension.extra_objects.append(compiled)
            job.extension.sources = []
        self.parallel = CORES
        super().build_extensions()

    def _jobs(self) -> list[Job]:
        """What is to be compiled, and with which flags."""
        core, *loaders = self.extensions
        optimized = {c_file(module) for module in modules("optimize")}
        ordinary = {c_file(module) for module in modules("compile")} - optimized
        headers = ["__native_pyredmem.h", "__native_internal_pyredmem.h"]
        run_once = self._declarations_of_code_that_runs_once(Path(self.build_temp, "c", headers[1]))
        is_msvc = self.compiler.compiler_type == "msvc"
        fast = [MSVC_OPTIMIZED if is_msvc else f"-O{OPTIMIZED}"]
        plain = [MSVC_ORDINARY if is_msvc else f"-O{ORDINARY}"]
        flags = dict.fromkeys(optimized, fast + self._precompile("optimized", core, fast, headers, run_once))
        flags |= dict.fromkeys(ordinary, plain + self._precompile("ordinary", core, plain, headers, run_once))
        jobs = [Job(core, source, flags.get(os.path.basename(source), fast)) for source in core.sources]
        loader = plain + self._precompile("python", core, plain, ["Python.h"])
        jobs += [Job(extension, source, loader) for extension in loaders for source in extension.sources]
        return jobs

    @staticmethod
    def _declarations_of_code_that_runs_once(header: Path) -> str:
        """C text that tells gcc not to optimize the functions that run when a module is imported."""
        functions = re.findall(r"^extern (char CPyDef_\w+_____top_level__\(void\));$", header.read_text(), re.MULTILINE)
        lines = [f'extern {function} __attribute__((optimize("O0")));' for function in functions]
        return "\n".join(["#if defined(__GNUC__) && !defined(__clang__)", *lines, "#endif"])

    def _precompile(
        self, name: str, core: Extension, flags: list[str], headers: list[str], text: str = ""
    ) -> list[str]:
        """Compile headers that many sources include; the flags with which a source finds the compiled ones.

        A compiled header serves only the sources that are compiled with the same flags. clang refuses to go on where a
        flag differs, so it is tried first.
        """
        if self.compiler.compiler_type != "unix":
            return []
        header = Path(self.build_temp, f"{name}.h").resolve()
        header.write_text("".join(f'#include "{included}"\n' for included in headers) + text + "\n")
        directories = [f"-I{path}" for path in [*core.include_dirs, get_python_inc()]]
        command = [*self.compiler.compiler_so, *directories, *core.extra_compile_args, *flags]
        try:
            self.compiler.spawn([*command, "-x", "c-header", str(header), "-o", f"{header}.gch"])
            trial = header.with_name(f"{name}_trial.c")
            trial.write_text("")
            self._compile(Job(core, str(trial), [*flags, "-include", str(header)]))
        except Exception as error:
            say(f"Building takes longer than it might: the headers could not be precompiled ({error}).")
            return []
        return ["-include", str(header)]

    def _compile(self, job: Job) -> str:
        """Compile one source unless that was done before; the path of its object."""
        extension, source, flags = job
        path: str = self.compiler.object_filenames([source], output_dir=self.build_temp)[0]
        if not newer_group([source, *extension.depends], path, missing="newer"):
            return path
        compiled = self.compiler.compile(
            [source],
            output_dir=self.build_temp,
            include_dirs=extension.include_dirs,
            extra_postargs=extension.extra_compile_args + flags,
            depends=extension.depends,
        )
        assert compiled == [path], compiled
        return path

    def _remove_extensions(self) -> None:
        """Forget the extensions of an earlier or of a failed build: half of them would be worse than none."""
        for pattern in ("*.so", "*.pyd"):
            for path in Path(self.build_lib).rglob(pattern):
                path.unlink()


def say(message: str) -> None:
    """Tell whoever reads the output of the build."""
    print(f"pyredmem: {message}", file=sys.stderr, flush=True)


def excuse(error: BaseException) -> str:
    """Why there is no compiled core, and what to do about it."""
    told = not isinstance(error, SystemExit) and str(error)
    reason = told or "the translation to C failed, see the messages above (pip shows them with -v)."
    return textwrap.dedent(
        f"""\
        THE CORE COULD NOT BE COMPILED, so the interpreted package is installed.
            It does the same and is slower. Reason: {reason}
            A C compiler and the headers of Python are needed (Debian: apt-get install gcc python3-dev).
            With PYREDMEM_COMPILE=require the installation fails instead, with PYREDMEM_COMPILE=0 this is not tried."""
    )


setup(
    distclass=MaybeCompiledDistribution,
    cmdclass={"build": BuildElsewhere, "build_ext": BuildCore},
)
