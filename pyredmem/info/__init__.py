"""Layer 6: the command INFO, from small providers that only read."""
