"""Keeps the limits of the encodings, and of the length of strings, as the settings say."""

from __future__ import annotations

from pyredmem.config.settings import Settings
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.limits import ENCODING_SETTINGS


class EncodingSettings:
    """Copies the settings into the limits of a keyspace, at the start and after each change."""

    def __init__(self, settings: Settings, keyspace: Keyspace) -> None:
        self._settings = settings
        self._limits = keyspace.limits
        self._strings = keyspace.strings
        settings.follow((*ENCODING_SETTINGS, "proto-max-bulk-len"), self._changed)

    def _changed(self) -> None:
        self._limits.read(self._settings)
        self._strings.max_length = self._settings.integer("proto-max-bulk-len")
