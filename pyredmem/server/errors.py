"""The error of a server that cannot start."""


class StartError(Exception):
    """The server cannot start. The text becomes the last line of its log."""
