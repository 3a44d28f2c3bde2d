"""The quoting rules of redis.conf: splits a line into words, and quotes a word so that it is read back the same.

Text is `str` everywhere in this package, but a setting may contain any bytes. Surrogate escapes stand for those that
are not UTF-8; `encode` and `decode` convert.
"""

from __future__ import annotations

from typing import Final

_BLANKS: Final = b" \t\n\v\f\r"
#: What ends a word without quotes. The other two blanks are skipped before a word, but belong to it inside.
_ENDS: Final = b" \t\n\r"
_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_SHOWN: Final = {92: "\\\\", 34: '\\"', 10: "\\n", 13: "\\r", 9: "\\t", 7: "\\a", 8: "\\b"}
_HEXADECIMAL: Final = b"0123456789abcdefABCDEF"


def encode(text: str) -> bytes:
    """The bytes of `text`."""
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """The text that stands for `data`."""
    return data.decode("utf-8", "surrogateescape")


def split_words(line: str) -> list[str] | None:
    """The words of a line; None if a quote is not closed or is followed by anything but a blank.

    In double quotes \\n \\r \\t \\b \\a \\xHH stand for a character, and a backslash before any other character is
    dropped; in single quotes the only escape is \\'. A NUL ends the line, as in Redis.
    """
    data = encode(line).split(b"\0", 1)[0]
    words: list[str] = []
    at = 0
    while True:
        while at < len(data) and data[at] in _BLANKS:
            at += 1
        if at == len(data):
            return words
        end, word = _read_word(data, at)
        if end < 0:
            return None
        words.append(decode(word))
        at = end


def _read_word(data: bytes, at: int) -> tuple[int, bytes]:
    """The position after the word that starts at `at`, and the word; -1 if its quotes are unbalanced."""
    word = bytearray()
    while at < len(data) and data[at] not in _ENDS:
        character = data[at : at + 1]
        if character in {b'"', b"'"}:
            at = _read_double(data, at + 1, word) if character == b'"' else _read_single(data, at + 1, word)
            if at < 0 or (at < len(data) and data[at] not in _BLANKS):
                return -1, b""
            return at, bytes(word)
        word += character
        at += 1
    return at, bytes(word)


def _read_double(data: bytes, at: int, word: bytearray) -> int:
    """Append the text in double quotes; returns the position after the closing quote, or -1."""
    while at < len(data):
        character = data[at : at + 1]
        if character == b'"':
            return at + 1
        if character != b"\\" or at + 1 == len(data):
            word += character
            at += 1
        elif data[at + 1] == 120 and at + 3 < len(data) and all(c in _HEXADECIMAL for c in data[at + 2 : at + 4]):
            word.append(int(data[at + 2 : at + 4], 16))
            at += 4
        else:
            following = data[at + 1 : at + 2]
            word += _ESCAPES.get(following, following)
            at += 2
    return -1


def _read_single(data: bytes, at: int, word: bytearray) -> int:
    """Append the text in single quotes; returns the position after the closing quote, or -1."""
    while at < len(data):
        if data[at : at + 2] == b"\\'":
            word += b"'"
            at += 2
        elif data[at] == 39:
            return at + 1
        else:
            word.append(data[at])
            at += 1
    return -1


def quote(text: str) -> str:
    """`text` in double quotes, with everything except printable ASCII escaped."""
    shown = [_SHOWN.get(c) or (chr(c) if 32 <= c < 127 else f"\\x{c:02x}") for c in encode(text)]
    return '"' + "".join(shown) + '"'
