"""Snapshots and the append only file: accepted so that a redis.conf loads, without effect."""

from typing import Final

from pyredmem.config.composites import SavePoints
from pyredmem.config.kinds import INT_MAX, LONG_MAX, Choice, FileName, Integer, Kind, Memory, YesNo
from pyredmem.config.parameter import NO_PERSISTENCE, NO_REPLICATION, Parameter, Section


def _setting(name: str, kind: Kind, default: str, text: str, immutable: bool = False) -> Parameter:
    """A setting of persistence."""
    return Parameter(name, kind, default, text, immutable=immutable, no_effect=NO_PERSISTENCE)


SNAPSHOTS: Final = Section(
    "Snapshots",
    (
        _setting(
            "save",
            SavePoints(),
            "3600 1 300 100 60 10000",
            'Save after so many seconds if there were so many changes; save "" is never.',
        ),
        Parameter(
            "dbfilename",
            FileName("dbfilename", "filename", may_be_empty=True),
            "dump.rdb",
            "Name of the snapshot.",
            protected=True,
            no_effect=NO_PERSISTENCE,
        ),
        _setting("stop-writes-on-bgsave-error", YesNo(), "yes", "Refuse writes after a failed save."),
        Parameter("rdbcompression", YesNo(), "yes", "Compress strings in what DUMP gives."),
        _setting("rdbchecksum", YesNo(), "yes", "Put a checksum at the end of a snapshot.", immutable=True),
        _setting("rdb-save-incremental-fsync", YesNo(), "yes", "Write a snapshot out in steps."),
        Parameter(
            "rdb-del-sync-files",
            YesNo(),
            "no",
            "Delete snapshots that were made for replicas only.",
            no_effect=NO_REPLICATION,
        ),
    ),
)

APPEND_ONLY_FILE: Final = Section(
    "Append only file",
    (
        _setting("appendonly", YesNo(), "no", "Keep an append only file."),
        _setting(
            "appendfilename",
            FileName("appendfilename", "filename", may_be_empty=False),
            "appendonly.aof",
            "Its name.",
            immutable=True,
        ),
        _setting(
            "appenddirname",
            FileName("appenddirname", "dirname", may_be_empty=False),
            "appendonlydir",
            "The directory of its parts.",
            immutable=True,
        ),
        _setting("appendfsync", Choice("everysec", "always", "no"), "everysec", "When it is forced to disk."),
        _setting("no-appendfsync-on-rewrite", YesNo(), "no", "Do not force it to disk while saving."),
        _setting("auto-aof-rewrite-percentage", Integer(0, INT_MAX), "100", "Growth at which it is rewritten."),
        _setting(
            "auto-aof-rewrite-min-size",
            Memory(0, LONG_MAX),
            str(64 << 20),
            "Size from which it is rewritten.",
        ),
        _setting("aof-load-truncated", YesNo(), "yes", "Accept a file whose end is missing."),
        _setting("aof-use-rdb-preamble", YesNo(), "yes", "Begin a rewritten file with a snapshot."),
        _setting("aof-timestamp-enabled", YesNo(), "no", "Note times in it."),
        _setting("aof-rewrite-incremental-fsync", YesNo(), "yes", "Write it out in steps when rewriting."),
        _setting("aof-disable-auto-gc", YesNo(), "no", "Keep parts that are no longer needed."),
    ),
)
