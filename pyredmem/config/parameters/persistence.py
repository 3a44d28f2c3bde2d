"""RDB files and the append-only file."""

from __future__ import annotations

from typing import Final

from pyredmem.config.composites import SavePoints
from pyredmem.config.kinds import INT_MAX, LONG_MAX, Choice, FileName, Integer, Memory, YesNo
from pyredmem.config.parameter import NO_REPLICATION, Parameter, Section

SNAPSHOTS: Final = Section(
    "Snapshots",
    (
        Parameter(
            "save",
            SavePoints(),
            "3600 1 300 100 60 10000",
            'Seconds after which a snapshot is saved, and the changes without which it is not; save "" means never.',
        ),
        Parameter(
            "dbfilename",
            FileName("dbfilename", "filename", may_be_empty=True),
            "dump.rdb",
            "File name of the snapshot.",
            protected=True,
        ),
        Parameter("stop-writes-on-bgsave-error", YesNo(), "yes", "Refuse writes after a failed save."),
        Parameter("rdbcompression", YesNo(), "yes", "Compress long strings in snapshots, and in the replies of DUMP."),
        Parameter("rdbchecksum", YesNo(), "yes", "Put a checksum at the end of a snapshot.", immutable=True),
        Parameter(
            "rdb-save-incremental-fsync", YesNo(), "yes", "Force a snapshot to disk in steps while it is written."
        ),
        Parameter(
            "rdb-del-sync-files",
            YesNo(),
            "no",
            "Delete snapshots that were only made for replicas.",
            no_effect=NO_REPLICATION,
        ),
    ),
)

APPEND_ONLY_FILE: Final = Section(
    "Append-only file",
    (
        Parameter("appendonly", YesNo(), "no", "Write an append-only file."),
        Parameter(
            "appendfilename",
            FileName("appendfilename", "filename", may_be_empty=False),
            "appendonly.aof",
            "The name of the append-only file.",
            immutable=True,
        ),
        Parameter(
            "appenddirname",
            FileName("appenddirname", "dirname", may_be_empty=False),
            "appendonlydir",
            "The directory with the parts of the append-only file.",
            immutable=True,
        ),
        Parameter(
            "appendfsync",
            Choice("everysec", "always", "no"),
            "everysec",
            "When the append-only file is forced to disk.",
        ),
        Parameter(
            "no-appendfsync-on-rewrite",
            YesNo(),
            "no",
            "Do not force it to disk while a snapshot or a rewritten file is written.",
        ),
        Parameter(
            "auto-aof-rewrite-percentage", Integer(0, INT_MAX), "100", "Growth, in percent, at which it is rewritten."
        ),
        Parameter(
            "auto-aof-rewrite-min-size",
            Memory(0, LONG_MAX),
            str(64 << 20),
            "The smallest size at which it is rewritten.",
        ),
        Parameter("aof-load-truncated", YesNo(), "yes", "Load a file whose end is missing."),
        Parameter("aof-use-rdb-preamble", YesNo(), "yes", "Begin a rewritten file with a snapshot."),
        Parameter("aof-timestamp-enabled", YesNo(), "no", "Write timestamps to it."),
        Parameter(
            "aof-rewrite-incremental-fsync",
            YesNo(),
            "yes",
            "Force a rewritten file to disk in steps while it is written.",
        ),
        Parameter("aof-disable-auto-gc", YesNo(), "no", "Do not delete parts that are no longer needed."),
    ),
)
