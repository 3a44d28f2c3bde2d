"""The Lua library `struct`. The values are those of a real server."""

from __future__ import annotations

import struct

import pytest

from tests.support.lua import Lua


@pytest.mark.parametrize(
    ("call", "packed"),
    [
        ("struct.pack('bBhH', -1, 255, -2, 65535)", b"\xff\xff\xfe\xff\xff\xff"),
        ("struct.pack('>lLT', -2, 2, 3)", b"\xff" * 7 + b"\xfe" + bytes(7) + b"\2" + bytes(7) + b"\3"),
        ("struct.pack('>I3<I3', 0x010203, 0x010203)", b"\1\2\3\3\2\1"),
        ("struct.pack('i', '0x10')", b"\x10\0\0\0"),
        ("struct.pack('i0', 1)", b""),
        ("struct.pack('>i12', -2)", bytes(4) + b"\xff" * 7 + b"\xfe"),
        ("struct.pack('>I8', 2^63), struct.pack('>I8', 2^64)", (b"\x80" + bytes(7), bytes(8))),
        ("struct.pack('>I8', -2^64), struct.pack('>I8', 0/0)", (b"\x80" + bytes(7), b"\x80" + bytes(7))),
        ("struct.pack('>I8', -1.5), struct.pack('>I8', 1.9)", (b"\xff" * 8, bytes(7) + b"\1")),
        ("struct.pack('f', 1/3), struct.pack('>f', 1e300)", (b"\xab\xaa\xaa>", b"\x7f\x80\0\0")),
        ("struct.pack('>d', 1.5), struct.pack('>d', -1/0)", (b"\x3f\xf8" + bytes(6), b"\xff\xf0" + bytes(6))),
        ("struct.pack('s', 'a\\0b'), struct.pack('c2', 'abc')", (b"a\0b\0", b"ab")),
        ("struct.pack('c0', 'abc'), struct.pack('c', 'abc'), struct.pack('x')", (b"abc", b"a", b"\0")),
        ("struct.pack('!bhbd', 1, 2, 3, 0)", b"\1\0\2\0\3\0\0\0" + bytes(8)),
        ("struct.pack('!4bd', 1, 0)", b"\1\0\0\0" + bytes(8)),
        ("struct.pack('b\\0zzz', 1)", b"\1"),
    ],
)
def test_pack(lua: Lua, call: str, packed: bytes | tuple[bytes, ...]) -> None:
    assert lua.run(f"return {call}") == packed


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("struct.unpack('bBhH', '\\255\\255\\254\\255\\255\\255')", "-1 255 -2 65535 7"),
        ("struct.unpack('I8', string.rep('\\255', 8))", "1.8446744073709552e+19 9"),
        ("struct.unpack('i12', 'abcdefghijkl')", "-463248799 13"),
        ("struct.unpack('!4i1i4', 'abcdefgh')", "97 1751606885 9"),
        ("struct.unpack('i1c0', '\\2abcd')", "'6162' 4"),
        ("struct.unpack('c2c0', '03abcd')", "'616263' 6"),
        ("struct.unpack('sb', 'ab\\0\\1')", "'6162' 1 5"),
        ("struct.unpack('b', 'abc', 3)", "99 4"),
        ("struct.unpack('', 'abc', 9), struct.unpack('', 'abc', -4)", "9 -4"),
        ("struct.unpack('>f', '\\127\\128\\0\\0')", "inf 5"),
        ("struct.unpack('>d', '\\128\\0\\0\\0\\0\\0\\0\\0')", "-0 9"),
    ],
)
def test_unpack_gives_the_values_and_the_next_position(lua: Lua, call: str, shown: str) -> None:
    assert lua.show(call) == shown


def test_floats_have_the_bits_of_ieee_754(lua: Lua) -> None:
    numbers = [0.0, 1.0, 1.1, -2.5, 5e-324, 2.2e-308, 1e-45, 2.0**-149, 3 * 2.0**-150, 2.0**-127, 3.4028234663852886e38]
    for number in numbers:
        text = number.hex() if number else "0"
        doubles, floats = lua.run(f"local n = tonumber('{text}') return struct.pack('d', n), struct.pack('f', n)")
        assert doubles == struct.pack("<d", number)
        assert floats == struct.pack("<f", number)


def test_as_many_values_are_unpacked_as_the_stack_of_c_holds(lua: Lua) -> None:
    script = "local n = ... local text = string.rep('b', %d) return select('#', struct.unpack(text, text))"
    assert lua.run(script % 7997) == 7998
    assert lua.error(script % 7998) == "user_script:1: stack overflow (too many results)"


@pytest.mark.parametrize(
    ("call", "size"),
    [
        ("bBhHlLTfdxiI", 51),
        ("c10i!8bd", 24),
        ("!i7i", 20),
        ("c", 1),
        ("z", 0),
        ("c2147483647c2147483647", 4294967294),
        (" <>!", 0),
    ],
)
def test_size(lua: Lua, call: str, size: int) -> None:
    assert lua.run(f"return struct.size('{call}')") == size


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("struct.pack()", "bad argument #1 to 'pack' (string expected, got no value)"),
        ("struct.pack('z', 1)", "bad argument #1 to 'pack' (invalid format option 'z')"),
        ("struct.pack('i1i1', 1)", "bad argument #3 to 'pack' (number expected, got nil)"),
        ("struct.pack('i33', 1)", "integral size 33 is larger than limit of 32"),
        ("struct.pack('c2147483648', 'a')", "integral size overflow"),
        ("struct.pack('!3')", "alignment 3 is not a power of 2"),
        ("struct.pack('!0')", "alignment 0 is not a power of 2"),
        ("struct.pack('c5', 'abc')", "bad argument #3 to 'pack' (string too short)"),
        ("struct.unpack('i')", "bad argument #2 to 'unpack' (string expected, got no value)"),
        ("struct.unpack('i', 'abc')", "bad argument #2 to 'unpack' (data string too short)"),
        ("struct.unpack('i', 'abcd', 0)", "bad argument #3 to 'unpack' (offset must be 1 or greater)"),
        ("struct.unpack('i', 'abcd', -1)", "bad argument #2 to 'unpack' (data string too short)"),
        ("struct.unpack('c0', 'abcd')", "format 'c0' needs a previous size"),
        ("struct.unpack('s', 'abcd')", "unfinished string in data"),
        ("struct.size('s')", "bad argument #1 to 'size' (option 's' has no fixed size)"),
        ("struct.size('c0')", "bad argument #1 to 'size' (option 'c0' has no fixed size)"),
    ],
)
def test_errors(lua: Lua, call: str, error: str) -> None:
    assert lua.error(f"local x = {call}") == f"user_script:1: {error}"
