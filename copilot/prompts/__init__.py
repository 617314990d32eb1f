"""The sentences that the deterministic author and the handoffs are made of, as data."""
