"""Conditions that somebody should know of: what they are, when they hold, and how they are told."""
