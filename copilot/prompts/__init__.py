"""The sentences that replies and handoffs are made of, and the instructions of chat models, as data."""
