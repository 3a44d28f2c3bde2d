"""What COMMAND says, as plain Python values, and where ours differs from the installed redis-server on purpose."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.wire import Array, Bulk, Decoder, Error, Integer, Map, Reply, Set, Simple, Wire
from tests.support.world import World

Value = str | int | list["Value"] | None

#: The installed server is 7.0.15; (command, field): why 7.2 says something else there.
KNOWN_INFO = {
    ("acl|cat", "arguments"): "7.2 names the argument category",
    ("acl|deluser", "tips"): "added in 7.2",
    ("acl|log", "history"): "7.2 added three fields",
    ("acl|save", "tips"): "added in 7.2",
    ("acl|setuser", "tips"): "added in 7.2",
    ("bitop", "arguments"): "7.2 lists the operations",
    ("client|pause", "since"): "7.2 counts the versions of the unstable branch no more",
    ("client|setname", "tips"): "added in 7.2",
    ("command|getkeys", "arity"): "7.2 takes a command without arguments",
    ("command|getkeysandflags", "arity"): "7.2 takes a command without arguments",
    ("config|resetstat", "tips"): "added in 7.2",
    ("config|rewrite", "tips"): "added in 7.2",
    ("command|getkeys", "arguments"): "7.2 documents them",
    ("command|getkeysandflags", "arguments"): "7.2 documents them",
    ("client|kill", "arguments"): "7.2 lists the values of SKIPME, and 7.4 has MAXAGE",
    ("client|kill", "history"): "7.4 has MAXAGE",
    ("client|list", "history"): "7.2, 7.4 and 8.0 added fields",
    ("cluster|shards", "flags"): "7.2 allows it while loading",
    ("cluster|slots", "flags"): "7.2 allows it while loading",
    ("failover", "arguments"): "the group around TO and its values is kept apart",
    ("migrate", "arguments"): "7.2 no longer calls each of the alternatives optional",
    ("georadius_ro", "history"): "7.2 tells of the units in upper case",
    ("georadiusbymember", "history"): "7.2 tells of ANY",
    ("georadiusbymember_ro", "history"): "7.2 tells of ANY and of the units in upper case",
    ("hscan", "arguments"): "NOVALUES was added in 7.4",
    ("latency|reset", "tips"): "7.2 adds up what the nodes reply",
    ("lcs", "arguments"): "7.2 names the length min-match-len",
    ("msetnx", "tips"): "cannot be split among shards, says 7.2",
    ("randomkey", "tips"): "7.2 has a response policy",
    ("scan", "tips"): "7.2 has a response policy",
    ("sinterstore", "keys"): "overwrites its key, say later versions",
    ("xadd", "arguments"): "8.2 has KEEPREF, DELREF and ACKED",
    ("xadd", "history"): "8.2 has KEEPREF, DELREF and ACKED",
    ("xtrim", "history"): "8.2 has KEEPREF, DELREF and ACKED",
    ("sort", "arguments"): "7.2 names the patterns by-pattern and get-pattern",
    ("sort_ro", "arguments"): "7.2 names the patterns by-pattern and get-pattern",
    **{
        (name, "arguments"): "7.2 names the arguments more simply"
        for name in (
            "xclaim",
            "xgroup|create",
            "xgroup|createconsumer",
            "xgroup|delconsumer",
            "xgroup|destroy",
            "xgroup|setid",
            "xinfo|consumers",
            "xsetid",
        )
    },
    ("xinfo|consumers", "history"): "7.2 added a field",
    ("xinfo|stream", "arguments"): "7.2 tells of COUNT",
    ("xinfo|stream", "history"): "7.2 added a field",
    ("xread", "complexity"): "7.2 has none",
    ("xtrim", "arguments"): "the group around the whole strategy is not kept",
    ("zrank", "arity"): "7.2 has WITHSCORE",
    ("zrank", "arguments"): "7.2 has WITHSCORE",
    ("zrank", "history"): "7.2 has WITHSCORE",
    ("zrevrank", "arity"): "7.2 has WITHSCORE",
    ("zrevrank", "arguments"): "7.2 has WITHSCORE",
    ("zrevrank", "history"): "7.2 has WITHSCORE",
    ("wait", "acl"): "a blocking command, say later versions",
    ("wait", "flags"): "may be called by scripts since 7.2, and is a blocking command",
    **{
        (name, "flags"): "may be called by scripts since 7.2"
        for name in ("blmove", "blpop", "brpop", "brpoplpush", "bzpopmax", "bzpopmin")
    },
    ("geohash", "arguments"): "the members are optional, says 7.2",
    ("geopos", "arguments"): "the members are optional, says 7.2",
    ("georadius", "arguments"): "7.2 says that STORE and STOREDIST exclude each other",
    ("georadiusbymember", "arguments"): "7.2 says that STORE and STOREDIST exclude each other",
    ("pfmerge", "arguments"): "the sources are optional, says 7.2",
    ("psetex", "deprecated"): "deprecated since 7.2",
    ("setex", "deprecated"): "deprecated since 7.2",
    ("setnx", "deprecated"): "deprecated since 7.2",
    ("quit", "deprecated"): "deprecated since 7.2",
}


@dataclass(frozen=True)
class Described:
    """A command as COMMAND INFO and COMMAND DOCS describe it; lists whose order has no meaning are sorted."""

    fields: dict[str, Value]

    def differences(self, other: Described) -> list[str]:
        """The fields in which two descriptions differ."""
        return [name for name in self.fields if self.fields[name] != other.fields[name]]


def value(reply: Reply) -> Value:
    """A RESP2 reply as strings, integers and lists."""
    if isinstance(reply, Array | Set):
        return [value(item) for item in reply.items]
    if isinstance(reply, Map):
        return [value(part) for pair in reply.pairs for part in pair]
    if isinstance(reply, Bulk):
        return reply.data.decode()
    if isinstance(reply, Simple | Error):
        return reply.text.decode()
    return reply.value if isinstance(reply, Integer) else None


def ask(world: World, *words: str) -> Value:
    """Run a command and return its reply as a plain value."""
    decoder = Decoder()
    decoder.feed(world.raw(*words))
    reply = decoder.take()
    assert reply is not None
    return value(reply)


def described_by(world: World) -> dict[str, Described]:
    """How our engine describes its commands, by name."""
    return _described(ask(world, "COMMAND"), ask(world, "COMMAND", "DOCS"))


def described_by_server(wire: Wire) -> dict[str, Described]:
    """How a server describes its commands, by name."""
    return _described(value(wire.do("COMMAND")), value(wire.do("COMMAND", "DOCS")))


def items(found: Value) -> list[Value]:
    """The value as a list; asserts that it is one."""
    assert isinstance(found, list), found
    return found


def pairs(found: Value) -> dict[str, Value]:
    """A flat list as a dictionary."""
    flat = items(found)
    return {str(name): part for name, part in zip(flat[::2], flat[1::2], strict=True)}


def _described(info: Value, docs: Value) -> dict[str, Described]:
    documented: dict[str, dict[str, Value]] = {}
    _collect_docs(pairs(docs), documented)
    found: dict[str, Described] = {}
    _collect_info(items(info), documented, found)
    return found


def _collect_docs(docs: dict[str, Value], found: dict[str, dict[str, Value]]) -> None:
    for name, documented in docs.items():
        found[name] = pairs(documented)
        if "subcommands" in found[name]:
            _collect_docs(pairs(found[name]["subcommands"]), found)


def _collect_info(info: list[Value], docs: dict[str, dict[str, Value]], found: dict[str, Described]) -> None:
    for entry in info:
        command = items(entry)
        name = str(command[0])
        documented = docs[name]
        found[name] = Described(
            {
                "arity": command[1],
                "flags": _sorted(command[2]),
                "range": command[3:6],
                "acl": _sorted(command[6]),
                "tips": _sorted(command[7]),
                "keys": command[8],
                "since": documented.get("since"),
                "group": documented.get("group"),
                "doc_flags": [flag for flag in items(documented.get("doc_flags", [])) if flag != "deprecated"],
                "deprecated": documented.get("deprecated_since"),
                "complexity": "complexity" in documented,
                "history": _sorted([items(change)[0] for change in items(documented.get("history", []))]),
                "arguments": canonical(documented.get("arguments", [])),
            }
        )
        _collect_info(items(command[9]), docs, found)


def _sorted(found: Value) -> Value:
    return list[Value](sorted(str(item) for item in items(found)))


def canonical(arguments: Value) -> Value:
    """An argument tree without the parts that a syntax line does not contain.

    These are the names of alternatives and groups, versions, texts for display, and whether a token belongs to a
    group or to the first argument in it.
    """
    return [_canonical(pairs(argument)) for argument in items(arguments)]


def _canonical(argument: dict[str, Value]) -> Value:
    kind = str(argument["type"])
    name = str(argument["name"]).replace("_", "-")
    token = argument.get("token")
    flags = [str(flag) for flag in items(argument.get("flags", []))]
    parts = [items(part) for part in items(canonical(argument.get("arguments", [])))]
    if kind == "block" and len(parts) == 1:
        only = parts[0]
        merged = list[Value](sorted({*flags, *[str(flag) for flag in items(only[3])]}))
        return [only[0], only[1], token or only[2], merged, only[4], only[5]]
    if kind == "block" and token is not None and parts[0][2] is None:
        parts[0][2] = token
        token = None
    shown = "" if kind in {"block", "oneof"} else name
    return [shown, kind, token, list[Value](sorted(flags)), argument.get("key_spec_index"), list[Value](parts)]
