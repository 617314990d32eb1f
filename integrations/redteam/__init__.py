"""Attacks on a throw-away copy of the copilot: what reaches it, and what it makes of it."""
