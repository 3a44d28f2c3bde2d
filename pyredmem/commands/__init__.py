"""Layer 5: the command handlers, one module per Redis command group."""
