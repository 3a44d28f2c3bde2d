"""The settings that belong to the process and not to the engine.

They are `dir`, `logfile`, `loglevel`, `pidfile`, `daemonize`, and those for the kernel's out-of-memory score. A server
inside another program ignores all of them.
"""

import os
from typing import Final

from pyredmem.config.settings import SettingError, Settings
from pyredmem.server.daemon import can_daemonize, daemonize, remove_pid_file, write_pid_file
from pyredmem.server.endpoints import describe
from pyredmem.server.logs import Log
from pyredmem.server.oom_score import OomScore

DEFAULT_PID_FILE: Final = "/var/run/redis.pid"


class ProcessError(Exception):
    """The process cannot be set up as the settings ask. The text is for the report of a configuration error."""


class ProcessSettings:
    """Applies these settings at the start and follows later changes."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._pid_file = ""
        self._oom_score = OomScore(settings, log)

    def apply(self) -> None:
        """Change to the directory and open the log, or raise ProcessError."""
        if self._settings.flag("daemonize") and not can_daemonize():
            raise ProcessError("Can't daemonize: this system cannot fork a process")
        directory, logfile = self._settings.text("dir"), self._settings.text("logfile")
        try:
            self._enter_directory()
        except OSError as error:
            raise ProcessError(f"Can't chdir to '{directory}': {describe(error)}") from error
        try:
            self._log.open_file(logfile)
        except OSError as error:
            raise ProcessError(f"Can't open the log file: {describe(error)}") from error
        self._settings.follow(("loglevel",), self._level_changed)
        self._settings.subscribe("dir", self._directory_changed)
        self._oom_score.apply()

    def detach(self) -> None:
        """Go into the background if the settings ask for it. No other thread may be running yet."""
        if self._settings.flag("daemonize"):
            daemonize()

    def write_pid_file(self) -> None:
        """Write the pid file if the settings ask for one. A server starts even if the file cannot be written."""
        path = self._settings.text("pidfile")
        if not path and self._settings.flag("daemonize"):
            path = DEFAULT_PID_FILE
        if not path:
            return
        try:
            write_pid_file(path)
            self._pid_file = os.path.abspath(path)
        except OSError as error:
            self._log.warning(f"Failed to write PID file: {describe(error)}")

    def finish(self) -> None:
        """Remove the pid file."""
        if self._pid_file:
            self._log.notice("Removing the pid file.")
            remove_pid_file(self._pid_file)
            self._pid_file = ""

    def _enter_directory(self) -> None:
        os.chdir(self._settings.text("dir"))
        # CONFIG GET shows the absolute path, not what was written in the setting.
        self._settings.start_with("dir", os.getcwd())

    def _directory_changed(self) -> None:
        try:
            self._enter_directory()
        except OSError as error:
            raise SettingError(reason=describe(error)) from error

    def _level_changed(self) -> None:
        self._log.set_level(self._settings.text("loglevel"))
