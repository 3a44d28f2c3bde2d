"""The process, its logs and statistics, debugging, and the settings that Redis does not have."""

from __future__ import annotations

from typing import Final

from pyredmem.config.composites import OomScores, Percentiles
from pyredmem.config.kinds import (
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    Choice,
    ChoiceSet,
    Directory,
    EventClasses,
    Integer,
    Text,
    TitleTemplate,
    YesNo,
)
from pyredmem.config.parameter import (
    DEBUGGING_AID,
    NO_PROCESS_TUNING,
    NO_SYSLOG,
    NO_THREADS,
    Parameter,
    Section,
)
from pyredmem.config.profiles import DEFAULT, ProfileChoice

_AFFINITY: Final = Text(optional=True)
_SHUTDOWN: Final = ChoiceSet(
    "default",
    "save",
    "nosave",
    "now",
    "force",
    exclusive=("save", "nosave"),
    conflict="shutdown options SAVE and NOSAVE can't be used simultaneously",
)


def _cpus(name: str, whose: str) -> Parameter:
    """A list of processors. The alias is the older spelling, with an underscore."""
    return Parameter(
        name,
        _AFFINITY,
        "",
        f"Processors for {whose}, as in 0-3,7.",
        alias=name.replace("-cpulist", "_cpulist").replace("aof-rewrite", "aof_rewrite"),
        immutable=True,
        no_effect=NO_PROCESS_TUNING,
    )


PROCESS: Final = Section(
    "Process",
    (
        Parameter("daemonize", YesNo(), "no", "Run in the background.", immutable=True),
        Parameter(
            "supervised",
            Choice("upstart", "systemd", "auto", "no"),
            "no",
            "How to tell a supervisor that the server is ready.",
            immutable=True,
            no_effect="no supervisor is notified",
        ),
        Parameter("pidfile", Text(optional=True), "", "File that holds the process id.", immutable=True),
        Parameter("dir", Directory(), ".", "Working directory.", protected=True),
        Parameter(
            "loglevel",
            Choice("debug", "verbose", "notice", "warning", "nothing"),
            "notice",
            "The least severe level that is logged.",
        ),
        Parameter("logfile", Text(), "", "File for the log; empty is standard output.", immutable=True),
        Parameter("syslog-enabled", YesNo(), "no", "Log to syslog as well.", immutable=True, no_effect=NO_SYSLOG),
        Parameter("syslog-ident", Text(), "redis", "Name in syslog.", immutable=True, no_effect=NO_SYSLOG),
        Parameter(
            "syslog-facility",
            Choice("user", *(f"local{n}" for n in range(8))),
            "local0",
            "Facility in syslog.",
            immutable=True,
            no_effect=NO_SYSLOG,
        ),
        Parameter("databases", Integer(1, INT_MAX), "16", "Number of databases.", immutable=True),
        Parameter(
            "always-show-logo",
            YesNo(),
            "no",
            "Show the logo in the log.",
            immutable=True,
            no_effect="there is no logo",
        ),
        Parameter(
            "set-proc-title",
            YesNo(),
            "yes",
            "Change the title of the process.",
            immutable=True,
            no_effect=NO_PROCESS_TUNING,
        ),
        Parameter(
            "proc-title-template",
            TitleTemplate(),
            "{title} {listen-addr} {server-mode}",
            "Title of the process, with variables in braces.",
            no_effect=NO_PROCESS_TUNING,
        ),
        Parameter(
            "locale-collate",
            Text(),
            "",
            "Locale in which SORT compares strings; if empty, that of the environment.",
            no_effect="SORT compares bytes",
        ),
        Parameter(
            "hz",
            Integer(0, INT_MAX, clamp=(1, 500)),
            "10",
            "How often background work (expiry, resizing, timeouts) is done in a second.",
        ),
        Parameter("dynamic-hz", YesNo(), "yes", "Do background work more often while many clients are connected."),
        Parameter("activerehashing", YesNo(), "yes", "Spend 1 ms of every 100 ms on rehashing."),
        Parameter(
            "shutdown-timeout",
            Integer(0, INT_MAX),
            "10",
            "Seconds to wait for replicas before shutting down.",
            no_effect="there are no replicas to wait for",
        ),
        Parameter(
            "shutdown-on-sigint",
            _SHUTDOWN,
            "default",
            "Whether SIGINT saves a snapshot first.",
        ),
        Parameter(
            "shutdown-on-sigterm",
            _SHUTDOWN,
            "default",
            "Whether SIGTERM saves a snapshot first.",
        ),
        Parameter(
            "io-threads",
            Integer(1, 128),
            "1",
            "Threads for I/O.",
            immutable=True,
            no_effect=NO_THREADS,
        ),
        Parameter(
            "vset-force-single-threaded-execution",
            YesNo(),
            "no",
            "Do the work of vector sets in the main thread.",
            no_effect="there are no vector sets",
        ),
        Parameter(
            "io-threads-do-reads",
            YesNo(),
            "no",
            "Use the I/O threads for reading too.",
            immutable=True,
            no_effect=NO_THREADS,
        ),
        _cpus("server-cpulist", "the server"),
        _cpus("bio-cpulist", "background threads"),
        _cpus("aof-rewrite-cpulist", "the process that rewrites the append-only file"),
        _cpus("bgsave-cpulist", "the process that saves a snapshot"),
        Parameter(
            "oom-score-adj",
            Choice("no", "yes", "relative", "absolute", synonyms=(("relative", "yes"),)),
            "no",
            "Whether to adjust the kernel's out-of-memory score of the process (Linux).",
        ),
        Parameter(
            "oom-score-adj-values",
            OomScores(),
            "0 200 800",
            "Adjustments for a primary, a replica and a background process.",
        ),
        Parameter(
            "disable-thp",
            YesNo(),
            "yes",
            "Keep the kernel from using huge pages for the process.",
            immutable=True,
            no_effect=NO_PROCESS_TUNING,
        ),
        Parameter(
            "ignore-warnings",
            Text(),
            "",
            "Warnings about the machine in spite of which the server starts.",
            no_effect="the machine is not checked",
        ),
    ),
)

