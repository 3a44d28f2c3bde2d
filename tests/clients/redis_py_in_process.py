"""Runs redis-py's own tests against pyredmem twice: over TCP, and over connections inside the process.

`python -m tests.clients.redis_py_in_process [--protocol 3] [--python-parser] [file ...]` prints how many tests pass
both ways, and which pass over TCP only. Where the tests come from is told in `redis_py_suite`.

Inside the process a plugin of pytest claims the address of the server, where nobody listens; see `plugins`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.clients.redis_py_suite import PROTOCOLS, Comparison, files, run, source, twice
from tests.support.servers import free_port, pyredmem_server

OVER_TCP, IN_PROCESS = "pyredmem over TCP", "pyredmem in the process"

#: What depends on the parser: how replies arrive, and how redis-py finds out whether there are any.
PARSER_FILES = (
    "tests/test_connection.py",
    "tests/test_connection_pool.py",
    "tests/test_encoding.py",
    "tests/test_pipeline.py",
    "tests/test_pubsub.py",
    "tests/test_asyncio/test_connection.py",
    "tests/test_asyncio/test_connection_pool.py",
    "tests/test_asyncio/test_encoding.py",
    "tests/test_asyncio/test_pipeline.py",
    "tests/test_asyncio/test_pubsub.py",
)


def compare(protocol: int, selected: Sequence[str] = (), *, has_python_parser: bool = False) -> Comparison:
    """Run tests both ways; redis-py parses with hiredis, or in Python."""
    directory = source()
    parser = ("without_hiredis",) if has_python_parser else ()

    def run_both(names: Sequence[str], at_once: bool) -> Comparison:
        with pyredmem_server() as server, ThreadPoolExecutor(2 if at_once else 1) as pool:
            over_tcp = pool.submit(run, directory, server.port, protocol, names, parser)
            in_process = pool.submit(run, directory, free_port(), protocol, names, (*parser, "in_process"))
            results = {OVER_TCP: over_tcp.result(), IN_PROCESS: in_process.result()}
        return Comparison(protocol, results, IN_PROCESS, OVER_TCP, skipping_is_failing=True)

    return twice(run_both, selected or files(directory))


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", type=int, choices=PROTOCOLS, help="the version of RESP; both by default")
    parser.add_argument("--python-parser", action="store_true", help="hide hiredis from redis-py")
    parser.add_argument("file", nargs="*", help="files of tests, or single tests as pytest names them")
    given = parser.parse_args(None if arguments is None else list(arguments))
    for protocol in [given.protocol] if given.protocol else PROTOCOLS:
        print(compare(protocol, given.file, has_python_parser=given.python_parser).report({}))


if __name__ == "__main__":
    main()
