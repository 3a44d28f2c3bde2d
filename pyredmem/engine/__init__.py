"""Layer 4: sessions, dispatch, command specs, transactions and statistics."""
