"""The error texts that more than one command can give, each declared once.

A handler raises :class:`CommandError`, and dispatch sends it as an error reply. The message is the whole line without
the leading ``-`` and the trailing CRLF. Its first word is the error code, which INFO errorstats counts.
"""

from __future__ import annotations

from typing import Final


class CommandError(Exception):
    """A command was refused; ``message`` is the error reply that the client gets."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


class ProtocolError(Exception):
    """A client sent bytes that are not RESP; it gets ``message`` as its last reply and is disconnected."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


SYNTAX_ERROR: Final = b"ERR syntax error"
WRONG_TYPE: Final = b"WRONGTYPE Operation against a key holding the wrong kind of value"
NO_SUCH_KEY: Final = b"ERR no such key"
PAYLOAD_NOT_INTACT: Final = b"ERR DUMP payload version or checksum are wrong"
NOT_AN_INTEGER: Final = b"ERR value is not an integer or out of range"
NOT_A_FLOAT: Final = b"ERR value is not a valid float"
MUST_BE_POSITIVE: Final = b"ERR value is out of range, must be positive"
INCREMENT_OVERFLOW: Final = b"ERR increment or decrement would overflow"
INCREMENT_NAN: Final = b"ERR increment would produce NaN or Infinity"
STRING_TOO_LONG: Final = b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OFFSET_OUT_OF_RANGE: Final = b"ERR offset is out of range"
INVALID_CURSOR: Final = b"ERR invalid cursor"
DB_INDEX_OUT_OF_RANGE: Final = b"ERR DB index is out of range"
SAME_OBJECT: Final = b"ERR source and destination objects are the same"
INVALID_FIRST_DB: Final = b"ERR invalid first DB index"
INVALID_SECOND_DB: Final = b"ERR invalid second DB index"
NX_WITH_OTHERS: Final = b"ERR NX and XX, GT or LT options at the same time are not compatible"
GT_WITH_LT: Final = b"ERR GT and LT options at the same time are not compatible"
TIMEOUT_NOT_AN_INTEGER: Final = b"ERR timeout is not an integer or out of range"
TIMEOUT_NOT_A_FLOAT: Final = b"ERR timeout is not a float or out of range"
TIMEOUT_NEGATIVE: Final = b"ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE: Final = b"ERR timeout is out of range"
NO_APPEND_ONLY_FILE: Final = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
LFU_SELECTED: Final = (
    b"ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between "
    b"policies at runtime LRU and LFU data will take some time to adjust."
)
LFU_NOT_SELECTED: Final = (
    b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
    b"between policies at runtime LRU and LFU data will take some time to adjust."
)
OUT_OF_MEMORY: Final = b"OOM command not allowed when used memory > 'maxmemory'."
BUSY_SCRIPT: Final = b"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
BUSY_FUNCTION: Final = b"BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
NO_SCRIPT_RUNS: Final = b"NOTBUSY No scripts in execution right now."
SCRIPT_HAS_WRITTEN: Final = (
    b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    b"termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)
NOT_AUTHENTICATED: Final = b"NOAUTH Authentication required."
HELLO_WITHOUT_AUTH: Final = (
    b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
    b"<pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
)
LOADING: Final = b"LOADING Redis is loading the dataset in memory"
READ_ONLY_REPLICA: Final = b"READONLY You can't write against a read only replica."
MASTER_DOWN: Final = b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NO_REPLICAS: Final = b"NOREPLICAS Not enough good replicas to write."
CANNOT_SAVE: Final = (
    b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    b"may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    b"snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    b"error."
)


def cannot_append(reason: bytes) -> bytes:
    """The error for a write when the last one could not be written to the append-only file."""
    return b"MISCONF Errors writing to the AOF file: " + reason


DIFFERENT_SLOTS: Final = b"CROSSSLOT Keys in request don't hash to the same slot"
SLOT_IS_MOVING: Final = b"TRYAGAIN Multiple keys request during rehashing of slot"
EXEC_ABORT: Final = b"EXECABORT Transaction discarded because of previous errors."
DEBUG_NOT_ALLOWED: Final = (
    b'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a '
    b"local connection, otherwise you need to set this option in the configuration file, and then restart the server."
)
NO_PROTOCOL: Final = b"NOPROTO unsupported protocol version"
MONITORS_CANNOT_ACCESS_KEYS: Final = b"ERR Replica can't interact with the keyspace"


def not_while_subscribed(full_name: bytes) -> bytes:
    """The refusal of a command that a RESP2 client sends while it is subscribed."""
    return (
        b"ERR Can't execute '" + full_name + b"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
        b"allowed in this context"
    )


def invalid_expire(command: bytes) -> CommandError:
    """The error for an expire time that is not positive, or too large."""
    return CommandError(b"ERR invalid expire time in '" + command + b"' command")


def not_between(low: int, high: int) -> CommandError:
    """The error for an integer outside its bounds."""
    return CommandError(b"ERR value is out of range, value must between %d and %d" % (low, high))


def unsupported_option(option: bytes) -> CommandError:
    """The error for a word that is not an option of EXPIRE."""
    return CommandError(b"ERR Unsupported option " + as_c_string(option))


def exec_refused(reason: bytes) -> CommandError:
    """The error for an EXEC that could not run at all; ``reason`` is another error message."""
    return CommandError(b"EXECABORT Transaction discarded because of: " + reason.removeprefix(b"ERR "))


def wrong_arity(full_name: bytes) -> CommandError:
    """The error for a wrong number of arguments; ``full_name`` is like ``get`` or ``config|get``."""
    return CommandError(b"ERR wrong number of arguments for '" + full_name + b"' command")


def unknown_subcommand(container: bytes, subcommand: bytes) -> CommandError:
    """The error for an unknown word after a container command; Redis shows at most 128 bytes of that word.

    ``container`` is how the client calls it: it may have been renamed.
    """
    return CommandError(
        b"ERR unknown subcommand '" + as_c_string(subcommand, 128) + b"'. Try " + container.upper() + b" HELP."
    )


def bad_subcommand_call(container: bytes, subcommand: bytes) -> CommandError:
    """The error that the handler of a container command gives for a subcommand with arguments it does not take."""
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '"
        + as_c_string(subcommand, 128)
        + b"'. Try "
        + container.upper()
        + b" HELP."
    )


def as_c_string(data: bytes, limit: int | None = None) -> bytes:
    """The part of an argument that C's formatting shows: up to its first NUL, and at most ``limit`` bytes if given."""
    return data.partition(b"\x00")[0][:limit]


def not_in_transaction(command: bytes) -> bytes:
    """A command may not be sent in MULTI; the text has its name if that is not empty."""
    name = b" '" + command + b"'" if command else b""
    return b"ERR Command" + name + b" not allowed inside a transaction"