OBSERVING: Final = Section(
    "Slow log, latency and events",
    (
        Parameter(
            "slowlog-log-slower-than",
            Integer(-1, LONG_MAX),
            "10000",
            "Microseconds from which on a command is logged as slow; 0 means every command, -1 none.",
            alias="commandlog-execution-slower-than",
        ),
        Parameter(
            "slowlog-max-len",
            Integer(0, LONG_MAX),
            "128",
            "The most entries of the slow log.",
            alias="commandlog-slow-execution-max-len",
        ),
        Parameter(
            "latency-monitor-threshold",
            Integer(0, LONG_MAX),
            "0",
            "Milliseconds from which on LATENCY records an event; 0 means none.",
        ),
        Parameter("latency-tracking", YesNo(), "yes", "Keep a histogram of the latencies of each command."),
        Parameter(
            "latency-tracking-info-percentiles",
            Percentiles(),
            "50 99 99.9",
            "The percentiles that INFO latencystats shows.",
        ),
        Parameter(
            "notify-keyspace-events",
            EventClasses(),
            "",
            "Events to publish: K and E choose the channels; g generic, $ string, l list, s set, h hash, "
            "z sorted set, t stream, d module, x expired, e evicted, n new key, m missed key, "
            "A all of g$lshztdxe.",
        ),
    ),
)

DEBUGGING: Final = Section(
    "Debugging",
    (
        Parameter(
            "crash-log-enabled", YesNo(), "yes", "Log a report when the server crashes.", no_effect=DEBUGGING_AID
        ),
        Parameter(
            "crash-memcheck-enabled",
            YesNo(),
            "yes",
            "Test the memory when the server crashes.",
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "use-exit-on-panic",
            YesNo(),
            "no",
            "Exit instead of aborting after a crash.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "hide-user-data-from-log",
            YesNo(),
            "no",
            "Keep keys and values out of crash reports.",
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "watchdog-period",
            Integer(0, INT_MAX),
            "0",
            "Milliseconds after which a command that blocks the server is logged.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "rdb-key-save-delay",
            Integer(INT_MIN, INT_MAX),
            "0",
            "Microseconds to wait after saving each key.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "key-load-delay",
            Integer(INT_MIN, INT_MAX),
            "0",
            "Microseconds to wait after loading each key.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "loading-process-events-interval-bytes",
            Integer(1024, INT_MAX),
            "2097152",
            "Bytes loaded before clients are served again.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
    ),
)

OWN: Final = Section(
    "Settings of pyredmem",
    (
        Parameter(
            "mem-allocator",
            Choice("jemalloc", "jemalloc-lg4", "libc", "tcmalloc"),
            "jemalloc",
            "The allocator that is modelled: jemalloc as bundled with Redis, jemalloc with 16-byte steps as built by "
            "distributions, glibc's malloc, or tcmalloc.",
            immutable=True,
        ),
        Parameter(
            "redis-version",
            ProfileChoice(),
            DEFAULT.name,
            "What the server is like: a profile, or a version number, which chooses the newest profile that is not "
            "newer and is reported as it stands.",
            immutable=True,
        ),
        Parameter(
            "random-seed",
            Integer(0, LONG_MAX),
            "0",
            "Seed of every random choice; 0 means a random seed from the operating system.",
            immutable=True,
            hidden=True,
        ),
    ),
)
