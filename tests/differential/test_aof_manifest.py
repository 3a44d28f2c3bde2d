"""A real server and we read the same manifests, good and bad, and say the same of the bad ones."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pyredmem.config.quoting import decode
from pyredmem.persistence.aof_manifest import ManifestError, parse
from tests.differential.test_check_rdb import LIMITED
from tests.support.servers import LEASH, redis_server_command

pytestmark = pytest.mark.needs_redis

#: Messages of a server that has accepted its manifest; it may refuse the files then.
ACCEPTED = (b"ready to accept connections", b"AOF file", b"append only file", b"AOF on server start")
BASE = b"file base.rdb seq 1 type b\n"
LINE = b"file a seq 1 type h"
MANIFESTS = {
    "empty": b"",
    "line break": b"\n",
    "blanks": b" \t\n",
    "nul": b"\0\n",
    "comment": b"# file",
    "comment and file": b"# file\n" + BASE,
    "blank before comment": b" # file\n",
    "long comment": b"#" * 1024 + b"abc\n",
    "longer comment": b"#" * 1030 + b"\n",
    "comment of the longest line": b"#" * 1023 + b"\n" + BASE,
    "no line break": LINE,
    "no line break in line 2": BASE + LINE,
    "longest line": LINE + b" " * (1023 - len(LINE)) + b"\n",
    "too long line": LINE + b" " * (1024 - len(LINE)) + b"\n",
    "words missing": b"file a seq 1\n",
    "odd number of words": b"file a seq 1 type h more\n",
    "further pair": b"file a seq 1 type h more 7\n",
    "keys twice": b"file b seq 2 file a seq 1 type i type h\n",
    "upper case": b"FILE a Seq 1 TYPE h\n",
    "upper case type": b"file a seq 1 type H\n",
    "long type": b"file a seq 1 type history\n",
    "other order": b"type h seq 1 file a\n",
    "no name": b"name a seq 1 type h\n",
    "empty name": b'file "" seq 1 type h\n',
    "empty type": b'file a seq 1 type ""\n',
    "unknown type": b"file a seq 1 type x\n",
    "no type": b"file a seq 1 typ h\n",
    "seq zero": b"file a seq 0 type h\n",
    "seq negative": b"file a seq -1 type h\n",
    "seq negative of an increment": b"file a seq -1 type i\n",
    "seq with a tail": b"file a seq 1x type h\n",
    "seq with blanks": b"file a seq ' \t1' type h\n",
    "seq in hexadecimal": b"file a seq 0x1 type h\n",
    "seq that is none": b"file a seq one type h\n",
    "seq that is too large": b"file a seq 99999999999999999999 type i\nfile b seq 99999999999999999998 type i\n",
    "path": b"file a/b seq 1 type h\n",
    "path with backslash": b'file "a\\\\b" seq 1 type h\n',
    "backslash": b"file a\\b seq 1 type h\n",
    "path behind a nul": b'file "a\\x00/b" seq 1 type h\n',
    "path in the first of two names": b"file a/b file b seq 1 type h\n",
    "open quote": b'file "a seq 1 type h\n',
    "quote and letters": b'file "a"b seq 1 type h\n',
    "quote inside": b'file a"b c" seq 1 type h\n',
    "single quotes": b"file 'a\\'b' seq 1 type h\n",
    "escapes": b'file "\\x61\\n\\"" seq 1 type h\n',
    "not utf-8": b"file \xff\xfe seq 1 type x\n",
    "carriage return": b"file a seq 1 type h\r\n",
    "tabs": b"\tfile\ta\tseq\t1\ttype\th\n",
    "vertical tab": b"file\va\vseq\v1\vtype\vh\v\n",
    "base twice": BASE + b"file b seq 2 type b\n",
    "base last": LINE + b"\n" + BASE,
    "increments in order": b"file a seq 1 type i\nfile b seq 3 type i\n",
    "increments with one number": b"file a seq 1 type i\nfile b seq 1 type i\n",
    "increments the wrong way": BASE + b"file a seq 2 type i\n# comment\nfile b seq 1 type i\n",
    "history the wrong way": b"file a seq 2 type h\nfile b seq 1 type h\n",
}


def their_words(directory: Path, manifest: bytes) -> list[str]:
    """What a real server says about a manifest before it ends; nothing if it accepts the manifest."""
    (directory / "appendonlydir").mkdir()
    (directory / "appendonlydir" / "appendonly.aof.manifest").write_bytes(manifest)
    options = ["--appendonly", "yes", "--dir", str(directory), "--port", "0", "--unixsocket", str(directory / "socket")]
    log: list[bytes] = []
    with subprocess.Popen([*LEASH, *LIMITED, *redis_server_command(), *options], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        for line in server.stdout:
            log.append(line)
            if any(words in line for words in ACCEPTED) and b"FATAL" not in b"".join(log):
                server.kill()
                return []
    text = b"".join(log)
    entries = [entry.partition(b" # ")[2] for entry in text.partition(b"FATAL")[2].splitlines() if b" # " in entry]
    assert server.returncode == 1, text
    return [decode(entry) for entry in entries]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_accepted_or_refused_alike(tmp_path: Path, name: str) -> None:
    theirs = their_words(tmp_path, MANIFESTS[name])
    assert our_words(MANIFESTS[name]) == theirs


def our_words(manifest: bytes) -> list[str]:
    """What we say about a manifest, after the headline; nothing if we accept it."""
    try:
        parse(manifest)
    except ManifestError as error:
        return [entry.removesuffix("\n") for entry in error.log_entries()[1:]]
    return []
