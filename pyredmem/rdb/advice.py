"""What to do about a damaged RDB file: what was readable, and how to keep it.

Whatever stands before the damage is kept by a file that ends there. It needs the byte that ends an RDB file and, since
version 5, eight zero bytes in place of the checksum: that is how Redis marks a file that was saved without one.
"""

import shlex
from dataclasses import dataclass

from pyredmem.objects.rdb_file import TOO_SHORT, WRONG_SIGNATURE, RdbChecksumError, RdbFileError
from pyredmem.objects.rdb_types import FIRST_CHECKSUM_VERSION


@dataclass(frozen=True)
class Reading:
    """How far a file was read."""

    path: str
    version: int
    keys: int  # that were read, with their values
    whole_bytes: int  # the header, and the records that were read to their ends
    read_bytes: int  # where the reading ended
    file_bytes: int


def of_the_end(reading: Reading) -> list[str]:
    """About a valid file: whether something follows its end."""
    left = reading.file_bytes - reading.read_bytes
    if left <= 0:
        return []
    return [f"{counted(left, 'byte')} after the end were not checked. In an append-only file these are commands."]


def of_damage(reading: Reading, error: RdbFileError) -> list[str]:
    """About a file with an error."""
    if isinstance(error, RdbChecksumError):
        return _of_checksum(reading, error)
    if reading.file_bytes == 0:
        return ["The file is empty."]
    if error.message == TOO_SHORT and reading.whole_bytes == 0:
        return [f"The file ends after {counted(reading.file_bytes, 'byte')}, inside its header."]
    if error.message == TOO_SHORT:
        cause = f"The file ends after {counted(reading.file_bytes, 'byte')}, but the record at offset"
        cause += f" {reading.whole_bytes} goes on: the end is missing, or a length in the record is wrong."
    elif reading.whole_bytes == 0:
        return _of_header(error)
    else:
        cause = f"The record at offset {reading.whole_bytes} is damaged,"
        cause += " or was written by a version that is newer than this program."
    if reading.keys == 0:
        return [cause, "No key could be read."]
    return [cause, *_how_to_keep(reading)]


def _of_header(error: RdbFileError) -> list[str]:
    if error.message == WRONG_SIGNATURE:
        return ["This is no RDB file: one begins with REDIS or VALKEY."]
    return ["The header is damaged, or a newer version wrote the file, whose own tools can check it."]


def _of_checksum(reading: Reading, error: RdbFileError) -> list[str]:
    return [
        f"{error.message}.",
        f"All records could be read, with {counted(reading.keys, 'key')}, but the file is not as it was written:",
        "some value may be wrong. A server with `rdbchecksum no` loads it.",
    ]


def _how_to_keep(reading: Reading) -> list[str]:
    path, mended = shlex.quote(reading.path), shlex.quote(f"{reading.path}.mended")
    ending = r"\377" + r"\0" * (8 if reading.version >= FIRST_CHECKSUM_VERSION else 0)
    return [
        f"{counted(reading.keys, 'key')} could be read, up to offset {reading.whole_bytes}. This keeps them:",
        f"  (head -c {reading.whole_bytes} {path}; printf '{ending}') > {mended}",
    ]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
