"""Writes RDB files: the header, record after record, and the checksum at the end. `rdb_file` shows the format."""

from __future__ import annotations

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.base.crc64 import Checksum
from pyredmem.base.files import WritableFile
from pyredmem.objects import rdb_types
from pyredmem.objects.dataset_writer import DatasetWriter
from pyredmem.objects.object import RedisObject
from pyredmem.objects.pieces import Pieces
from pyredmem.objects.rdb_writer import RdbWriter


class RdbKeysWriter(RdbWriter, DatasetWriter):
    """Writes keys with their values.

    ``has_field_times`` says that there may be hashes whose fields have expire times, which only 7.4 and later reads.
    """

    def __init__(self, compresses: bool, has_field_times: bool) -> None:
        super().__init__(compresses)
        self.has_field_times = has_field_times
        self._key = b""

    def database(self, index: int, keys: int, expiring: int) -> None:
        """Begin a database that has ``keys`` keys, of which ``expiring`` have an expire time."""
        self._out.append(rdb_types.DATABASE)
        self.length(index)
        self._out.append(rdb_types.SIZES)
        self.length(keys)
        self.length(expiring)

    # A key: what is known of it comes before it.

    def expires(self, unix_ms: int) -> None:
        """Write when the next key expires."""
        self._out.append(rdb_types.EXPIRE_MS)
        self.moment(unix_ms)

    def idle(self, seconds: int) -> None:
        """Write since when the next key has not been used."""
        self._out.append(rdb_types.IDLE)
        self.length(seconds)

    def frequency(self, counter: int) -> None:
        """Write how often the next key was used: its LFU counter."""
        self._out.append(rdb_types.FREQUENCY)
        self._out.append(counter)

    def value(self, key: bytes, value: RedisObject) -> None:
        """Write a key with its value."""
        self._key = key
        value.save(self)

    def text(self, key: bytes, data: bytes) -> None:
        """Write a key whose value is a string."""
        self._out.append(rdb_types.STRING)
        self.string(key)
        self.string(data)

    def kind(self, code: int) -> None:
        """Write the type of a value, and its key."""
        self._out.append(code)
        self.string(self._key)

    # While commands change what is to be written.

    def pieces(self, value: RedisObject, least: i64) -> Pieces | None:
        return value.pieces(self._compresses, least)

    def begin(self, key: bytes, pieces: Pieces) -> None:
        self._key = key
        pieces.begin(self)

    def step(self, pieces: Pieces) -> bool:
        return pieces.step(self)

    def aside(self) -> DatasetWriter:
        return RdbKeysWriter(self._compresses, self.has_field_times)

    def join(self, aside: DatasetWriter) -> None:
        assert isinstance(aside, RdbKeysWriter)
        self.raw(aside.content())
        aside._out = BytesWriter()


class RdbFileWriter(RdbKeysWriter):
    """Writes a file from its beginning to its end; raises the OSError of the file.

    The file says that it has the given version of the format, or the one that has field times if it needs that.
    """

    def __init__(
        self,
        file: WritableFile,
        compresses: bool,
        sums: bool,
        has_field_times: bool,
        version: int = rdb_types.VERSION,
    ) -> None:
        super().__init__(compresses, has_field_times)
        self._file: WritableFile = file
        self._sums = sums
        self._checksum = Checksum()
        self.written: i64 = 0  # bytes, without those that are still collected
        needed = rdb_types.VERSION_WITH_FIELD_TIMES if has_field_times else rdb_types.VERSION
        self._out.write(b"REDIS%04d" % max(version, needed))

    def field(self, name: bytes, text: bytes) -> None:
        """Write a field that describes the file."""
        self._out.append(rdb_types.FIELD)
        self.string(name)
        self.string(text)

    def function(self, code: bytes) -> None:
        """Write a library of functions."""
        self._out.append(rdb_types.FUNCTION)
        self.string(code)

    # The end.

    def finish(self) -> None:
        """Write the end of the file."""
        self._out.append(rdb_types.END)
        self._pass_on()
        checksum = self._checksum.value() if self._sums else 0
        self._file.write(checksum.to_bytes(8, "little"))
        self.written += 8

    def _pass_on(self) -> None:
        data = self._out.getvalue()
        self._out = BytesWriter()
        if self._sums:
            self._checksum.add(data, 0, len(data))
        self.written += len(data)
        self._file.write(data)

    def size(self) -> i64:
        """How many bytes were written."""
        return self.written + len(self._out)
