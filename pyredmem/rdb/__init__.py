"""Layer 10: tools for RDB files, which need no server."""
