"""Worker processes of applications."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.servers import LEASH, ROOT

STOP_SECONDS = 20.0


@contextlib.contextmanager
def worker(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m` with the arguments until the block ends; the output is added as a note to an exception."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*LEASH, sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=_environment(environment),
        )
        try:
            yield process
        except BaseException as error:
            output.seek(0)
            error.add_note(f"--- {' '.join(arguments)}:\n{output.read()[-4000:].decode(errors='replace')}")
            raise
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)


def _environment(more: dict[str, str]) -> dict[str, str]:
    """What a worker needs of the environment, without the settings of the test run."""
    kept = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": tempfile.gettempdir(), "LANG": "C.UTF-8"}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}
