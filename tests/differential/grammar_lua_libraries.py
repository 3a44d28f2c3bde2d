"""Random calls of the Lua libraries, in scripts whose replies can be compared byte by byte.

A script makes many calls and returns a list with one text for each: all results, or the error.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from typing import Final

from tests.support.lua import SHOW

TRY: Final = b"""
local texts = {}
local function try(call)
  local ok, text = pcall(call)
  texts[#texts + 1] = (ok and "" or "error: ") .. tostring(text)
end
"""
RESET: Final = b"""
cjson.encode_max_depth(1000) cjson.decode_max_depth(1000) cjson.encode_number_precision(14)
cjson.encode_keep_buffer(true) cjson.encode_invalid_numbers(false) cjson.decode_invalid_numbers(true)
cjson.encode_sparse_array(false, 2, 10)
"""

FUNCTIONS: Final = {
    "bit": ["tobit", "tohex", "bnot", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "bswap"],
    "struct": ["pack", "unpack", "size"],
    "cmsgpack": ["pack", "unpack", "unpack_one", "unpack_limit"],
    "cjson": [
        *("encode", "decode", "encode_sparse_array", "encode_max_depth", "decode_max_depth", "encode_number_precision"),
        *("encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers"),
    ],
}

NUMBERS: Final = [
    *(
        "0",
        "-0",
        "1",
        "-1",
        "2",
        "3",
        "7",
        "10",
        "15",
        "16",
        "17",
        "31",
        "32",
        "33",
        "100",
        "127",
        "128",
        "-127",
        "-128",
    ),
    *("-129", "255", "256", "-32", "-33", "65535", "65536", "-32768", "-32769", "2^31", "2^31-1", "-2^31"),
    *(
        "-2^31-1",
        "2^32",
        "2^32-1",
        "-2^32",
        "2^51",
        "2^51+3",
        "-2^51-3",
        "2^52+1",
        "2^53",
        "2^53+2",
        "-2^53",
        "2^60+2^20",
    ),
    *(
        "2^63",
        "-2^63",
        "2^63-1024",
        "2^64",
        "2^64-2048",
        "-2^64",
        "2^65",
        "0.5",
        "1.5",
        "2.5",
        "-0.5",
        "-1.5",
        "0.1",
        "1/3",
    ),
    *("3.14159265358979", "1e15", "1e16", "1e100", "-1e100", "1e300", "1e-300", "5e-324", "1e-45", "2^-149", "2^-126"),
    *("3.4028234663852886e38", "3.4028235677973366e38", "1e39", "16777217", "16777219", "1/0", "-1/0", "0/0", "-(0/0)"),
    *("2^127", "2^-127", "2^-150", "3*2^-150", "123456789", "0x7fffffff", "0x80000000", "0xffffffff", "1e14", "1e-5"),
]
# No integers between 30 and 2^31: where arrays may be sparse, a real server dies of memory for a gap that large.
KEYS: Final = ["0", "-0", "-1", "0.5", "1.5", "2^31", "2^32", "2^53", "2^63", "2^64", "1e100", "-2^40", "1/0", "-1/0"]
WORDS: Final = [
    *(b"", b"a", b"abc", b"0", b"10", b" 10 ", b"0x1F", b"1e5", b"-1", b"nan", b"inf", b"on", b"off", b"null", b"true"),
    *(b"hello world", b'say "hi"', b"a/b\\c", b"tab\tnew\nline", b"\x00", b"a\x00b", b"\x7f\x80\xff", "é€😀".encode()),
    *(b"x" * 31, b"on\x00x", b"id", b"name", b"1", b"2", b"1.5"),
]
# Not as keys: of strings from 32 bytes on, Lua hashes some bytes, Redis's Lua others, so that the order differs.
LONG_WORDS: Final = [b"x" * 32, b"y" * 255, b"y" * 256, b"z" * 65535, b"z" * 65536]

TOKENS: Final = [
    *("{", "}", "[", "]", ",", ":", '"a"', '"b"', "1", "-1", "1.5e3", "true", "false", "null", " ", "\n"),
    *('{"a":', "[1,", '"\\u00e9"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\udc00"', '"\\u12"', '"\\x"', '"'),
    *("nan", "NaN", "inf", "-inf", "Infinity", "-Infinity", "infinit", "-nan", "nan(1)", "nan(", "0x1F", "0x"),
    *("012", "1.", ".5", "-", "+1", "+", "1e", "1e+", "1E5", "-0", "tru", "nul", "nulll", "TRUE", "\x00", "\x01"),
    *('"\\ud83d\\u0041"', '"\\u0000"', '"\\n\\t\\/"', "\f", "'a'", "-+1", "- 1", "0x.8", "1-2", "i", "I", "N"),
    *("-0x10", "00", "-01", "inf1", "nanx", '"a\tb"', '"a\x00b"', "1e400", "-1e400", "9007199254740993", "0x1p4"),
]


def literal(data: bytes) -> str:
    """A string of Lua with these bytes."""
    return (
        '"'
        + "".join(f"\\{byte:03d}" if byte < 32 or byte > 126 or byte in b'"\\' else chr(byte) for byte in data)
        + '"'
    )


class Calls:
    """A source of random calls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._makers: dict[str, Callable[[str], list[str]]] = {
            "bit": self._bit_arguments,
            "struct": self._struct_arguments,
            "cmsgpack": self._cmsgpack_arguments,
            "cjson": self._cjson_arguments,
        }

    def calls(self, library: str, count: int) -> list[str]:
        return [self._call(library) for _ in range(count)]

    @staticmethod
    def script(calls: list[str]) -> bytes:
        """A script that makes the calls and returns a text for each."""
        return SHOW + TRY + RESET + "\n".join(calls).encode() + b"\nreturn texts\n"

    def _call(self, library: str) -> str:
        chance = self.random.random()
        name = self.random.choice(FUNCTIONS[library])
        if library == "cjson" and chance < 0.8:
            name = self.random.choice(["encode", "decode"])
        arguments = self._makers[library](name) if self.random.random() < 0.9 else self._any_arguments()
        function, given = f"{library}.{name}", ", ".join(arguments)
        way = self.random.random()
        if way < 0.1:
            return f"try(function() return collect(pcall({', '.join([function, *arguments])})) end)"
        if way < 0.2:
            return f"try(function() local f = {function} return collect(f({given})) end)"
        if way < 0.22:
            return f"try(function() return collect({library}:{name}({given})) end)"
        return f"try(function() return collect({function}({given})) end)"

    # Values

    def number(self) -> str:
        """An expression for a number."""
        chance = self.random.random()
        if chance < 0.6:
            return self.random.choice(NUMBERS)
        if chance < 0.75:
            return str(self.random.randint(-300, 300))
        if chance < 0.85:
            return str(self.random.randint(-(2**33), 2**33))
        if chance < 0.92:
            return repr(self.random.uniform(-1, 1) * 10 ** self.random.randint(-20, 20))
        (double,) = struct.unpack("<d", self.random.randbytes(8))
        return repr(double) if abs(double) < 1e308 else "7"

    def text(self) -> bytes:
        chance = self.random.random()
        if chance < 0.7:
            return self.random.choice(WORDS)
        return self.random.randbytes(self.random.randint(0, 12))

    def value(self, depth: int = 0) -> str:
        """An expression for any value."""
        chance = self.random.random()
        if chance < 0.3:
            return self.number()
        if chance < 0.54:
            return literal(self.text())
        if chance < 0.55:
            word = self.random.choice(LONG_WORDS)
            return f'string.rep("{chr(word[0])}", {len(word)})'
        if chance < 0.7:
            return self.random.choice(["nil", "true", "false", "cjson.null"])
        if chance < 0.72:
            return self.random.choice(["tostring", "coroutine.create(function() end)"])
        if depth > 4:
            return "{}"
        return self.table(depth + 1)

    def table(self, depth: int = 0) -> str:
        kind = self.random.random()
        size = self.random.choice([0, 1, 2, 3, 5, 15, 16, 17]) if depth < 3 else self.random.randint(0, 3)
        if kind < 0.4:
            return "{" + ", ".join(self.value(depth) for _ in range(size)) + "}"
        if kind < 0.5:
            keys = [self.random.randint(1, 30) for _ in range(size)]
            return "{" + ", ".join(f"[{key}] = {self._element(depth)}" for key in keys) + "}"
        if kind < 0.85:
            return "{" + ", ".join(f"[{literal(self.text())}] = {self._element(depth)}" for _ in range(size)) + "}"
        return "{" + ", ".join(f"[{self._key()}] = {self._element(depth)}" for _ in range(size)) + "}"

    def _element(self, depth: int) -> str:
        """A value under a key. A key with a nil may vanish when garbage is collected, which changes the order."""
        value = self.value(depth)
        return "false" if value == "nil" else value

    def _key(self) -> str:
        """A key of a table. Tables and functions are none: they come in the order of their addresses."""
        chance = self.random.random()
        if chance < 0.4:
            return literal(self.text())
        if chance < 0.5:
            return self.random.choice(["true", "false"])
        return self.random.choice(KEYS) if chance < 0.8 else str(self.random.randint(-5, 20))

    def nested(self) -> str:
        """A table that is nested deeply."""
        inner = self.random.choice(["{{%s}}", "{{a = {%s}}}", "{{1, %s}}"]).replace("{{", "{").replace("}}", "}")
        inner = inner if "{%s}" not in inner[1:] else "{a = %s}"
        times = self.random.choice([5, 14, 15, 16, 17, 18, 40])
        text = self.value(5)
        for _ in range(times):
            text = inner.replace("%s", text)
        return text

    def _any_arguments(self) -> list[str]:
        return [self.value(3) for _ in range(self.random.choice([0, 0, 1, 1, 2, 2, 3, 4]))]

    # Arguments that fit

    def _bit_arguments(self, name: str) -> list[str]:
        count = self.random.randint(1, 4) if name in {"band", "bor", "bxor"} else self.random.choice([1, 2, 2, 2, 2])
        return [self.number() if self.random.random() < 0.95 else literal(self.text()) for _ in range(count)]

    def _format(self) -> tuple[str, list[str]]:
        parts, values = [], []
        for _ in range(self.random.choice([1, 1, 2, 3, 4, 8])):
            option = self.random.choice("bBhHlLTfdsxiIcciI><! !iIz1-")
            if option in "z1-" and self.random.random() < 0.8:
                continue
            size = ""
            if option in "iIc!" and self.random.random() < 0.7:
                size = str(self.random.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 17, 31, 32, 33, 2147483647]))
                if self.random.random() < 0.03:
                    size = "2147483648"
            parts.append(option + size)
            if option in "bBhHlLTfdiI":
                values.append(self.number())
            elif option in "sc":
                values.append(literal(self.text()))
        return "".join(parts), values

    def _struct_arguments(self, name: str) -> list[str]:
        layout, values = self._format()
        if name == "size":
            return [literal(layout.encode())]
        if name == "pack":
            return [literal(layout.encode()), *values]
        chance = self.random.random()
        if chance < 0.4:
            data = literal(self.random.randbytes(self.random.choice([0, 1, 4, 8, 16, 40, 100])))
        elif chance < 0.5:
            data = literal(bytes(self.random.choice([0, 1, 2, 3, 127, 128, 255]) for _ in range(40)))
        else:
            data = f"struct.pack({', '.join([literal(layout.encode()), *values])})"
        offset = [self.number()] if self.random.random() < 0.1 else []
        offset = [str(self.random.randint(-2, 12))] if self.random.random() < 0.1 else offset
        return [literal(layout.encode()), data, *offset]

    def _packed(self) -> str:
        """An expression for a text of MessagePack, or of something like it."""
        chance = self.random.random()
        if chance < 0.5:
            values = ", ".join(self.value(2) for _ in range(self.random.randint(1, 3)))
            packed = f"cmsgpack.pack({values})"
            if self.random.random() < 0.3:
                return f"string.sub({packed}, 1, {self.random.randint(-3, 6)})"
            return packed
        heads = [0, 1, 127, 128, 129, 130, 144, 145, 146, 160, 161, 163, *range(192, 226), 255]
        some = [self.random.choice(heads) for _ in range(self.random.randint(0, 4))]
        tail = [self.random.choice([0, 1, 2, 255, 128, 127, 192, 240]) for _ in range(self.random.randint(0, 14))]
        return literal(bytes(some + tail))

    def _cmsgpack_arguments(self, name: str) -> list[str]:
        if name == "pack":
            if self.random.random() < 0.1:
                return [self.nested()]
            return [self.value() for _ in range(self.random.randint(1, 4))]
        arguments = [self._packed()]
        if name == "unpack_limit":
            arguments.append(str(self.random.randint(-1, 4)) if self.random.random() < 0.9 else self.number())
        if name != "unpack" and self.random.random() < 0.7:
            arguments.append(str(self.random.randint(-1, 6)) if self.random.random() < 0.9 else self.number())
        return arguments

    def _json_data(self, depth: int = 0) -> object:
        chance = self.random.random()
        if chance < 0.2 and depth < 4:
            return [self._json_data(depth + 1) for _ in range(self.random.randint(0, 4))]
        if chance < 0.45 and depth < 4:
            texts = [self.text().decode("utf-8", "ignore") for _ in range(self.random.randint(0, 4))]
            return {text: self._json_data(depth + 1) for text in texts}
        if chance < 0.6:
            return self.text().decode("utf-8", "replace")
        if chance < 0.8:
            return self.random.choice([0, 1, -1, 1.5, 1e100, 123456789012345678, -2.5e-10, 0.1])
        return self.random.choice([None, True, False])

    def _json(self) -> bytes:
        """A text of JSON, or of something like it."""
        if self.random.random() < 0.35:
            return "".join(self.random.choice(TOKENS) for _ in range(self.random.randint(0, 7))).encode("latin-1")
        text = json.dumps(self._json_data(), ensure_ascii=self.random.random() < 0.5).encode()
        if self.random.random() < 0.5 and text:
            place = self.random.randrange(len(text))
            kind = self.random.random()
            if kind < 0.4:
                return text[:place] + text[place + 1 :]
            if kind < 0.7:
                return text[:place] + self.random.choice(b'{}[],:"\\ \x00ux0e-').to_bytes(1, "big") + text[place + 1 :]
            return text[:place]
        return text

    def _cjson_arguments(self, name: str) -> list[str]:
        if name == "encode":
            return [self.nested() if self.random.random() < 0.05 else self.value()]
        if name == "decode":
            if self.random.random() < 0.1:
                return [f"cjson.encode({self.value()})"]
            return [literal(self._json())]
        if name in {"encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers"}:
            words = ["true", "false", "nil", '"on"', '"off"', '"null"', "1", '"of"', '"on\\0x"', "", "", "{}"]
            return [word for word in [self.random.choice(words)] if word]
        some = [
            "1",
            "2",
            "3",
            "5",
            "10",
            "14",
            "15",
            "1000",
            "0",
            "-1",
            "nil",
            "2.9",
            '"4"',
            "2^31",
            "2^32+5",
            "2^31-1",
        ]
        if name == "encode_sparse_array":
            chosen = [self.random.choice(["true", "false", "nil", '"on"', '"off"', '"x"'])]
            return (chosen + [self.random.choice(some) for _ in range(2)])[: self.random.randint(0, 3)]
        return [self.random.choice(some)] if self.random.random() < 0.8 else []
