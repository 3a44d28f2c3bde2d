"""Reads RDB files: the header, then record after record, to the checksum at the end (Redis 7.2 rdb.c).

::

    REDIS0011 | record | record | ... | 0xFF | checksum

A record is a key, with its value and what is known of it, or it says something about the file or about the records
that follow. Redis of all versions since 2.2 wrote such files, and so does Valkey, with another header. Values of
modules are skipped, since only their module understands them.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.files import ReadableFile
from pyredmem.objects import rdb_types
from pyredmem.objects.rdb_images import Image
from pyredmem.objects.rdb_loader import is_known_type, read_value_of
from pyredmem.objects.rdb_reader import EmptyValueError, MissingBytesError, PayloadError, RdbFileReader

# Records.

#: A field that describes the file: ``name`` and ``text``.
FIELD: Final = 0
#: The keys that follow are in the database ``database``.
DATABASE: Final = 1
#: That database has ``keys`` keys, of which ``expiring`` have an expire time.
SIZES: Final = 2
#: A library of functions: ``text`` is its code.
FUNCTION: Final = 3
#: Something that a module keeps beside its keys. It is skipped.
MODULE: Final = 4
#: A key.
KEY: Final = 5
#: The end of the file.
END: Final = 6
#: The keys that follow are in a slot of a cluster.
SLOT: Final = 7

#: In place of an expire time, an idle time or a frequency: there is none.
NONE: Final = -1

_SIGNATURE_BYTES: Final = 9
_CHECKSUM_BYTES: Final = 8

# What a module's value is made of.
_MODULE_END: Final = 0
_MODULE_SIGNED: Final = 1
_MODULE_UNSIGNED: Final = 2
_MODULE_FLOAT: Final = 3
_MODULE_DOUBLE: Final = 4
_MODULE_STRING: Final = 5

WRONG_SIGNATURE: Final = "Wrong signature trying to load DB from file"
TOO_SHORT: Final = "Unexpected EOF reading RDB file"


class RdbFileError(Exception):
    """An RDB file that cannot be read: what is wrong, and where (bytes from the beginning)."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class RdbChecksumError(RdbFileError):
    """All records could be read, but the file does not have the checksum that it was written with."""


