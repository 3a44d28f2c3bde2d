"""The syntax line of a command, and the tree of arguments that COMMAND DOCS makes from it.

A spec gives the arguments as Redis's documentation does, ``key value [NX | XX] [EX seconds | KEEPTTL]``:

    word               an argument with a value, which the word names
    WORD               a token, which is written as it is; it may introduce the arguments after it
    [...]              optional
    <... | ...>        one of several
    x [x ...]          one or more x; so ``[x [x ...]]`` is any number of them
    word:type          a value of a type that does not follow from its name
    word#1             a key that belongs to key specification 1 of the command (either all keys say this or none)

One table gives the types by the names. Alternatives and groups get names that are joined from the names in them.
"""

from __future__ import annotations

import re
from typing import Final

KEY: Final = "key"
STRING: Final = "string"
INTEGER: Final = "integer"
DOUBLE: Final = "double"
PATTERN: Final = "pattern"
UNIX_TIME: Final = "unix-time"
PURE_TOKEN: Final = "pure-token"
ONE_OF: Final = "oneof"
BLOCK: Final = "block"

_TYPES: Final = (STRING, INTEGER, DOUBLE, PATTERN, UNIX_TIME, KEY)
_NAMES_BY_TYPE: Final = {
    KEY: "key key1 key2 destination destkey source sourcekey newkey",
    PATTERN: "pattern",
    UNIX_TIME: "unix-time-seconds unix-time-milliseconds",
    DOUBLE: "latitude longitude radius width height score weight",
    INTEGER: "bit bits client-id count cursor db decrement destination-db end frequency increment index index1 index2 "
    "len limit maxlen milliseconds min-match-len ms num-matches numkeys numlocal numreplicas offset port protover rank "
    "seconds start stop timeout ttl version",
}
_TYPE_OF: Final = {name: kind for kind, names in _NAMES_BY_TYPE.items() for name in names.split()}
_TOKEN_NAMES: Final = {
    "=": "equal",
    "~": "approximately",
    "*": "auto-id",
    "$": "new-id",
    '""': "empty-string",
    "CH": "change",
    "INCR": "increment",
}


