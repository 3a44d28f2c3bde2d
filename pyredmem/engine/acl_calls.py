"""Commands and calls as the package `acl` looks at them, made from the specs of the commands."""

from __future__ import annotations

from pyredmem.acl.call import Call, UsedChannel, UsedKey
from pyredmem.acl.catalogue import ABSENT, ANY_SHAPE, NO_KEYS, READ, AclCommand
from pyredmem.acl.catalogue import WRITE as WRITE_ACCESS
from pyredmem.base.redis_commands import redis_commands
from pyredmem.config.profiles import Profile
from pyredmem.engine.key_extraction import find_keys
from pyredmem.engine.spec import (
    ACCESS,
    DELETE,
    INCOMPLETE,
    INSERT,
    NO_AUTH,
    NOT_KEY,
    UPDATE,
    VARIABLE_FLAGS,
    Command,
    CommandSpec,
    CommandTable,
)


def acl_commands(table: CommandTable, profile: Profile) -> list[AclCommand]:
    """All commands of the table by the names under which they are called, then those of the version that are absent."""
    found: list[AclCommand] = []
    for name, command in table.commands.items():
        found.append(_acl_command(name, command))
        for word, subcommand in command.subcommands.items():
            found.append(_acl_command(name + b"|" + word, subcommand))
    return found + _absent({command.name for command in found}, profile)


def _absent(served: set[bytes], profile: Profile) -> list[AclCommand]:
    """The commands of a Redis of this version that this server lacks: rules for another server may name them."""
    names = sorted([name.encode() for group in redis_commands(profile.until).values() for name in group])
    return [AclCommand(name, ABSENT, frozenset()) for name in names if name not in served]


def _acl_command(name: bytes, command: Command) -> AclCommand:
    spec = command.spec
    shape = _shape(spec)
    step = spec.keys[0].step if shape >= 0 and spec.keys[0].last != 0 else 0
    return AclCommand(name, int(command.index), spec.acl, shape, step, spec.channels is not None, command.has(NO_AUTH))


def _shape(spec: CommandSpec) -> int:
    """Where the keys of a call are, and the access that they need: see `acl.catalogue`."""
    if spec.find_keys is None and all(NOT_KEY in keys.flags for keys in spec.keys):
        return NO_KEYS
    if len(spec.keys) != 1:
        return ANY_SHAPE
    keys = spec.keys[0]
    is_plain = not keys.keyword and not keys.unknown and keys.count_at < 0 and INCOMPLETE not in keys.flags
    begins_at_first = keys.index == 1 and keys.last in {0, -1} and keys.limit == 0
    # If the access depends on the options, the flags of the specification are all that it can be.
    if is_plain and begins_at_first and (spec.find_keys is None or VARIABLE_FLAGS in keys.flags):
        return _access(keys.flags)
    return ANY_SHAPE


def _access(flags: tuple[str, ...]) -> int:
    """The access that the flags of a key need."""
    access = READ if ACCESS in flags else 0
    return access | WRITE_ACCESS if UPDATE in flags or INSERT in flags or DELETE in flags else access


def acl_call(command: Command, argv: list[bytes]) -> Call:
    """A call with its keys and channels."""
    spec = command.spec
    keys = [UsedKey(found.place, argv[found.place], _access(found.flags)) for found in find_keys(spec, argv)]
    first = 2 if "|" in command.name else 1
    first_argument = argv[first] if len(argv) > first else None
    return Call(int(command.index), command.has(NO_AUTH), first_argument, keys, _channels(spec, argv))


def _channels(spec: CommandSpec, argv: list[bytes]) -> list[UsedChannel]:
    channels = spec.channels
    if channels is None:
        return []
    end = len(argv) if channels.to_end else min(channels.index + 1, len(argv))
    return [UsedChannel(place, argv[place], channels.are_patterns) for place in range(channels.index, end)]
