"""RDB files for tests: put together by hand, and read into plain tuples."""

from __future__ import annotations

from pyredmem.base.crc64 import crc64
from pyredmem.base.files import ReadableFile
from pyredmem.base.rng import Random
from pyredmem.memory.allocator import Allocator
from pyredmem.objects import rdb_file
from pyredmem.objects.digest import Digest
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_file import RdbFile
from pyredmem.objects.rdb_images import Builder, Image
from pyredmem.objects.rdb_writer import RdbWriter
from pyredmem.objects.string_factory import StringFactory
from tests.support.payloads import body

FIRST_CHECKSUM_VERSION = 5

#: What a record is, and its fields.
Record = tuple[object, ...]


class Content(ReadableFile):
    """A file in memory, which gives at most ``piece`` bytes at a time."""

    def __init__(self, data: bytes, piece: int = 1 << 30) -> None:
        self._data = data
        self.at = 0  # how much was read
        self._piece = piece

    def read(self, size: int) -> bytes:
        start = self.at
        self.at = min(start + size, start + self._piece, len(self._data))
        return self._data[start : self.at]

    def size(self) -> int:
        return len(self._data)


def word(data: bytes) -> bytes:
    """A short string: its length in one byte, and its bytes."""
    assert len(data) < 64
    return bytes([len(data)]) + data


def key(kind: int, name: bytes, value: bytes) -> bytes:
    """A key with a value of this type."""
    return bytes([kind]) + word(name) + value


def rdb(*records: bytes, version: int = 11, signature: bytes = b"", checksum: int | None = None) -> bytes:
    """A file with these records, which ends with the right checksum if its version has one."""
    data = (signature or b"REDIS%04d" % version) + b"".join(records) + b"\xff"
    if version < FIRST_CHECKSUM_VERSION:
        return data
    return data + (crc64(data) if checksum is None else checksum).to_bytes(8, "little")


def opened(data: bytes, piece: int = 1 << 30) -> RdbFile:
    """A file whose header has been read."""
    file = RdbFile(Content(data, piece))
    file.read_header()
    return file


def records_of(data: bytes, piece: int = 1 << 30) -> list[Record]:
    """All records of a file up to its end. Raises RdbFileError."""
    file = opened(data, piece)
    records: list[Record] = []
    while (what := file.next()) != rdb_file.END:
        records.append((what, *_fields(file, what)))
    return records


def _fields(file: RdbFile, what: int) -> Record:
    if what == rdb_file.FIELD:
        return file.name, file.text
    if what == rdb_file.DATABASE:
        return (file.database,)
    if what == rdb_file.SIZES:
        return file.keys, file.expiring
    if what == rdb_file.FUNCTION:
        return (file.text,)
    if what == rdb_file.MODULE:
        return (file.name,)
    if what == rdb_file.KEY:
        return file.key, file.kind, digest_of(file.value), file.expire_ms, file.idle_s, file.frequency
    return ()


def digest_of(image: Image | None) -> bytes:
    """The digest of the value that an image builds; empty if there is none."""
    if image is None:
        return b""
    builder = Builder(StringFactory(Allocator()), EncodingLimits(), Random(1))
    digest = Digest()
    image.build(builder).digest(digest)
    return digest.text()


def saved(value: RedisObject) -> bytes:
    """A value as it is serialized: its type, and what follows the key in a file."""
    writer = RdbWriter(True)
    value.save(writer)
    return body(writer.payload())
