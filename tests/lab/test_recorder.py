"""Recordings of running servers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pyredmem.lab.errors import RecordError
from pyredmem.lab.operations import KEEP_TTL, NO_TTL, READ, WRITE
from pyredmem.lab.recorder import Recorder, parsed_line, record
from pyredmem.lab.sampling import is_sampled
from pyredmem.lab.trace_file import TraceWriter, load
from tests.support.servers import Server, free_port

LINE = b'1339518083.107412 [%s] "set" "key:%d" "value" "EX" "10"'


@pytest.mark.parametrize(
    ("line", "database", "argv"),
    [
        (b'1339518083.107412 [0 127.0.0.1:60866] "get" "a b"', 0, [b"get", b"a b"]),
        (b'1339518083.107412 [7 [::1]:60866] "get" ""', 7, [b"get", b""]),
        (b'1339518083.107412 [0 unix:/tmp/s] "ping"', 0, [b"ping"]),
        (b'1339518083.107412 [0 lua] "get" "\\x00\\n\\"\\\\"', 0, [b"get", b'\x00\n"\\']),
    ],
)
def test_a_line_of_monitor(line: bytes, database: int, argv: list[bytes]) -> None:
    found = parsed_line(line)
    assert found is not None
    assert (found.time_us, found.database, found.argv) == (1_339_518_083_107_412, database, argv)


@pytest.mark.parametrize("line", [b"", b"OK", b"x [0 a] ", b'x.y [0 a] "get"', b'1.2 [z a] "get"'])
def test_other_lines_are_left_out(line: bytes) -> None:
    assert parsed_line(line) is None


def recorded(path: Path, rate: float = 1.0, hashes_keys: bool = False) -> list[bytes]:
    with TraceWriter(str(path)) as writer:
        recorder = Recorder(writer, rate, hashes_keys)
        for number in range(2000):
            recorder.take(LINE % (b"0 127.0.0.1:1", number % 1000))
        assert recorder.commands == 2000
    trace = load(str(path))
    assert recorder.operations == len(trace)
    assert set(trace.sizes.tolist()) == {5}
    assert set(trace.ttls.tolist()) == {10_000}
    return [trace.names[key] for key in trace.keys]


def test_keys_are_sampled_by_their_hash(tmp_path: Path) -> None:
    names = recorded(tmp_path / "trace", rate=0.2)
    chosen = {b"key:%d" % number for number in range(1000) if is_sampled(b"key:%d" % number, 0.2)}
    assert set(names) == chosen
    assert len(names) == 2 * len(chosen)
    assert 150 < len(chosen) < 250


def test_hashed_keys_keep_their_lengths_and_only_those(tmp_path: Path) -> None:
    names = recorded(tmp_path / "trace", hashes_keys=True)
    assert sorted({len(name) for name in names}) == [5, 6, 7]
    assert len(set(names)) == 1000
    assert names[:1000] == names[1000:]
    assert not any(name.startswith(b"key:") for name in names)
    assert set(names) != set(recorded(tmp_path / "other", hashes_keys=True))  # each recording has its own secret


@pytest.fixture(params=["ours", "real"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(str(request.param))
    return found


@pytest.mark.needs_redis
def test_a_server_is_recorded_while_its_clients_work(server: Server, tmp_path: Path) -> None:
    path = str(tmp_path / "trace")
    begun = threading.Event()
    worker = threading.Thread(target=lambda: record(f"redis://127.0.0.1:{server.port}", path, 1.5, started=begun.set))
    worker.start()
    assert begun.wait(20)
    with server.connect() as wire:
        wire.do("SET", "a\r\n\xff", "v" * 300, "EX", "100")
        wire.do("SELECT", "3")
        wire.do("HSET", "h", "f", "value")
        wire.do("MGET", "x", "y")
        wire.do("EVAL", "return redis.call('get', KEYS[1])", "1", "scripted")
    worker.join()
    trace = load(path)
    names = [(int(trace.databases[key]), trace.names[key]) for key in trace.keys]
    assert names == [(0, "a\r\n\xff".encode()), (3, b"h"), (3, b"x"), (3, b"y"), (3, b"scripted")]
    assert trace.operations.tolist() == [WRITE, WRITE, READ, READ, READ]
    assert trace.sizes.tolist() == [300, 6, -1, -1, -1]
    assert trace.ttls.tolist() == [100_000, KEEP_TTL, KEEP_TTL, KEEP_TTL, KEEP_TTL]
    assert NO_TTL not in trace.ttls.tolist()
    assert trace.start_us > 1_000_000_000_000_000


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{port}", "nonsense://x"])
def test_a_server_that_cannot_be_reached_is_explained(url: str, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="Cannot connect: "):
        record(url.format(port=free_port()), str(tmp_path / "trace"), 0.1)
