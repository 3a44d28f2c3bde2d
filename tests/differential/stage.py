"""Plays scripts of several connections on a server, and compares what two servers send.

A line is `name: WORD WORD ...`, a command of the connection with that name; ` | ` stands between commands that are sent
in one write. `{b}` stands for the client id of connection b, `\\x20` for a space. ` ...` waits for a reply that comes
only after some time. `name: close` disconnects. A connection whose name ends in 2 or 3 speaks that protocol, any other
that of the stage.
"""

from __future__ import annotations

import re
import select

from tests.support.servers import Server
from tests.support.wire import Argument, Bulk, Closed, Reply, Simple, Wire, info, request


class Stage:
    """A server with the connections of a script."""

    def __init__(self, server: Server, protocol: int) -> None:
        self._server = server
        self._protocol = protocol
        self._control = server.connect()
        self._wires: dict[str, Wire] = {}
        self.ids: dict[str, str] = {}
        self._control.do("CONFIG", "RESETSTAT")

    def close(self) -> None:
        for wire in (self._control, *self._wires.values()):
            wire.close()

    def play(self, line: str) -> dict[str, list[Reply]]:
        """Run a line; returns what has arrived since, by connection."""
        name, _, text = line.strip().partition(": ")
        wire = self._wire(name)
        if text == "close":
            wire.close()
            del self._wires[name]
            self._settle()
            return {}
        commands = text.removesuffix(" ...").split(" | ")
        wire.send(b"".join([request(*self._words(command)) for command in commands]))
        if text.endswith(" ..."):
            return {name: [wire.receive()]}
        self._settle()
        return {other: self._arrived(self._wires[other]) for other in sorted(self._wires)}

    def _wire(self, name: str) -> Wire:
        if name not in self._wires:
            wire = self._server.connect(int(name[-1]) if name[-1] in "23" else self._protocol)
            self._wires[name] = wire
            self.ids[name] = str(getattr(wire.do("CLIENT", "ID"), "value", ""))
        return self._wires[name]

    def _words(self, command: str) -> list[Argument]:
        return [
            self.ids[word[1:-1]] if word[0] == "{" else word.encode().decode("unicode_escape").encode("latin-1")
            for word in command.split()
        ]

    def _settle(self) -> None:
        """When the third PING is answered, all that was sent before has run, and its effects are there.

        Ours writes messages at the end of a turn of its event loop, and closes a connection a turn later.
        """
        for _ in range(3):
            self._control.do("PING")

    def _arrived(self, wire: Wire) -> list[Reply]:
        replies: list[Reply] = []
        while wire.pending or select.select([wire], [], [], 0)[0]:
            try:
                replies.append(wire.receive())
            except Closed:
                replies.append(Bulk(b"(closed)"))
                break
        return replies

    def outcome(self, counts_failures: bool, left_blocked: bool) -> dict[str, object]:
        """The data, and what was counted.

        7.0 counts a call when it blocks its client, newer versions (and ours) when the client has its reply. So where a
        client ``left_blocked``, the calls of blocking commands cannot be compared.
        """
        clients = info(self._control, "clients")
        calls = info(self._control, "commandstats")
        kinds = ("calls", "rejected", "failed") if counts_failures else ("calls", "rejected")
        counted = {
            name: [part for part in figures.split(",") if part.startswith(kinds)]
            for name, figures in calls.items()
            if name not in {"cmdstat_ping", "cmdstat_client|id", "cmdstat_hello", "cmdstat_info"}
            and not (left_blocked and name in {"cmdstat_blpop", "cmdstat_blmove"})
        }
        return {
            "digest": self._control.do("DEBUG", "DIGEST"),
            "blocked": [clients["blocked_clients"], clients["clients_in_timeout_table"]],
            "calls": counted,
            "errors": info(self._control, "errorstats"),
        }


def _comparable(reply: Reply) -> Reply | None:
    """A line of MONITOR without time and address, unless that is `lua`; None for the PINGs of the test itself."""
    if not isinstance(reply, Simple) or b" [" not in reply.text:
        return reply
    text = re.sub(rb"^[\d.]+ \[(\d+) (?:[^]l][^]]*|(lua))\]", rb"[\1 \2]", reply.text)
    return None if text.endswith(b' "PING"') else Simple(text)


def _play(stage: Stage, line: str) -> dict[str, list[Reply]]:
    found = {name: [_comparable(reply) for reply in replies] for name, replies in stage.play(line).items()}
    return {name: [reply for reply in replies if reply is not None] for name, replies in found.items()}


def compare(judge: Server, ours: Server, protocol: int, script: str) -> dict[str, list[Reply]]:
    """Play a script on both servers; returns everything that each connection got."""
    stages = Stage(judge, protocol), Stage(ours, protocol)
    got: dict[str, list[Reply]] = {}
    try:
        for number, line in enumerate(script.strip().splitlines()):
            expected, found = (_play(stage, line) for stage in stages)
            assert found == expected, f"after line {number + 1}, {line.strip()}"
            for name, replies in found.items():
                got.setdefault(name, []).extend(replies)
    finally:
        for stage in stages:
            stage.close()
    return got


def conversation(server: Server, protocol: int, script: str) -> list[str]:
    """What each line of a script brings, with the names of the clients in place of their ids."""
    stage = Stage(server, protocol)
    found: list[str] = []
    try:
        for line in script.strip().splitlines():
            text = str(stage.play(line))
            for name, number in stage.ids.items():
                text = text.replace(f"Integer(value={number})", f"the id of {name}")
            found.append(f"{line.strip()} -> {text}")
    finally:
        stage.close()
    return found
