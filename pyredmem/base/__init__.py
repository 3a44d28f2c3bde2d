"""Layer 0: clock, random, errors, numbers and glob patterns; no knowledge of Redis's data."""
