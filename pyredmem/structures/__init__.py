"""Layer 1: containers that charge the ledger as Redis's own structures would."""
