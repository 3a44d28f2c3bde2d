"""A small catalogue of commands, and users with rules about them, for the tests of the package."""

from __future__ import annotations

from pyredmem.acl.call import Call, UsedChannel, UsedKey
from pyredmem.acl.catalogue import ABSENT, ANY_SHAPE, NO_KEYS, READ, WRITE, AclCommand, Catalogue
from pyredmem.acl.selector import Selector
from pyredmem.acl.user import User

NAMES = [
    b"get",
    b"set",
    b"mget",
    b"mset",
    b"sort",
    b"ping",
    b"select",
    b"auth",
    b"config",
    b"config|get",
    b"config|set",
    b"publish",
]
INDEXES = {name: index for index, name in enumerate(NAMES)}


def catalogue() -> Catalogue:
    """The commands of `NAMES`, and one that is absent."""
    details: dict[bytes, tuple[set[str], int]] = {
        b"get": ({"read", "string", "fast"}, READ),
        b"set": ({"write", "string", "slow"}, WRITE),
        b"mget": ({"read", "string", "fast"}, READ),
        b"mset": ({"write", "string", "slow"}, WRITE),
        b"sort": ({"write", "slow"}, ANY_SHAPE),
        b"ping": ({"fast", "connection"}, NO_KEYS),
        b"select": ({"fast", "connection"}, NO_KEYS),
        b"auth": ({"fast", "connection"}, NO_KEYS),
        b"config": ({"slow"}, NO_KEYS),
        b"config|get": ({"admin", "slow", "dangerous"}, NO_KEYS),
        b"config|set": ({"admin", "slow", "dangerous"}, NO_KEYS),
        b"publish": ({"pubsub", "fast"}, NO_KEYS),
    }

    def load() -> list[AclCommand]:
        commands = [
            AclCommand(
                name,
                index,
                frozenset(details[name][0]),
                details[name][1],
                step={b"mget": 1, b"mset": 2}.get(name, 0),
                has_channels=name == b"publish",
                always_allowed=name == b"auth",
            )
            for name, index in INDEXES.items()
        ]
        return [*commands, AclCommand(b"bgsave", ABSENT, frozenset())]

    return Catalogue(load)


def user(rules: str = "", name: bytes = b"u", all_channels: bool = False) -> User:
    """A user to whom rules have been applied, which are separated by commas."""
    made = User(name, catalogue(), all_channels)
    for rule in rules.encode().split(b",") if rules else []:
        made.apply(rule)
    return made


def selector(rules: str = "") -> Selector:
    """A selector to which rules have been applied."""
    made = Selector(catalogue(), False)
    for rule in rules.encode().split():
        made.apply(rule)
    return made


def call(
    name: bytes,
    *keys: tuple[bytes, int],
    first: bytes | None = None,
    channels: tuple[bytes, ...] = (),
    patterns: tuple[bytes, ...] = (),
) -> Call:
    """A call with keys, each with the access that it needs, and with channels or patterns of channels."""
    used = [UsedKey(place, key, access) for place, (key, access) in enumerate(keys, 1)]
    published = [UsedChannel(place, channel, False) for place, channel in enumerate(channels, 1)]
    published += [UsedChannel(place, pattern, True) for place, pattern in enumerate(patterns, 1)]
    return Call(INDEXES[name], name == b"auth", first, used, published)
