"""Why a server could not start."""


class StartError(Exception):
    """The server cannot start; the text is what its log says last."""
