"""Layer 5: the command INFO, from small providers that only read."""
