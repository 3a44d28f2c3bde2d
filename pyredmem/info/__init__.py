"""Layer 5: the figures of INFO, MEMORY and LATENCY, from small providers that only read."""
