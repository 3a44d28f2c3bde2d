"""Layer 9: tools for RDB files, which need no server."""
