"""What keeps the laboratory from doing what it is asked for. The text of each error is a line for the user."""


class LabError(Exception):
    """Something cannot be done; the text says why."""


class ReplayError(LabError):
    """The trace cannot be replayed like this."""


class SpecError(LabError):
    """The specification of a synthetic trace cannot be used."""


class PatternError(LabError):
    """The pattern of allocations cannot be used, or the server refused a command of it."""


class TraceFileError(LabError):
    """The file is no trace, or it is damaged."""


class ImportFileError(LabError):
    """The file cannot be turned into a trace."""


class RecordError(LabError):
    """The server cannot be recorded."""


class NoPicturesError(LabError):
    """Matplotlib is not installed."""
