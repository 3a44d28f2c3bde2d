"""Layer 1: RESP2 and RESP3 without I/O."""
