"""What a user takes in the ledger: the blocks that Redis 7.2 allocates for it (acl.c, server.h user)."""

from __future__ import annotations

from typing import Final

from pyredmem.acl.selector import Selector
from pyredmem.acl.user import User
from pyredmem.memory.layout import LIST_NODE_SIZE, LIST_SIZE, POINTER_SIZE, rax_node_size, sds_new_size

_USER_BYTES: Final = 40
_SELECTOR_BYTES: Final = 168
_KEY_PATTERN_BYTES: Final = 16
#: The first rule about a first argument allocates a pointer for every command that there can be.
_COMMANDS: Final = 1024


def block_sizes(user: User) -> list[int]:
    """The requests for the blocks of a user."""
    # Its nodes in the tree of the users, as if no other name began like its own.
    sizes = [int(rax_node_size(len(user.name), 1, False)), int(rax_node_size(0, 0, True))]
    sizes += [_USER_BYTES, _text(user.name), LIST_SIZE, LIST_SIZE]
    for hashed in user.passwords:
        sizes += [LIST_NODE_SIZE, _text(hashed)]
    for selector in user.selectors:
        sizes += [LIST_NODE_SIZE, *_selector_sizes(selector)]
    return sizes


def _selector_sizes(selector: Selector) -> list[int]:
    sizes = [_SELECTOR_BYTES, LIST_SIZE, LIST_SIZE, _text(b" ".join(selector.command_rules))]
    for pattern in selector.key_patterns:
        sizes += [LIST_NODE_SIZE, _KEY_PATTERN_BYTES, _text(pattern.glob.pattern)]
    for glob in selector.channel_patterns:
        sizes += [LIST_NODE_SIZE, _text(glob.pattern)]
    allowed = selector.first_arguments()
    if allowed:
        sizes.append(_COMMANDS * POINTER_SIZE)
    for words in allowed:
        sizes += [(len(words) + 1) * POINTER_SIZE, *[_text(word) for word in words]]
    return sizes


def _text(text: bytes) -> int:
    return int(sds_new_size(len(text)))
