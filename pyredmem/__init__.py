"""A Redis-compatible in-memory server and test double that tells the truth about memory."""

__version__ = "0.1.0"
