"""Layer 0: the ledger, a model of Redis's allocator, and what the operating system says of the process."""
