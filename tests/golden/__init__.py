"""Recordings of a real Redis 7.2 that the ledger has to reproduce."""
