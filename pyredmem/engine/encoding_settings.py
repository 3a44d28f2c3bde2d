"""Hands the settings of the encodings, and the longest string, to the keyspace: now and whenever they change."""

from __future__ import annotations

from pyredmem.config.settings import Settings
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.objects.limits import ENCODING_SETTINGS


class EncodingSettings:
    """Keeps the limits of a keyspace at what the settings say."""

    def __init__(self, settings: Settings, keyspace: Keyspace) -> None:
        self._settings = settings
        self._limits = keyspace.limits
        self._strings = keyspace.strings
        settings.follow((*ENCODING_SETTINGS, "proto-max-bulk-len"), self._changed)

    def _changed(self) -> None:
        self._limits.read(self._settings)
        self._strings.max_length = self._settings.integer("proto-max-bulk-len")
