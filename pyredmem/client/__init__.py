"""Layer 7: redis-py connected to the engine inside the process."""
