"""The conversations in tests/transcripts, played on our engine and on a redis-server."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.replies import NULL_ARRAY, Boolean, Double, Error, Map, Push, Reply, Set, Simple, Verbatim
from tests.support.servers import Server
from tests.support.transcripts import EnginePlayer, ServerPlayer, TranscriptError, read, show
from tests.support.world import World

PATHS = sorted(Path(__file__).with_name("transcripts").glob("*.txt"))
each_transcript = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


@each_transcript
def test_our_engine_sends_what_the_transcript_says(path: Path) -> None:
    world = World(enable_debug_command="yes")
    EnginePlayer(world).play(read(path))
    world.check()


@pytest.mark.needs_redis
@each_transcript
def test_a_real_server_sends_what_the_transcript_says(real: Server, path: Path) -> None:
    with closing(ServerPlayer(real)) as player:
        player.play(read(path))


def test_there_is_a_transcript_for_each_subject() -> None:
    assert len(PATHS) >= 12


# The form of a transcript.


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        (Simple(b"OK"), ["OK"]),
        (Error(b"ERR no"), ["(error) ERR no"]),
        (b'a"\n\x00', ['"a\\"\\n\\x00"']),
        (7, ["(integer) 7"]),
        (None, ["(nil)"]),
        (NULL_ARRAY, ["(nil)"]),
        ([], ["(empty array)"]),
        ([b"a", [1, 2]], ['1) "a"', "2) 1) (integer) 1", "   2) (integer) 2"]),
        (list(range(10)), [*[f" {n + 1}) (integer) {n}" for n in range(9)], "10) (integer) 9"]),
        (
            Map({b"f": 1, b"g": [1, 2]}),
            ['1# "f" => (integer) 1', '2# "g" =>', "      1) (integer) 1", "      2) (integer) 2"],
        ),
        (Map(), ["(empty hash)"]),
        (Set([b"a"]), ['1~ "a"']),
        (Set(), ["(empty set)"]),
        (Push([b"invalidate", None]), ['1> "invalidate"', "2> (nil)"]),
        (Double(b"1.5"), ["(double) 1.5"]),
        (Boolean(True), ["(true)"]),
        (Verbatim(b"txt", b"two\nlines\n"), ["two", "lines"]),
    ],
)
def test_a_reply_is_shown_as_redis_cli_shows_it(reply: Reply, lines: list[str]) -> None:
    assert show(reply) == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# a comment\nOK\n", "bad.txt:2: a reply that nothing asked for: OK"),
        ("> GET k\n", "bad.txt:1: what does this send?"),
        ("> PING\nPONG\n\n>\nPONG\n", "bad.txt:4: no command"),
        ('> SET k "v\nOK\n', "bad.txt:1: No closing quotation"),
        ("@ memory k much\n", "bad.txt:1: not a directive"),
        ("@ later 5 ms\n", "bad.txt:1: time passes only where"),
    ],
)
def test_the_message_about_a_mistake_in_a_transcript_names_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(TranscriptError) as caught:
        read(path)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('> PING\nPONG\n> GET k\n"v"\n', "bad.txt:3: the transcript says"),
        ("> PING\n(nothing)\n", "bad.txt:1: the transcript says"),
        ("> SET k v\nOK\n@ memory k 1 bytes\n", "bad.txt:3: MEMORY USAGE is 56, not 1"),
        ("> BLPOP l 0\n(nothing)\nb> RPUSH l x\n(integer) 1\n", "bad.txt:3: the end; client one has been sent more"),
    ],
)
def test_the_message_about_a_step_with_another_result_names_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(AssertionError) as caught:
        EnginePlayer(World()).play(read(path))
    assert str(caught.value).startswith(message)
