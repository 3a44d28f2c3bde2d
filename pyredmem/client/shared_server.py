"""A server that several tests use, one after another."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pyredmem.client.leftovers import states_of
from pyredmem.client.local_session import LocalSession
from pyredmem.client.server import Server
from pyredmem.client.setting_names import setting_name, setting_text

_EMPTYING = ("FLUSHALL", "SCRIPT FLUSH", "FUNCTION FLUSH", "CONFIG RESETSTAT", "SLOWLOG RESET", "ACL LOG RESET")


class SharedServer:
    """Takes a server back to how it was at first.

    ``name`` is that of its fixture, ``node`` the part of the tests that it is for, and ``test`` the one that has it.
    """

    def __init__(self, server: Server, name: str, node: Any) -> None:
        self.server = server
        self.name = name
        self.node = node
        self.test: Any = None
        self._settings = self._all_settings()

    def _all_settings(self) -> dict[str, str]:
        return dict(self.server.engine.settings.matching([b"*"]))

    def change(self, options: dict[str, Any]) -> None:
        """Change settings, whose names have underscores. Raises ResponseError if one can't be changed."""
        with LocalSession(self.server.driver) as session:
            for name, value in options.items():
                session.do("CONFIG", "SET", setting_name(name), setting_text(value))

    def reset(self) -> None:
        """Empty the server and undo what a test has changed; clients that are idle stay connected."""
        self.test = None
        server = self.server
        if server.driver.is_closed:
            return
        server.faults.clear()
        self._disconnect_the_busy()
        with suppress(RuntimeError):  # it obeys Python's time
            server.clock.run_real()
        now = self._all_settings()
        self.change({name: value for name, value in self._settings.items() if now[name] != value})
        with LocalSession(server.driver) as session:
            for command in _EMPTYING:
                session.do(*command.split())
            session.do("ACL", "DELUSER", "nobody", *(user.name for user in self._made_users()))
            password = self._settings["requirepass"]
            login = f">{password}" if password else "nopass"
            session.do("ACL", "SETUSER", "default", "reset", "on", login, "~*", "&*", "+@all")
        server.commands.start()
        server.commands.clear()

    def _made_users(self) -> list[Any]:
        return [user for user in self.server.engine.access.users() if user.name != b"default"]

    def _disconnect_the_busy(self) -> None:
        """Disconnect clients that wait, listen, or are in a transaction: the next test must not hear of them."""
        driver = self.server.driver
        driver.enter()
        try:
            driver.engine.pause.end()
            for session in list(driver.engine.sessions.values()):
                if states_of(session):
                    driver.engine.clients.drop(session)
        finally:
            driver.leave()
