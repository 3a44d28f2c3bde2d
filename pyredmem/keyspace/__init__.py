"""Layer 3: databases, expiry, and the events of keys."""
