"""Layer 2: access control lists. Users, their rules, what the rules permit, and the log of what they denied."""
