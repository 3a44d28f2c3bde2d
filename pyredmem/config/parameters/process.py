"""The process, what can be watched of it, and the settings that are this server's own."""

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
    NO_PERSISTENCE,
    NO_PROCESS_TUNING,
    NO_PUBSUB,
    NO_SYSLOG,
    NO_THREADS,
    Parameter,
    Section,
)

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
    """A list of processors; the hyphens are those of the newer spelling."""
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
            "The least severe messages that are logged.",
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
            "Show a picture in the log.",
            immutable=True,
            no_effect="there is no picture",
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
            "Title of the process; the variables are in braces.",
            no_effect=NO_PROCESS_TUNING,
        ),
        Parameter(
            "locale-collate",
            Text(),
            "",
            "Locale for comparing strings in sorting; empty is that of the environment.",
            no_effect="nothing sorts yet",
        ),
        Parameter(
            "hz",
            Integer(0, INT_MAX, clamp=(1, 500)),
            "10",
            "How many times a second background work is done: expiry, resizing, timeouts.",
        ),
        Parameter("dynamic-hz", YesNo(), "yes", "Do background work more often while many clients are connected."),
        Parameter("activerehashing", YesNo(), "yes", "Spend a millisecond of each 100 on resizing hash tables."),
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
            "What SIGINT does about saving.",
            no_effect=NO_PERSISTENCE,
        ),
        Parameter(
            "shutdown-on-sigterm",
            _SHUTDOWN,
            "default",
            "What SIGTERM does about saving.",
            no_effect=NO_PERSISTENCE,
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
            "io-threads-do-reads",
            YesNo(),
            "no",
            "Use those threads for reading as well.",
            immutable=True,
            no_effect=NO_THREADS,
        ),
        _cpus("server-cpulist", "the server"),
        _cpus("bio-cpulist", "background threads"),
        _cpus("aof-rewrite-cpulist", "the process that rewrites the append only file"),
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
            "Keep the kernel from using huge pages.",
            immutable=True,
            no_effect=NO_PROCESS_TUNING,
        ),
        Parameter(
            "ignore-warnings",
            Text(),
            "",
            "Warnings about the machine that do not stop the start.",
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
            "Microseconds from which a command is in the slow log; 0 is all, -1 none.",
        ),
        Parameter("slowlog-max-len", Integer(0, LONG_MAX), "128", "Entries that the slow log keeps."),
        Parameter(
            "latency-monitor-threshold",
            Integer(0, LONG_MAX),
            "0",
            "Milliseconds from which an event is kept for LATENCY; 0 is off.",
        ),
        Parameter("latency-tracking", YesNo(), "yes", "Keep a histogram of the latency of each command."),
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
            no_effect=NO_PUBSUB,
        ),
    ),
)

DEBUGGING: Final = Section(
    "Debugging",
    (
        Parameter("crash-log-enabled", YesNo(), "yes", "Log a report upon a crash.", no_effect=DEBUGGING_AID),
        Parameter("crash-memcheck-enabled", YesNo(), "yes", "Test the memory upon a crash.", no_effect=DEBUGGING_AID),
        Parameter(
            "use-exit-on-panic",
            YesNo(),
            "no",
            "Exit, not abort, on a crash.",
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
            "Milliseconds after which a stall is logged.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "rdb-key-save-delay",
            Integer(INT_MIN, INT_MAX),
            "0",
            "Slow saving down by so many microseconds a key.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "key-load-delay",
            Integer(INT_MIN, INT_MAX),
            "0",
            "Slow loading down by so many microseconds a key.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
        Parameter(
            "loading-process-events-interval-bytes",
            Integer(1024, INT_MAX),
            "2097152",
            "Bytes loaded between two looks at the clients.",
            hidden=True,
            no_effect=DEBUGGING_AID,
        ),
    ),
)

OWN: Final = Section(
    "Settings of pyredmem alone",
    (
        Parameter(
            "mem-allocator",
            Choice("jemalloc", "jemalloc-lg4", "libc", "tcmalloc"),
            "jemalloc",
            "The allocator whose accounting is reported: jemalloc as Redis bundles it, jemalloc with 16-byte "
            "steps as distributions build it, glibc's malloc, tcmalloc.",
            immutable=True,
        ),
        Parameter(
            "redis-version",
            Text(),
            "7.4.7",
            "The Redis version that INFO and HELLO report.",
            immutable=True,
        ),
        Parameter(
            "random-seed",
            Integer(0, LONG_MAX),
            "0",
            "Seed of every random choice; 0 takes one from the operating system.",
            immutable=True,
            hidden=True,
        ),
    ),
)