class Argument:
    """An argument, alternatives or a group: what COMMAND DOCS says about it."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.token = ""
        self.optional = False
        self.multiple = False
        self.multiple_token = False  # the token is repeated with the value
        self.key_spec_index = -1  # the key specification of the command that covers it
        self.arguments: list[Argument] = []

    def has_token(self) -> bool:
        """Whether it is a token or begins with one. The empty string can be a token."""
        return self.token != "" or self.kind == PURE_TOKEN

    def takes_value(self) -> bool:
        """Whether it stands for a value: it is neither a token nor a group."""
        return self.kind not in {PURE_TOKEN, ONE_OF, BLOCK}


def arguments(syntax: str, key_specs: int) -> list[Argument]:
    """The tree for a syntax line; ``key_specs`` is the number of key specifications of the command."""
    reader = _Reader(syntax)
    found = _sequence(reader.sequence())
    assert reader.at_end(), f"unbalanced: {syntax}"
    _number_keys(found, key_specs)
    return found


def plain(syntax: str) -> str:
    """The syntax line without the types, for people to read."""
    return re.sub(rf":({'|'.join(_TYPES)})\b|#[0-9]+", "", syntax)


def _number_keys(found: list[Argument], key_specs: int) -> None:
    """Note which specification covers each key: the nth covers the nth key, or the only one covers them all."""
    keys = _keys(found)
    for index, argument in enumerate(keys):
        if len(keys) == key_specs or key_specs == 1:
            argument.key_spec_index = index if len(keys) == key_specs else 0


def _keys(found: list[Argument]) -> list[Argument]:
    keys: list[Argument] = []
    for argument in found:
        if argument.kind == KEY:
            keys.append(argument)
        keys += _keys(argument.arguments)
    return keys


# Reading: from text to words and groups.


class _Node:
    """A word, or a group of alternatives."""

    def __init__(self, word: str, optional: bool, alternatives: list[list[_Node]]) -> None:
        self.word = word  # empty for a group
        self.optional = optional
        self.alternatives = alternatives

    def is_token(self) -> bool:
        return self.word != "" and self.word.upper() == self.word

    def inner(self) -> str:
        return " | ".join([_text(sequence) for sequence in self.alternatives])

    def text(self) -> str:
        if self.word:
            return self.word
        return f"[{self.inner()}]" if self.optional else f"<{self.inner()}>"


def _text(nodes: list[_Node]) -> str:
    return " ".join([node.text() for node in nodes])


class _Reader:
    """Parses a syntax line into nodes."""

    def __init__(self, syntax: str) -> None:
        self._words: list[str] = re.findall(r"[\[\]<>|]|[^\s\[\]<>|]+", syntax)
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._words)

    def sequence(self) -> list[_Node]:
        """The nodes up to the end of the line, of the alternative or of the group."""
        nodes: list[_Node] = []
        while not self.at_end() and self._words[self._at] not in ("]", ">", "|"):
            word = self._words[self._at]
            self._at += 1
            if word in ("[", "<"):
                nodes.append(_Node("", word == "[", self._alternatives()))
            else:
                nodes.append(_Node(word, False, []))
        return nodes

    def _alternatives(self) -> list[list[_Node]]:
        alternatives = [self.sequence()]
        while self._words[self._at] == "|":
            self._at += 1
            alternatives.append(self.sequence())
        self._at += 1
        return alternatives


# Understanding: from nodes to arguments.


def _sequence(nodes: list[_Node]) -> list[Argument]:
    """The arguments for a sequence of nodes."""
    found: list[Argument] = []
    at = 0
    while at < len(nodes):
        end = _end_of_item(nodes, at)
        length = _repeated(nodes, at)
        if length > 0:
            argument = _joined(_sequence(nodes[at : at + length]))
            argument.multiple = True
            argument.multiple_token = nodes[at].is_token()
            found.append(argument)
            at += length + 1
        elif end > at + 1:
            found.append(_announced(nodes[at].word, _sequence(nodes[at + 1 : end])))
            at = end
        else:
            found.append(_single(nodes[at]))
            at += 1
    return found


def _end_of_item(nodes: list[_Node], at: int) -> int:
    """The end of the item that begins at ``at``: a token takes the values after it, up to the next option."""
    end = at + 1
    if not nodes[at].is_token():
        return end
    while end < len(nodes) and not nodes[end].is_token() and not _is_option(nodes[end]):
        end += 1
    return end


def _is_option(node: _Node) -> bool:
    """Whether a group is an option by itself, not more values for the token before it."""
    return node.optional and any(sequence and sequence[0].is_token() for sequence in node.alternatives)


def _repeated(nodes: list[_Node], at: int) -> int:
    """How many nodes from ``at`` on are repeated by a group after them; 0 if there is no such group."""
    for after in range(at + 1, len(nodes)):
        node = nodes[after]
        if node.optional and node.inner() == _text(nodes[at:after]) + " ...":
            return after - at
    following = nodes[at + 1] if at + 1 < len(nodes) else None
    if following is not None and following.optional and following.inner() == nodes[at].inner() + " ...":
        return 1  # <x | y> [x | y ...]
    return 0


def _joined(found: list[Argument]) -> Argument:
    """Several arguments joined into one."""
    if len(found) == 1:
        return found[0]
    block = Argument("-".join([argument.name for argument in found]), BLOCK)
    block.arguments = found
    return block


def _announced(token: str, found: list[Argument]) -> Argument:
    """Arguments that a token introduces."""
    argument = _joined(found)
    if argument.token or argument.optional:  # a token after a token: both must be shown
        argument = _joined([_pure_token(token), *found])
    else:
        argument.token = token
    return argument


def _single(node: _Node) -> Argument:
    """The argument for one word or group."""
    if not node.word:
        return _group(node)
    if node.is_token():
        return _pure_token(node.word)
    word, _, key_spec = node.word.partition("#")
    name, _, kind = word.rpartition(":")
    argument = Argument(name, kind) if kind in _TYPES and name else Argument(word, _TYPE_OF.get(word, STRING))
    if key_spec:
        argument.key_spec_index = int(key_spec)
    return argument


def _pure_token(word: str) -> Argument:
    argument = Argument(_TOKEN_NAMES.get(word, word.lower()), PURE_TOKEN)
    argument.token = "" if word == '""' else word
    return argument


def _group(node: _Node) -> Argument:
    """The argument for alternatives, or for one optional sequence."""
    alternatives, multiple = _without_repeat(node)
    choices = [_joined(_sequence(sequence)) for sequence in alternatives]
    if len(choices) == 1:
        argument = choices[0]
    else:
        argument = Argument("-".join([choice.name for choice in choices]), ONE_OF)
        argument.arguments = choices
    argument.optional = argument.optional or node.optional
    argument.multiple = argument.multiple or multiple
    return argument


def _without_repeat(node: _Node) -> tuple[list[list[_Node]], bool]:
    """The alternatives of a group, and whether the group may be repeated, as the end of its last alternative says."""
    last = node.alternatives[-1]
    if len(node.alternatives) > 1 and last and last[-1].optional:
        shortened = [*node.alternatives[:-1], last[:-1]]
        if last[-1].inner() == " | ".join([_text(sequence) for sequence in shortened]) + " ...":
            return shortened, True
    return node.alternatives, False
