"""Layer 1: the settings registry and the configuration file."""