class RdbFile:
    """Reads a file record by record. Its fields describe the last record; ``next`` says which of them.

    ``doing`` is what it is reading, for an error message.
    """

    def __init__(self, file: ReadableFile) -> None:
        self._reader = RdbFileReader(file)
        self.doing = "start"
        self.version = 0
        self.is_valkey = False
        self.has_checksum = False  # at the end: whether the file has one, which is right
        self.database = 0
        self.keys = 0
        self.expiring = 0
        self.name = b""
        self.text = b""
        self.key = b""
        self.kind = 0  # the type of the value, as the file has it
        self.value: Image | None = None  # None if it is the value of a module, or has no elements
        self.is_empty = False  # whether it has no elements: such a key must not be loaded
        self.expire_ms: i64 = NONE  # unix milliseconds
        self.idle_s = NONE
        self.frequency: i64 = NONE
        self._starts_key = True  # whether nothing is known yet of the key that comes next

    def offset(self) -> int:
        """Where in the file the next byte is."""
        return self._reader.offset()

    def read_ahead(self) -> bytes:
        """The bytes from ``offset`` on that were already read from the file: in an append-only file, of commands."""
        return self._reader.read_ahead()

    def _error(self, message: str) -> RdbFileError:
        return RdbFileError(message, self.offset())

    def read_header(self) -> None:
        """Read the beginning, up to the first record; raises RdbFileError."""
        try:
            signature = self._reader.raw(_SIGNATURE_BYTES)
        except MissingBytesError:
            raise self._error(TOO_SHORT) from None
        self.is_valkey = signature[:6] == b"VALKEY"
        if not self.is_valkey and signature[:5] != b"REDIS":
            raise self._error(WRONG_SIGNATURE)
        digits = signature[6:] if self.is_valkey else signature[5:]
        self.version = int(digits) if digits.isdigit() else 0
        newest = rdb_types.VALKEY_VERSION if self.is_valkey else rdb_types.NEWEST_VERSION
        if not 1 <= self.version <= newest:
            raise self._error(f"Can't handle RDB format version {self.version}")

    def next(self) -> int:
        """Read the next record, and return what it is. Raises RdbFileError."""
        try:
            return self._next()
        except MissingBytesError:
            raise self._error(TOO_SHORT) from None
        except PayloadError:
            raise self._error("Invalid data") from None

    def _next(self) -> int:
        self.value = None  # of two values only one is in memory
        if self._starts_key:
            self._starts_key = False
            self.expire_ms = NONE
            self.idle_s = NONE
            self.frequency = NONE
        reader = self._reader
        while True:
            self.doing = "read-type"
            code = reader.byte()
            if code == rdb_types.MODULE_VALUE or is_known_type(self._type_of(code)):
                self._read_key(code)
                return KEY
            if code == rdb_types.EXPIRE_MS:
                self.doing = "read-expire"
                self.expire_ms = reader.moment()
            elif code == rdb_types.EXPIRE_S:
                self.doing = "read-expire"
                self.expire_ms = int.from_bytes(reader.raw(4), "little", signed=True) * 1000
            elif code == rdb_types.FREQUENCY:
                self.frequency = reader.byte()
            elif code == rdb_types.IDLE:
                self.idle_s = reader.length()
            else:
                return self._read_about(code)

    def _read_about(self, code: int) -> int:
        """Read a record that is no key."""
        reader = self._reader
        if code == rdb_types.FIELD:
            self.doing = "read-aux"
            self.name = reader.string()
            self.text = reader.string()
            return FIELD
        if code == rdb_types.DATABASE:
            self.doing = "read-len"
            self.database = reader.length()
            return DATABASE
        if code == rdb_types.SIZES:
            self.doing = "read-len"
            self.keys = reader.length()
            self.expiring = reader.length()
            return SIZES
        if code == rdb_types.FUNCTION:
            self.doing = "read-functions"
            self.text = reader.string()
            return FUNCTION
        if code == rdb_types.SLOT:
            self.doing = "read-len"
            for _ in range(3):
                reader.length()
            return SLOT
        if code == rdb_types.MODULE_FIELD:
            self.doing = "read-module-aux"
            self.name = _module_name(reader.length())
            if reader.length() != _MODULE_UNSIGNED:
                raise PayloadError
            reader.length()
            self._skip_module_value()
            return MODULE
        if code == rdb_types.END:
            self._read_end()
            return END
        if code == rdb_types.FUNCTION_BEFORE_RELEASE:
            raise self._error(f"Pre-release function format not supported {self.version}")
        raise self._error(f"Invalid object type: {code}")

    def _read_key(self, code: int) -> None:
        self.kind = code
        self.doing = "read-key"
        self.key = self._reader.string()
        self.doing = "read-object-value"
        self.is_empty = False
        if code == rdb_types.MODULE_VALUE:
            self.name = _module_name(self._reader.length())
            self._skip_module_value()
        else:
            try:
                self.value = read_value_of(self._reader, self._type_of(code))
            except EmptyValueError:
                self.is_empty = True
        self._starts_key = True

    def _type_of(self, code: int) -> int:
        """The type, as in rdb_types, that a code has in this file."""
        if self.is_valkey and code == rdb_types.HASH_WITH_TIMES_VALKEY:
            return rdb_types.VALKEY_HASH_WITH_TIMES
        return code

    def _skip_module_value(self) -> None:
        reader = self._reader
        while True:
            part = reader.length()
            if part == _MODULE_END:
                return
            if part in {_MODULE_SIGNED, _MODULE_UNSIGNED}:
                reader.length()
            elif part == _MODULE_FLOAT:
                reader.raw(4)
            elif part == _MODULE_DOUBLE:
                reader.raw(8)
            elif part == _MODULE_STRING:
                reader.string()
            else:
                raise PayloadError

    def _read_end(self) -> None:
        """Check the checksum. Files of old versions have none; a file that was saved without one has zero."""
        self.doing = "check-sum"
        if self.version < rdb_types.FIRST_CHECKSUM_VERSION:
            return
        expected = self._reader.checksum()
        found = int.from_bytes(self._reader.raw(_CHECKSUM_BYTES), "little")
        if found == 0:
            return
        if found != expected:
            message = f"Wrong RDB checksum expected: ({expected:x}) but got ({found:x})"
            raise RdbChecksumError(message, self.offset())
        self.has_checksum = True


def _module_name(number: int) -> bytes:
    """The name of a module's type, of which each character has six bits above ten bits for the version."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return bytes([letters[number >> shift & 63] for shift in range(58, 9, -6)])
